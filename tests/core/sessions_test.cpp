// Proves that sessions end: a receiver that grants no credit is forgotten with all its memory, a server that
// falls silent is given up, and staged rows do not stay for ever.
#include "awaiting.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

/// Watches both sides of a session of a newcomer, and how much has been sent.
struct watched : scene {
    explicit watched(std::size_t keys)
        : scene(small_chunks(keys, 512, 1024)) {
        gather(1);
        fill(0, keys, 100);
        set_filter([this](process_number from, process_number to, channel kind, std::string_view bytes) {
            if (kind == channel::reply && from == 0 && is<wire::state>(bytes)) {
                ++chunks;
                return !mute || chunks <= allowed;
            }
            if (kind == channel::request && to == 0 && is<wire::credit>(bytes)) return credits_pass;
            return !(from == 0 && is<wire::fingerprint>(bytes)) || !mute;
        });
        on_trace = [this](process_number who, const core::trace& t) {
            if (who == 0) expired += t.what == "session expired";
        };
    }
    std::size_t chunks = 0, allowed = 0, expired = 0;
    bool mute = false, credits_pass = true;
};

} // namespace

TEST_CASE("sessions: without credit a server sends no more than was granted, and forgets the session",
          "[core][scenario]") {
    watched s(300);
    const replica_id& receiver = s.at(s.join(1)).id; // a real member, in whose name the test asks
    s.run_for(1s);
    const auto before = s.mesh(0).stats().state_bytes_sent;
    const auto pull = wire::encode(pull_by(receiver, 1000));
    s.give(0, core::request_arrived{receiver, host_of(1), pull});
    s.run_for(4500ms);
    const auto sent = s.mesh(0).stats().state_bytes_sent - before;
    CHECK(sent > 0);
    CHECK(sent <= 2 * 512 + 200); // two chunks begin within the credit
    CHECK(s.expired == 0);
    s.run_for(1s);
    CHECK(s.expired == 1);
    CHECK(s.mesh(0).stats().state_bytes_sent - before == sent);

    // A receiver that continues it is told that it is over, and can begin again.
    std::vector<std::uint64_t> flags;
    s.set_filter([&](process_number, process_number to, channel kind, std::string_view bytes) {
        const auto frame = wire::decode(bytes);
        if (kind == channel::reply && to == 1 && frame && std::holds_alternative<wire::state>(*frame))
            flags.push_back(std::get<wire::state>(*frame).flags);
        return true;
    });
    const auto credit = wire::encode(wire::credit{1000, 1, false});
    s.give(0, core::request_arrived{receiver, host_of(1), credit});
    s.give(0, core::request_arrived{receiver, host_of(1), pull});
    s.run_for(100ms);
    CHECK(flags == std::vector<std::uint64_t>(2, wire::state::busy));
}

TEST_CASE("sessions: asking again and again without progress keeps no session alive", "[core][scenario]") {
    watched s(300);
    const replica_id& receiver = s.at(s.join(1)).id;
    s.run_for(1s);
    const auto pull = wire::encode(pull_by(receiver, 1000));
    for (int i = 0; i < 60 && s.expired == 0; ++i) {
        s.give(0, core::request_arrived{receiver, host_of(1), pull});
        s.run_for(500ms);
    }
    CHECK(s.expired == 1);
}

TEST_CASE("sessions: one that has everything and never says so is forgotten too", "[core][scenario]") {
    watched s(300);
    const replica_id& receiver = s.at(s.join(1)).id;
    s.run_for(1s);
    const auto pull = wire::encode(pull_by(receiver, 1000));
    s.give(0, core::request_arrived{receiver, host_of(1), pull});
    const auto before = s.chunks;
    for (std::uint64_t next = 1; next < 200; ++next) {
        s.run_for(1ms);
        const auto credit = wire::encode(wire::credit{1000, next, false});
        if (next <= s.chunks - before) s.give(0, core::request_arrived{receiver, host_of(1), credit});
    }
    CHECK(s.chunks - before > 50);
    s.drop(0, 0);
    s.run_for(4s);
    CHECK(s.expired == 0);
    CHECK(s.removals(0) == 1);
    s.run_for(3s);
    CHECK(s.expired == 1);
    CHECK(s.removals(0) == 0);
}

