// Archive: an origin that is gone for good leaves the cut that travels, and its records stay where they are
// (I9); when it comes back with more, it is in the cut again.
#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

struct closing : scene {
    closing() {
        gather(4);
        for (process_number who = 0; who < 4; ++who) stash(who, who, "by " + at(who).name);
        put(3, element("tags", "by n4"));
        add(3, "visits", 7);
        settle();
    }
    [[nodiscard]] bool in_cut(process_number who, process_number whom) {
        return mesh(who).state().seen().of(at(whom).id) != 0;
    }
    [[nodiscard]] std::uint64_t archived(process_number who, process_number whom) {
        return mesh(who).state().archived().of(at(whom).id);
    }
    void cut_off(process_number who, bool on) {
        for (process_number other = 0; other < 4; ++other)
            if (other != who) sever(at(who).slot, at(other).slot, on);
    }
    // Checks that no cut names the fourth node, and that its records are there under its own dots.
    void check_closed(std::uint64_t last) {
        for (const process_number who : {0, 1, 2}) {
            CAPTURE(who);
            CHECK_FALSE(in_cut(who, 3));
            CHECK(archived(who, 3) == last);
            CHECK(mesh(who).state().archive_digest() == mesh(0).state().archive_digest());
            const auto record = mesh(who).state().read(key_name(3));
            REQUIRE(record);
            CHECK(record->id == dot{at(3).id, 1});
            CHECK(record->value == "by n4");
            CHECK(elements(who, value_type::set, "tags") == std::vector<std::string>{"by n4"});
            CHECK(mesh(who).state().count("visits") == 7);
        }
    }
};

} // namespace

TEST_CASE("archive: an origin that left is out of every cut, its records stay under its dots",
          "[core][scenario]") {
    closing s;
    s.leave(3);
    REQUIRE(s.run_until([&] { return s.at(3).left; }, 5s));
    CHECK(s.run_until([&] { return s.archived(0, 3) && s.archived(1, 3) && s.archived(2, 3); }, 2s));
    s.settle();
    s.check_closed(3);
}

TEST_CASE("archive: a crashed origin is archived after archive_after, not before", "[core][scenario]") {
    closing s;
    s.crash(3);
    REQUIRE(s.run_until([&] { return s.sees(0, 3, member_state::crashed); }, 5s));
    s.run_for(4s);
    for (const process_number who : {0, 1, 2}) CHECK(s.in_cut(who, 3));
    s.run_for(3s);
    s.settle();
    s.check_closed(3);
}

TEST_CASE("archive: an origin goes only when every member has its last events", "[core][scenario]") {
    // The third node is up and hears neither deltas nor repairs: the origin stays in the cut for as long.
    closing s;
    s.set_filter([&](process_number, process_number to, channel, std::string_view bytes) {
        return to != 2 || !(is<wire::delta>(bytes) || is<wire::state>(bytes));
    });
    s.stash(3, 9, "the last");
    s.run_for(1s);
    s.crash(3);
    s.run_for(15s);
    REQUIRE(s.sees(0, 2, member_state::up));
    CHECK(s.in_cut(0, 3));
    s.set_filter({});
    REQUIRE(s.run_until(
        [&] { return s.archived(0, 3) == 4 && s.archived(1, 3) == 4 && s.archived(2, 3) == 4; }, 8s));
    CHECK(s.pickup(2, 9) == "the last");
}

TEST_CASE("archive: an origin that comes back with more is in the cut again", "[core][scenario]") {
    // A partition longer than crashed_after and archive_after. Each side archives the other, and goes on.
    closing s;
    s.cut_off(3, true);
    s.run_for(20s);
    s.check_closed(3);
    for (const process_number who : {0, 1, 2}) CHECK(s.archived(3, who) != 0);
    s.stash(3, 3, "changed over there"), s.add(3, "visits", 1);
    s.stash(0, 0, "changed over here"), s.drop(1, 1);
    s.run_for(2s);

    s.cut_off(3, false);
    s.settle(10s);
    for (const process_number who : {0, 1, 2, 3}) {
        CAPTURE(who);
        CHECK(s.archived(who, 3) == 0);
        CHECK(s.in_cut(who, 3));
        CHECK(s.archived(who, 0) == 0);
        CHECK(s.in_cut(who, 0));
        CHECK(s.pickup(who, 3) == "changed over there");
        CHECK(s.pickup(who, 0) == "changed over here");
        CHECK_FALSE(s.pickup(who, 1));
        CHECK(s.mesh(who).state().count("visits") == 8);
        CHECK(s.mesh(who).state().archive_digest() == s.mesh(0).state().archive_digest());
    }
    s.stash(3, 9, "and goes on");
    s.settle(100ms);
    CHECK(s.pickup(0, 9) == "and goes on");
}

