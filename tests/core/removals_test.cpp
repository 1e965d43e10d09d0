// Proves that removal records are kept exactly until every member has acknowledged them (I7). A member that
// was not waited for is compared by ranges when it returns, and brings nothing back (I8).
#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

struct emptied : scene {
    explicit emptied(world::settings how)
        : scene(std::move(how)) {
        gather(3);
        fill(0, 10);
        settle();
        run_for(1s);
    }
    void cut_off(process_number who, bool on) {
        for (process_number other = 0; other < 3; ++other)
            if (other != who) sever(at(who).slot, at(other).slot, on);
    }
    [[nodiscard]] bool none_left() { return removals(0) == 0 && removals(1) == 0 && removals(2) == 0; }
};

} // namespace

TEST_CASE("removals: gone everywhere within a second, four heartbeats, of the last write",
          "[core][scenario]") {
    emptied s({});
    for (std::size_t key = 0; key < 10; ++key) s.drop(0, key);
    CHECK(s.removals(0) == 10);
    CHECK(s.run_until([&] { return s.none_left(); }, 1s));
    CHECK(s.mesh(2).state().keys() == 0);
    s.settle();
}

TEST_CASE("removals: a member that is up and lacks them holds them", "[core][scenario]") {
    // The member exchanges heartbeats, but neither DELTAs nor repairs reach it.
    emptied s({});
    s.set_filter([&](process_number, process_number to, channel, std::string_view bytes) {
        return to != 2 || !(is<wire::delta>(bytes) || is<wire::state>(bytes));
    });
    for (std::size_t key = 0; key < 10; ++key) s.drop(0, key);
    for (int i = 0; i < 20; ++i) {
        s.run_for(500ms);
        REQUIRE(s.sees(0, 2, member_state::up));
        REQUIRE(s.removals(0) == 10);
        REQUIRE(s.removals(1) == 10);
    }
    s.set_filter({});
    CHECK(s.run_until([&] { return s.none_left(); }, 4s)); // sessions that failed are repeated every 2 s
    CHECK(s.mesh(2).state().keys() == 0);
    CHECK(s.mesh(0).stats().sessions_compared + s.mesh(1).stats().sessions_compared == 0);
}

TEST_CASE("removals: a member cut off holds them until it is called crashed", "[core][scenario]") {
    emptied s(slow_to_close());
    s.cut_off(2, true);
    for (std::size_t key = 0; key < 10; ++key) s.drop(0, key);
    const bool called = s.run_until(
        [&] {
            const bool crashed = s.sees(0, 2, member_state::crashed);
            if (!crashed) REQUIRE(s.removals(0) == 10);
            return crashed;
        },
        10s);
    REQUIRE(called);
    CHECK(s.run_until([&] { return s.removals(0) == 0 && s.removals(1) == 0; }, 2s));
    s.cut_off(2, false);
    s.settle(10s);
    CHECK(s.mesh(2).state().keys() == 0);
}

TEST_CASE("removals: a member back after the floor has passed it brings nothing back", "[core][scenario]") {
    // Removals of every type; its own writes of that time survive, of every type too.
    emptied s({});
    s.put(1, element("tags", "old"));
    s.put(1, element("tags", "stays"));
    s.put(0, field("form", "name"), "x");
    s.put(1, field("form", "size"), "9");
    s.put(0, flag("lamp"));
    s.put(0, field("other form", "stays"), "here");
    s.add(0, "visits", 5);
    s.add(2, "visits", 3);
    s.settle();
    s.cut_off(2, true);
    REQUIRE(s.run_until([&] { return s.sees(0, 2, member_state::crashed); }, 10s));
    s.run_for(1s);

    s.drop(0, 0);
    s.stash(0, 1, "over here");
    CHECK(s.remove(1, element("tags", "old")));
    CHECK(s.erase(0, "form"));
    CHECK(s.remove(0, flag("lamp")));
    CHECK(s.erase(1, "visits"));
    REQUIRE(s.run_until([&] { return s.removals(0) == 0 && s.removals(1) == 0; }, 3s));
    s.stash(2, 1, "over there"), s.stash(2, 11, "new over there");
    s.put(2, element("tags", "new"));
    s.put(2, field("form", "colour"), "red");
    s.add(2, "visits", 2);
    const auto compared = s.mesh(0).stats().sessions_compared + s.mesh(1).stats().sessions_compared;

    s.cut_off(2, false);
    s.settle(10s);
    CHECK(s.mesh(0).stats().sessions_compared + s.mesh(1).stats().sessions_compared > compared);
    for (const process_number who : {0, 1, 2}) {
        CHECK_FALSE(s.pickup(who, 0));
        CHECK(s.values(who, 1) == 2);
        CHECK(s.pickup(who, 11) == "new over there");
        CHECK(s.elements(who, value_type::set, "tags") == std::vector<std::string>{"new", "stays"});
        CHECK(s.elements(who, value_type::map, "form") == std::vector<std::string>{"colour"});
        CHECK(s.get(who, field("other form", "stays")) == "here");
        CHECK_FALSE(s.get(who, flag("lamp")));
        CHECK(s.mesh(who).state().count("visits") == 2);
    }
    CHECK(s.run_until([&] { return s.none_left(); }, 3s));
}

TEST_CASE("removals: those above the cut of an open PULL stay until the session ends", "[core][scenario]") {
    // The PULL is in the name of a member that acknowledges everything by deltas, and is never credited.
    // told that the session is over, or told nothing until the session is forgotten
    const bool told = GENERATE(true, false);
    CAPTURE(told);
    emptied s({});
    const auto pull = wire::encode(pull_by(s.at(1).id, 1000));
    s.give(0, core::request_arrived{s.at(1).id, host_of(1), pull});
    for (std::size_t key = 0; key < 10; ++key) s.drop(0, key);
    s.run_for(4s);
    CHECK(s.removals(0) == 10); // node 1 serves that session
    CHECK(s.removals(1) == 0);
    const auto over = wire::encode(wire::credit{1000, 0, true});
    if (told) s.give(0, core::request_arrived{s.at(1).id, host_of(1), over});
    s.run_for(told ? 1s : 2s);
    CHECK(s.none_left());
    s.settle();
}
