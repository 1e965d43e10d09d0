// Typed values over the wire: sets, maps, flags and their removal as a whole, with what was concurrent kept.
#include "typed.hpp"

using namespace baton;
using namespace baton::sim;

namespace {
using names = std::vector<std::string>;
}

TEST_CASE("typed: an element added beside its removal stays (add wins)", "[core][scenario]") {
    typed s;
    for (const auto* name : {"a", "b", "c"}) s.put(0, element("tags", name));
    s.settle();
    s.part();
    CHECK(s.remove(0, element("tags", "a")));
    CHECK(s.remove(1, element("tags", "b")));
    s.put(1, element("tags", "a")); // again, having not seen the removal
    s.put(2, element("tags", "d"));
    s.meet();
    s.everywhere([&](process_number who) {
        CHECK(s.elements(who, value_type::set, "tags") == names{"a", "c", "d"});
    });
    CHECK(s.remove(2, element("tags", "a")));
    CHECK_FALSE(s.remove(2, element("tags", "a")));
    s.everywhere([&](process_number who) {
        CHECK(s.elements(who, value_type::set, "tags") == names{"c", "d"});
    });
}

TEST_CASE("typed: a flag enabled beside its disabling is on (enable wins)", "[core][scenario]") {
    typed s;
    s.put(0, flag("lamp")), s.put(0, flag("other"));
    s.settle();
    s.part();
    CHECK(s.remove(0, flag("lamp")));
    CHECK(s.remove(1, flag("other")));
    s.put(2, flag("lamp"));
    s.meet();
    s.everywhere([&](process_number who) {
        CHECK(s.get(who, flag("lamp")));
        CHECK_FALSE(s.get(who, flag("other")));
    });
}

TEST_CASE("typed: fields written at once are siblings, and a later write replaces them all",
          "[core][scenario]") {
    typed s;
    s.part();
    s.put(0, field("form", "name"), "by n1"), s.put(1, field("form", "name"), "by n2");
    s.put(2, field("form", "size"), "9");
    s.meet();
    const auto siblings = [&](process_number who) {
        return s.mesh(who).state().sibling_count(field("form", "name"));
    };
    s.everywhere([&](process_number who) {
        CHECK(s.elements(who, value_type::map, "form") == names{"name", "size"});
        CHECK(siblings(who) == 2);
        CHECK(s.get(who, field("form", "name")) == s.get(0, field("form", "name")));
    });
    s.put(2, field("form", "name"), "settled");
    s.everywhere([&](process_number who) {
        CHECK(siblings(who) == 1);
        CHECK(s.get(who, field("form", "name")) == "settled");
    });
}

TEST_CASE("typed: a container dropped keeps what was inserted beside it", "[core][scenario]") {
    typed s;
    s.put(0, element("tags", "a")), s.put(1, element("tags", "b")), s.put(2, field("form", "x"), "1");
    s.put(0, field("form", "y"), "2");
    s.settle();
    s.part();
    CHECK(s.erase(0, "tags"));
    CHECK(s.erase(1, "form"));
    s.put(1, element("tags", "new")), s.put(2, element("tags", "b")); // b again, concurrent to the drop
    s.put(0, field("form", "z"), "3"), s.put(0, field("form", "y"), "again");
    s.meet();
    s.everywhere([&](process_number who) {
        CHECK(s.elements(who, value_type::set, "tags") == names{"b", "new"});
        CHECK(s.elements(who, value_type::map, "form") == names{"y", "z"});
        CHECK(s.get(who, field("form", "y")) == "again");
    });
    CHECK(s.erase(2, "tags"));
    CHECK_FALSE(s.erase(2, "tags"));
    s.everywhere([&](process_number who) { CHECK(s.elements(who, value_type::set, "tags").empty()); });
    CHECK(s.run_until([&] { return s.removals(0) + s.removals(1) + s.removals(2) == 0; }, 3s));
}

TEST_CASE("typed: a key of two types reads the same everywhere, and no third one is written to it",
          "[core][scenario]") {
    typed s;
    s.part();
    s.put(0, "thing", "a register"), s.put(1, element("thing", "e")), s.add(1, "other thing", 2);
    s.put(2, field("other thing", "f"), "v");
    s.meet();
    constexpr auto bit = [](value_type type) { return 1U << static_cast<unsigned>(type); };
    s.everywhere([&](process_number who) {
        CHECK(s.mesh(who).state().types_of("thing") == (bit(value_type::reg) | bit(value_type::set)));
        CHECK(s.mesh(who).state().types_of("other thing") ==
              (bit(value_type::counter) | bit(value_type::map)));
        CHECK(s.get(who, "thing") == "a register");
        CHECK(s.elements(who, value_type::set, "thing") == names{"e"});
        CHECK(s.count(who, "other thing") == 2);
        CHECK(s.get(who, field("other thing", "f")) == "v");
        const auto before = s.mesh(who).state().counter_of(s.at(who).id);
        for (const auto& third : {flag("thing"), field("thing", "f"),
                                  slot_name{value_type::reg, "other thing", {}}, flag("other thing")}) {
            CHECK(s.try_put(who, third) == errc::wrong_type);
        }
        CHECK(s.try_add(who, "thing", 1) == errc::wrong_type);
        CHECK(s.mesh(who).state().counter_of(s.at(who).id) == before);
    });
    s.put(2, element("thing", "more")); // both types can be written until the key is dropped
    CHECK(s.erase(1, "thing"));
    CHECK(s.erase(1, "other thing"));
    s.settle();
    s.everywhere([&](process_number who) {
        CHECK((s.mesh(who).state().types_of("thing") & ~bit(value_type::set)) == 0);
        CHECK(s.mesh(who).state().types_of("other thing") == 0);
    });
    CHECK_FALSE(s.try_put(0, flag("other thing")));
}

TEST_CASE("typed: operations lost on the way are repaired like any other", "[core][scenario]") {
    // Every delta vanishes; the sessions carry counters, elements, fields and drops of whole containers.
    typed s;
    s.set_filter([](process_number, process_number, channel, std::string_view bytes) {
        return !is<wire::delta>(bytes);
    });
    for (int round = 0; round < 30; ++round) {
        const auto who = static_cast<process_number>(round % 3);
        s.add(who, "visits", round);
        s.put(who, element("tags", std::to_string(round % 7)));
        s.put(who, field("form", std::to_string(round % 5)), std::to_string(round));
        if (round % 4 == 0) s.remove(who, element("tags", std::to_string((round + 3) % 7)));
        if (round % 10 == 9) s.erase(who, "form");
        if (round == 20) s.erase(who, "visits");
        s.run_for(120ms);
    }
    s.settle(10s);
    const auto visits = s.count(0, "visits");
    const auto tags = s.elements(0, value_type::set, "tags"), form = s.elements(0, value_type::map, "form");
    CHECK_FALSE(tags.empty());
    s.everywhere([&](process_number who) {
        CHECK(s.count(who, "visits") == visits);
        CHECK(s.elements(who, value_type::set, "tags") == tags);
        CHECK(s.elements(who, value_type::map, "form") == form);
    });
}
