#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

TEST_CASE("life: a killed process is crashed half a second after its connection closed", "[core][scenario]") {
    scene s;
    s.gather(2);
    s.run_for(1s);
    s.crash(1);
    const auto begun = s.now();
    REQUIRE(s.run_until([&] { return s.sees(0, 1, member_state::crashed); }, 5s));
    CHECK(s.now() - begun <= 500ms);
    CHECK(s.heard(0, event_kind::suspect, 1) == 1);
    CHECK(s.heard(0, event_kind::crashed, 1) == 1);
}

TEST_CASE("life: a cut cable is suspect, then crashed, by silence alone", "[core][scenario]") {
    // Nothing closes: the transport would notice later than that.
    world::settings how;
    how.faults.detect_min = how.faults.detect_max = 60s;
    scene s(how);
    s.gather(2);
    s.run_for(1s);
    s.sever(0, 1, true);
    const auto begun = s.now();
    REQUIRE(s.run_until([&] { return s.sees(0, 1, member_state::suspect); }, 5s));
    CHECK(s.now() - begun >= 1200ms);
    REQUIRE(s.run_until([&] { return s.sees(0, 1, member_state::crashed); }, 5s));
    CHECK(s.now() - begun <= 5s);
}

TEST_CASE("life: a connection that closes and comes back at once is not a crash", "[core][scenario]") {
    world::settings how;
    how.faults.detect_min = how.faults.detect_max = 10ms;
    scene s(how);
    s.gather(2);
    s.sever(0, 1, true);
    s.run_for(30ms);
    s.sever(0, 1, false);
    s.stash(0, 0, "meanwhile");
    s.settle();
    s.run_for(2s);
    CHECK(s.heard(0, event_kind::crashed, 1) == 0);
    CHECK(s.pickup(1, 0) == "meanwhile");
}

TEST_CASE("life: both sides of a partition come back by themselves within 2 s of its end",
          "[core][scenario]") {
    scene s;
    s.gather(3);
    s.sever(0, 1, true), s.sever(0, 2, true);
    s.run_for(20s);
    REQUIRE(s.sees(0, 1, member_state::crashed));
    REQUIRE(s.sees(1, 0, member_state::crashed));
    s.stash(0, 0, "here"), s.stash(1, 1, "there");
    s.sever(0, 1, false), s.sever(0, 2, false);
    s.settle(2s);
    CHECK(s.pickup(2, 0) == "here");
    CHECK(s.heard(0, event_kind::joined, 1) == 2);
}

TEST_CASE("life: a process that stood still does not blame the others", "[core][scenario]") {
    // Stopped for ten seconds, longer than any patience, with nothing in its buffers when its timers run
    // first.
    world::settings how;
    how.faults.detect_min = how.faults.detect_max = 60s;
    scene s(how);
    s.gather(2);
    s.run_for(1s);
    s.freeze(0, true);
    s.run_for(10s);
    s.freeze(0, false);
    s.settle();
    CHECK(s.heard(0, event_kind::crashed, 1) == 0);
    CHECK(s.heard(1, event_kind::crashed, 0) == 1);
}

TEST_CASE("life: an idle pair of nodes sends at most 200 bytes a second for HELLO", "[core][scenario]") {
    // Converged, whatever the size of the store: heartbeats are a hash and a counter.
    scene s(with_keys(200));
    s.gather(2);
    s.fill(0, 200);
    s.settle();
    s.run_for(3s);
    const auto before = s.mesh(0).stats().hello_bytes_sent;
    s.run_for(10s);
    CHECK(s.mesh(0).stats().hello_bytes_sent - before <= 2000);
}