TEST_CASE("sessions: no more than sessions_max are served at once, the rest are told to come back",
          "[core][scenario]") {
    auto how = small_chunks(300, 512, 1024);
    how.node.limits.sessions_max = 2;
    scene s(how);
    s.gather(1);
    s.fill(0, 300);
    std::size_t most = 0;
    std::set<replica_id> open;
    s.on_trace = [&](process_number who, const core::trace& t) {
        if (who == 0 && t.what == "serve") open.insert(t.who);
        if (who != 0 && t.what == "commit") open.erase(s.at(who).id);
        most = std::max(most, open.size());
    };
    for (slot_number slot = 1; slot < 8; ++slot) s.start(slot);
    s.settle(20s);
    CHECK(most <= 3); // the receiver that committed may not have reported it yet
    for (const auto who : s.alive()) CHECK(s.mesh(who).state().keys() == 300);
}

TEST_CASE("sessions: a server that falls silent is given up after its repeats", "[core][scenario]") {
    // The server lives and sends heartbeats, but no chunk arrives: the receiver repeats its request a bounded
    // number of times.
    watched s(300);
    s.mute = true, s.allowed = 5;
    const auto b = s.start(1);
    REQUIRE(s.run_until([&] { return s.mesh(b).state().staged_slots() != 0; }, 2s));
    REQUIRE(s.run_until([&] { return s.mesh(b).stats().sessions_failed == 1; }, 40s));
    CHECK(s.chunks <= 5 + 3 * 12 * 2); // at most the window again for each request
    CHECK(s.mesh(b).state().keys() == 0);
    CHECK(s.sees(b, 0, member_state::up));
    s.mute = false;
    s.settle(10s);
    CHECK(s.mesh(b).state().keys() == 300);
}

TEST_CASE("sessions: what was staged is freed when nobody goes on with it", "[core][scenario]") {
    watched s(300);
    const auto b = s.start(1);
    REQUIRE(s.run_until([&] { return s.mesh(b).state().staged_slots() >= 150; }, 2s));
    s.crash(0);
    REQUIRE(s.run_until([&] { return s.mesh(b).stats().sessions_failed == 1; }, 3s));
    REQUIRE(s.mesh(b).state().staged_bytes() > 10'000);
    const auto with_cache = s.mesh(b).state().memory_bytes();
    s.run_for(25s);
    CHECK(s.mesh(b).state().staged_slots() >= 150); // kept for the next server
    s.run_for(10s);
    CHECK(s.mesh(b).state().staged_slots() == 0);
    CHECK(s.mesh(b).state().staged_bytes() == 0);
    CHECK(s.mesh(b).state().memory_bytes() < with_cache);
    CHECK(s.mesh(b).state().keys() == 0);
    s.stash(b, 1, "goes on alone");
    CHECK(s.pickup(b, 1) == "goes on alone");
}

TEST_CASE("sessions: a leave in the middle of receiving frees what was staged", "[core][scenario]") {
    watched s(300);
    const auto b = s.start(1);
    REQUIRE(s.run_until([&] { return s.mesh(b).state().staged_slots() >= 150; }, 2s));
    s.leave(b, 1, 2s);
    s.run_for(10ms);
    if (s.at(b).alive()) CHECK(s.mesh(b).state().staged_bytes() == 0);
    REQUIRE(s.run_until([&] { return s.at(b).left; }, 3s));
    s.run_for(2s);
    CHECK(s.mesh(0).state().keys() == 300);
}

TEST_CASE("sessions: a slow link carries a state once, and nobody gives up on it", "[core][scenario]") {
    // The frames queued first take longer than every timeout: only what is known to be late may be sent
    // again.
    for (const std::uint64_t rate : {25'000, 125'000, 1'250'000}) {
        CAPTURE(rate);
        scene s{with_keys(2'000)};
        s.gather(2);
        s.fill(0, 2'000, 1'500);
        s.settle();
        s.faults().bytes_per_second = rate;
        std::size_t carried = 0;
        s.set_filter([&](process_number, process_number to, channel kind, std::string_view bytes) {
            if (to == 2 && kind == channel::reply) carried += bytes.size();
            return true;
        });
        const auto start = s.now();
        const auto c = s.start(2);
        REQUIRE(s.run_until([&] { return s.mesh(c).state().keys() == 2'000; }, 300s));
        const auto state = s.mesh(c).stats().state_bytes_received;
        CHECK(s.mesh(c).stats().sessions_failed == 0);
        CHECK(carried < state + state / 5);
        CHECK((s.now() - start) / 1.0s < 1.2 * static_cast<double>(state) / static_cast<double>(rate) + 1);
    }
}
