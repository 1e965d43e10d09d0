#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

namespace {
constexpr std::int64_t hour_ms = 3'600'000;
}

TEST_CASE("clock: an hour ahead is told once and drags nobody along", "[core][scenario]") {
    scene s;
    s.gather(2);
    s.step_clock(0, hour_ms);
    s.stash(0, 0, "from the future");
    s.stash(0, 1, "again");
    s.run_for(1s);
    CHECK(s.heard(1, event_kind::clock_skew, 0) == 1);
    CHECK(s.mesh(1).stats().clock_skew >= 1);
    s.stash(1, 2, "from the present");
    const auto own = s.mesh(1).state().read(world::key_name(2));
    const auto other = s.mesh(1).state().read(world::key_name(0));
    CHECK(own->stamp.milliseconds() + hour_ms / 2 < other->stamp.milliseconds());
}

TEST_CASE("clock: a write that has seen another beats it, whatever the clocks say", "[core][scenario]") {
    // The younger machine is an hour behind: its write comes later and must be the one that is read.
    scene s;
    s.gather(2);
    s.step_clock(0, hour_ms);
    s.stash(0, 0, "earlier, by a fast clock");
    s.run_for(100ms);
    s.stash(1, 0, "later, by a slow one");
    s.run_for(100ms);
    for (const process_number who : {0, 1}) {
        CHECK(s.pickup(who, 0) == "later, by a slow one");
        CHECK(s.values(who, 0) == 1);
    }
}

TEST_CASE("clock: an hour back, own writes still follow one another", "[core][scenario]") {
    scene s;
    s.gather(2);
    s.stash(0, 0, "before");
    s.step_clock(0, -hour_ms);
    s.stash(0, 0, "after");
    s.run_for(100ms);
    CHECK(s.pickup(0, 0) == "after");
    CHECK(s.pickup(1, 0) == "after");
    CHECK(s.heard(1, event_kind::clock_skew, 0) == 0);
}

TEST_CASE("clock: nobody's own stamps go further ahead than the bound, however far a peer is",
          "[core][scenario]") {
    // One clock is ahead within the bound, one beyond it: seen by DELTA, by HELLO and by a session.
    scene s;
    s.gather(3);
    s.step_clock(0, hour_ms), s.step_clock(1, 4000);
    for (int i = 0; i < 20; ++i) {
        s.stash(0, 0, "far ahead " + std::to_string(i)), s.stash(1, 1, "a little ahead " + std::to_string(i));
        s.run_for(100ms);
    }
    s.crash(0);
    const auto d = s.join(3); // has what the fast one wrote from others, and greeted it never
    for (const auto who : {process_number{2}, d}) {
        s.stash(who, 2 + who, "now");
        const auto wall = static_cast<std::int64_t>(s.moment_at(who).wall_ms);
        const auto stamp = static_cast<std::int64_t>(
            s.mesh(who).state().read(world::key_name(2 + who))->stamp.milliseconds());
        CHECK(stamp - wall <= 5000);
    }
    CHECK(s.heard(2, event_kind::clock_skew, 0) == 1);
    CHECK(s.heard(2, event_kind::clock_skew, 1) == 0);
    const auto stamp = s.mesh(2).state().read(world::key_name(4))->stamp.milliseconds();
    CHECK(stamp >=
          s.mesh(1).state().read(world::key_name(1))->stamp.milliseconds()); // within it, it is followed
}

TEST_CASE("clock: one that is an hour behind is no trouble to others, and is told of it",
          "[core][scenario]") {
    // The slow node sees every other clock ahead. Its later write is still the one that is read.
    scene s;
    s.gather(3);
    s.step_clock(0, -hour_ms);
    s.stash(1, 0, "by a right clock"), s.stash(2, 1, "by another");
    s.settle();
    s.stash(0, 0, "after that, by the slow one");
    s.settle();
    for (const process_number who : {0, 1, 2}) CHECK(s.pickup(who, 0) == "after that, by the slow one");
    CHECK(s.heard(0, event_kind::clock_skew, 1) == 1);
    CHECK(s.heard(0, event_kind::clock_skew, 2) == 1);
    CHECK(s.heard(1, event_kind::clock_skew, 0) == 0);
    CHECK(s.mesh(1).stats().clock_skew == 0);
}

TEST_CASE("clock: concurrent writes are both kept, whatever their clocks", "[core][scenario]") {
    // The fast clock decides only which value is read: the other value stays, and a later write of either
    // node replaces both.
    scene s;
    s.gather(2);
    s.step_clock(0, hour_ms);
    s.sever(0, 1, true);
    s.run_for(10ms);
    s.stash(0, 0, "fast"), s.stash(1, 0, "right");
    s.sever(0, 1, false);
    s.settle();
    for (const process_number who : {0, 1}) {
        CHECK(s.values(who, 0) == 2);
        CHECK(s.pickup(who, 0) == "fast");
    }
    s.stash(1, 0, "settled");
    s.settle();
    for (const process_number who : {0, 1}) CHECK(s.pickup(who, 0) == "settled");
}
