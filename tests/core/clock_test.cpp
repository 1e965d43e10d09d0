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