TEST_CASE("archive: that somebody has more of it than is archived here is not forgotten",
          "[core][scenario]") {
    // The third, archived as the first two knew it, comes back to the second with more, while the first
    // cannot ask for it. It has to be asked for later, though of origins whose everything is here not much is
    // kept.
    world::settings how;
    how.node.liveness.archive_after = 30s;
    scene s(how);
    replica_id smallest{}; // the smallest id archives
    smallest.bytes[15] = 1;
    const auto one = s.start(0, smallest), two = s.start(1), third = s.start(2);
    s.settle();
    s.stash(third, 0, "known");
    s.settle();
    s.sever(2, 0, true), s.sever(2, 1, true);
    s.stash(third, 1, "more");
    s.run_for(40s);
    for (const auto who : {one, two}) REQUIRE(s.mesh(who).state().archived().of(s.at(third).id) == 1);

    // Many origins that the first has never met, so that its peers explain few of those that the second
    // names.
    for (slot_number slot = 3; slot < 15; ++slot) s.sever(0, slot, true), s.sever(2, slot, true);
    for (slot_number slot = 3; slot < 15; ++slot) s.start(slot);
    s.run_for(3s);
    for (process_number who = 3; who < 15; ++who) s.stash(who, 2, "of one of many");
    s.run_for(3s);
    for (process_number who = 3; who < 15; ++who) s.crash(who);
    REQUIRE(s.mesh(one).state().seen() == s.mesh(two).state().seen());

    s.set_filter([&](process_number from, process_number, channel, std::string_view bytes) {
        return from != one || !is<wire::pull>(bytes);
    });
    s.sever(2, 1, false);
    s.run_for(500ms);
    s.stash(third, 3, "and goes on");
    REQUIRE(s.run_until([&] { return s.mesh(two).state().seen().of(s.at(third).id) != 0; }, 10s));
    s.run_for(8s);
    REQUIRE_FALSE(s.pickup(one, 1));
    s.set_filter({});
    CHECK(s.run_until([&] { return s.pickup(one, 1) == "more"; }, 5s));
}

TEST_CASE("archive: one that wrote nothing while it was away is in the cut again with its next write",
          "[core][scenario]") {
    closing s;
    s.cut_off(3, true);
    s.run_for(20s);
    s.cut_off(3, false);
    s.settle(10s);
    s.stash(3, 3, "after all");
    s.settle(1s);
    for (const process_number who : {0, 1, 2, 3}) {
        CHECK(s.in_cut(who, 3));
        CHECK(s.archived(who, 3) == 0);
        CHECK(s.pickup(who, 3) == "after all");
    }
}

TEST_CASE("archive: a newcomer learns who was here before, and takes over their records",
          "[core][scenario]") {
    closing s;
    s.leave(3);
    s.run_for(3s);
    const auto e = s.join(4);
    CHECK(s.archived(e, 3) == 3);
    CHECK_FALSE(s.in_cut(e, 3));
    CHECK(s.mesh(e).state().read(world::key_name(3))->id == dot{s.at(3).id, 1});
    CHECK(s.mesh(e).state().count("visits") == 7);
    CHECK(s.mesh(e).state().archive_digest() == s.mesh(0).state().archive_digest());
}

TEST_CASE("archive: patience begins anew with each absence", "[core][scenario]") {
    // The first time the origin is back before archive_after has passed; the second time it is waited for as
    // long.
    auto how = with_keys(2);
    how.faults.detect_min = how.faults.detect_max = 300ms;
    scene s(how);
    s.gather(2);
    const process_number acts = s.at(0).id < s.at(1).id ? 0 : 1, other = 1 - acts;
    s.stash(other, 0, "value");
    s.settle();
    const auto cut_off = [&] {
        s.sever(0, 1, true);
        REQUIRE(s.run_until([&] { return s.sees(acts, other, member_state::crashed); }, 10s));
    };
    cut_off();
    s.run_for(1s);
    s.sever(0, 1, false);
    s.settle(30s);
    s.run_for(60s);
    cut_off();
    const auto since = s.now();
    REQUIRE(s.run_until([&] { return s.mesh(acts).state().archived().of(s.at(other).id) != 0; }, 60s));
    CHECK(s.now() - since >= 4500ms);
}
