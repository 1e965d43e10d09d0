#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

TEST_CASE("join: two nodes are up and synced at each other within 50 ms", "[core][scenario]") {
    // The aim of the mesh with delays of up to 1 ms: from the start of the second to `joined` on both.
    scene s;
    s.gather(1);
    s.run_for(3s); // the beacons of the first node are rare by now
    const auto begun = s.now();
    const auto b = s.join(1);
    CHECK(s.now() - begun <= 50ms);
    CHECK(s.heard(0, event_kind::joined, b) == 1);
    CHECK(s.heard(b, event_kind::joined, 0) == 1);
    CHECK(s.heard(b, event_kind::synced, 0) == 1);
}

TEST_CASE("join: seeds alone suffice, and a node's own address among them is noticed", "[core][scenario]") {
    // Without beacons, both nodes know both addresses. Once each has noticed which one is its own, it stops
    // talking to itself.
    world::settings how;
    how.node.beacon = false;
    how.node.seeds = {endpoint_of(0), endpoint_of(1)};
    scene s(how);
    s.gather(2);
    s.run_for(2s);
    std::size_t to_itself = 0;
    s.set_filter([&](process_number from, process_number to, channel, std::string_view) {
        return to_itself += from == to, true;
    });
    s.run_for(5s);
    CHECK(to_itself == 0);
    CHECK(s.mesh(0).members().size() == 1);
}

TEST_CASE("join: a newcomer receives the store and does not wipe it", "[core][scenario]") {
    // 500 keys through chunks of 256 bytes; the empty newcomer must change nothing at the one that has them.
    scene s(small_chunks(500));
    s.gather(1);
    s.fill(0, 500);
    const auto b = s.join(1);
    CHECK(s.mesh(0).state().keys() == 500);
    CHECK(s.mesh(b).state().keys() == 500);
    CHECK(s.pickup(b, 499) == s.pickup(0, 499));
}

TEST_CASE("join: what both sides wrote before they met is joined", "[core][scenario]") {
    // A key of each, and one that both wrote: both values stay, side by side, and the same one is read first.
    scene s;
    s.start(0), s.start(1);
    s.sever(0, 1, true);
    s.run_for(1s);
    s.stash(0, 0, "zero"), s.stash(1, 1, "one");
    s.stash(0, 2, "from zero"), s.stash(1, 2, "from one");
    s.sever(0, 1, false);
    s.settle();
    for (const process_number who : {0, 1}) {
        CHECK(s.pickup(who, 0) == "zero");
        CHECK(s.pickup(who, 1) == "one");
        CHECK(s.values(who, 2) == 2);
    }
    CHECK(s.pickup(0, 2) == s.pickup(1, 2));
}

TEST_CASE("join: a restart at the same address is told, and joins", "[core][scenario]") {
    // Quicker than a crash is noticed: the address answers as another incarnation, which must get everything
    // back.
    scene s;
    s.gather(2);
    s.fill(1, 5);
    s.run_for(100ms);
    s.crash(1);
    s.run_for(10ms);
    const auto again = s.join(1);
    CHECK(s.heard(0, event_kind::restarted, 1) + s.heard(0, event_kind::crashed, 1) == 1);
    CHECK(s.heard(0, event_kind::restarted, 1) == 1);
    CHECK(s.heard(0, event_kind::joined, again) == 1);
    CHECK(s.mesh(again).state().keys() == 5);
}

TEST_CASE("join: a joiner killed in the middle of its handoff harms nobody", "[core][scenario]") {
    // The newcomer dies while chunks are under way; the server forgets it and serves the next one.
    scene s(small_chunks(300));
    s.gather(1);
    s.fill(0, 300);
    const auto joiner = s.start(1);
    REQUIRE(s.run_until([&] { return s.mesh(0).stats().sessions_served == 1; }, 1s));
    s.run_for(3ms);
    REQUIRE(s.mesh(joiner).state().keys() == 0); // staged, and not readable before the COMMIT (I4)
    REQUIRE(s.mesh(joiner).stats().state_bytes_received > 0);
    s.crash(joiner);
    const auto next = s.join(2);
    CHECK(s.mesh(next).state().keys() == 300);
    CHECK(s.run_until([&] { return s.heard(0, event_kind::crashed, joiner) == 1; }, 1s));
}

TEST_CASE("join: a server killed in the middle of a handoff is replaced by another", "[core][scenario]") {
    scene s(small_chunks(300));
    s.gather(2);
    s.fill(0, 300);
    s.settle();
    std::optional<process_number> server;
    s.on_trace = [&](process_number who, const core::trace& t) {
        if (t.what == "serve" && !server) server = who;
    };
    const auto joiner = s.start(2);
    REQUIRE(s.run_until([&] { return server.has_value(); }, 1s));
    s.run_for(3ms);
    REQUIRE(s.mesh(joiner).state().keys() == 0);
    s.crash(*server);
    s.settle();
    CHECK(s.mesh(joiner).state().keys() == 300);
    CHECK(s.mesh(joiner).stats().sessions_failed == 1);
}

TEST_CASE("join: another cluster is ignored, counted and told once", "[core][scenario]") {
    // The same addresses, another name: by beacon and, with a seed, by hello.
    scene s;
    auto foreign = core::mesh_options{};
    foreign.cluster = "another";
    foreign.seeds = {endpoint_of(0)};
    s.start(0);
    const auto stranger = s.start(1, foreign);
    s.run_for(5s);
    CHECK(s.mesh(0).members().empty());
    CHECK(s.mesh(stranger).members().empty());
    CHECK(s.mesh(0).stats().foreign_cluster >= 2);
    CHECK(s.heard(0, event_kind::refused, stranger) == 1);
    CHECK_FALSE(s.mesh(0).synced());
}
