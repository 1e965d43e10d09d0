#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

/// Two members and a cut cable between them: nothing closes, the transport would notice later than that.
struct cut_cable : scene {
    cut_cable()
        : scene(unnoticed()) {
        gather(2);
        run_for(1s);
        sever(0, 1, true);
    }
    static settings unnoticed() {
        settings how;
        how.faults.detect_min = how.faults.detect_max = 60s;
        return how;
    }
};

} // namespace

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
    cut_cable s;
    const auto begun = s.now();
    REQUIRE(s.run_until([&] { return s.sees(0, 1, member_state::suspect); }, 5s));
    CHECK(s.now() - begun >= 1200ms);
    REQUIRE(s.run_until([&] { return s.sees(0, 1, member_state::crashed); }, 5s));
    CHECK(s.now() - begun <= 5s);
}

TEST_CASE("life: a suspect that is heard again is up, and an event says so", "[core][scenario]") {
    cut_cable s;
    REQUIRE(s.run_until([&] { return s.sees(0, 1, member_state::suspect); }, 5s));
    CHECK(s.heard(0, event_kind::up, 1) == 0);
    s.sever(0, 1, false);
    REQUIRE(s.run_until([&] { return s.sees(0, 1, member_state::up); }, 3s));
    CHECK(s.heard(0, event_kind::up, 1) == s.heard(0, event_kind::suspect, 1));
    CHECK(s.heard(0, event_kind::crashed, 1) == 0);
    CHECK(s.heard(0, event_kind::joined, 1) == 1); // it was a member all the time
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

TEST_CASE("life: a member that others still hear is suspect, not crashed", "[core][scenario]") {
    // The path between two of three nodes is cut, and both notice; they are silent to each other only. Once
    // the third is gone too, no other node can vouch for either.
    for (const bool noticed : {true, false}) {
        world::settings how;
        how.faults.detect_min = how.faults.detect_max = noticed ? duration{10ms} : duration{300s};
        scene s(how);
        s.gather(3);
        s.run_for(1s);
        s.sever(0, 1, true);
        s.run_for(60s);
        for (const auto& [a, b] : {std::pair{0, 1}, {1, 0}}) {
            CHECK(s.sees(static_cast<process_number>(a), static_cast<process_number>(b),
                         member_state::suspect));
            CHECK(s.heard(static_cast<process_number>(a), event_kind::crashed,
                          static_cast<process_number>(b)) == 0);
        }
        s.stash(0, 1, "by way of the third");
        REQUIRE(s.run_until([&] { return s.pickup(1, 1) == "by way of the third"; }, 5s));
        s.crash(2);
        REQUIRE(s.run_until([&] { return s.sees(0, 1, member_state::crashed); }, 8s));
        s.sever(0, 1, false);
        s.settle();
    }
}

TEST_CASE("life: one killed among many is crashed as soon as among two", "[core][scenario]") {
    // The other members have not heard it either, and no node waits for their reports.
    world::settings how;
    how.faults.detect_min = 0ms, how.faults.detect_max = 20ms;
    scene s(how);
    s.gather(6);
    s.run_for(1s);
    s.crash(5);
    const auto begun = s.now();
    REQUIRE(s.run_until(
        [&] {
            for (process_number who = 0; who < 5; ++who)
                if (!s.sees(who, 5, member_state::crashed)) return false;
            return true;
        },
        5s));
    CHECK(s.now() - begun <= 500ms);
}

TEST_CASE("life: who starts under the name of one that is gone replaces it at once", "[core][scenario]") {
    // The new node is on another machine, so its address proves nothing; the silence of the old one would be
    // noticed after four seconds.
    world::settings how;
    how.faults.detect_min = how.faults.detect_max = 60s;
    scene s(how);
    s.gather(2);
    s.run_for(1s);
    s.freeze(1, true); // as if its cable were pulled
    core::mesh_options own;
    own.name = "n2";
    const auto heir = s.start(2, own);
    REQUIRE(s.run_until([&] { return s.sees(0, heir, member_state::up); }, 5s));
    REQUIRE(s.run_until([&] { return s.sees(0, 1, member_state::crashed); }, 1500ms));
    CHECK(s.heard(0, event_kind::restarted, 1) == 1);
    CHECK(s.heard(0, event_kind::name_conflict, heir) == 0);
}

TEST_CASE("life: two that live under one name both stay, and it is told", "[core][scenario]") {
    scene s;
    s.gather(2);
    core::mesh_options own;
    own.name = "n2";
    const auto other = s.start(2, own);
    s.settle();
    s.run_for(3s);
    CHECK(s.heard(0, event_kind::name_conflict, other) + s.heard(0, event_kind::name_conflict, 1) == 1);
    CHECK(s.heard(1, event_kind::name_conflict, other) == 1);
    CHECK(s.heard(other, event_kind::name_conflict, 1) == 1);
    for (const process_number who : {1, 2}) CHECK(s.sees(0, who, member_state::up));
}

TEST_CASE("life: a partition of hours heals by itself, without beacons or a seed that lives",
          "[core][scenario]") {
    world::settings how;
    how.node.beacon = false;
    how.node.seeds = {endpoint_of(0)};
    scene s(how);
    s.gather(3);
    s.leave(0);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 5s));
    s.sever(1, 2, true);
    s.run_for(5h);
    REQUIRE(s.sees(1, 2, member_state::crashed));
    s.stash(1, 0, "here"), s.stash(2, 1, "there");
    s.sever(1, 2, false);
    CHECK(s.run_until([&] { return s.settled() && s.pickup(2, 0) == "here" && s.pickup(1, 1) == "there"; },
                      5s));
}

TEST_CASE("life: another's word holds where something takes connections and passes nothing on",
          "[core][scenario]") {
    // The path between two of three nodes is cut, but a middlebox accepts their dials: each dial ends 2 s
    // later without a handshake. The third node hears both. The seed decides when that falls between two of
    // its reports.
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        world::settings how;
        how.seed = seed;
        scene s(slow_to_close(how));
        s.gather(3);
        s.run_for(1s);
        const auto well = s.link_to(0, 2);
        s.sever(0, 1, true);
        s.run_for(std::chrono::milliseconds{4000 + 37 * seed});
        for (int i = 0; i < 3; ++i) {
            s.run_for(2s);
            for (std::uint32_t number = 1; number <= 40; ++number) {
                if (const core::link_id link{number}; link != well)
                    s.give(0, core::link_changed{link, false});
            }
        }
        s.run_for(1s);
        CHECK(s.sees(0, 1, member_state::suspect));
        CHECK(s.heard(0, event_kind::crashed, 1) == 0);
    }
}
