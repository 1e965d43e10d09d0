// Proves meshes with a key in virtual time: who joins, by beacon and by introduction; wrong clocks; replays;
// and the rotation of keys. The simulated network admits no node without the right keys (tests/sim/network).
#include "discovery/seal.hpp"
#include "keyed.hpp"
#include "scene.hpp"

using namespace baton;
using namespace baton::sim;
using discovery::purpose;

namespace {

core::mesh_options with(std::vector<mesh_key> keys) {
    core::mesh_options own;
    own.keys = std::move(keys);
    return own;
}
world::settings keyed(world::settings how = {}) {
    how.node.keys = {key_of(1)};
    return how;
}
world::settings by_seeds(std::vector<std::string> seeds) {
    auto how = keyed();
    how.node.beacon = false;
    how.node.seeds = std::move(seeds);
    return how;
}
std::size_t refusals(scene& s, process_number who) {
    return static_cast<std::size_t>(std::ranges::count(s.at(who).events, event_kind::refused, &event::kind));
}
/// Every datagram that passes while `during` runs, with who it was for.
struct recording {
    channel what;
    process_number from, to;
    std::string bytes;
};
std::vector<recording> record(scene& s, const std::function<void()>& during) {
    std::vector<recording> all;
    s.set_filter([&](process_number from, process_number to, channel what, std::string_view bytes) {
        if (what == channel::beacon || what == channel::datagram)
            all.push_back({what, from, to, std::string(bytes)});
        return true;
    });
    during();
    s.set_filter({});
    return all;
}

} // namespace

TEST_CASE("secure: nodes with the same key join within 60 ms and replicate", "[core][scenario]") {
    // As in join_test.cpp for an open mesh, with one more round trip for the introduction.
    scene s(keyed());
    s.gather(1);
    s.run_for(3s);
    const auto begun = s.now();
    const auto b = s.join(1);
    CHECK(s.now() - begun <= 60ms);
    s.stash(0, 1, "value");
    s.settle();
    CHECK(s.pickup(b, 1) == "value");
    CHECK(s.mesh(0).stats().refused_frames + s.mesh(0).stats().refused_beacons == 0);
}

TEST_CASE("secure: a seed is enough, and the answer is no longer than the question", "[core][scenario]") {
    // Node 1 knows an address, and there are no beacons. Its own address is among the seeds as well.
    scene s(by_seeds({endpoint_of(0), endpoint_of(1)}));
    const auto heard = record(s, [&] {
        s.gather(2);
        s.run_for(1s);
    });
    CHECK(s.mesh(0).stats().introductions_answered + s.mesh(1).stats().introductions_answered >= 1);
    std::size_t longest = 0;
    for (const auto& each : heard) {
        REQUIRE(each.what == channel::datagram);
        if (each.from == each.to) continue;
        longest = std::max(longest, each.bytes.size());
        CHECK(each.bytes.size() <= core::introducer::datagram_bytes);
    }
    CHECK(longest == core::introducer::datagram_bytes); // a question
    const auto before = s.mesh(1).stats().introductions_sent;
    s.run_for(5s);
    CHECK(s.mesh(1).stats().introductions_sent == before); // a connected node asks no one, itself included
}

TEST_CASE("secure: where only beacons pass, nobody is dialled", "[core][scenario]") {
    // No datagram to one node arrives. An address that has not answered may be that of any machine, whether a
    // beacon or a seed names it.
    const auto no_datagrams = [](process_number, process_number, channel what, std::string_view) {
        return what != channel::datagram;
    };
    for (const bool by_beacon : {true, false}) {
        scene s(by_beacon ? keyed() : by_seeds({endpoint_of(0)}));
        s.set_filter(no_datagrams);
        s.start(0), s.start(1);
        s.run_for(10s);
        const auto knocks =
            s.mesh(0).stats().knocks + s.mesh(1).stats().knocks; // at seeds, which the operator has named
        CHECK(s.spent(0).dials + s.spent(1).dials == knocks);
        CHECK((by_beacon ? knocks == 0 : knocks <= 10));
        CHECK(s.mesh(1).stats().introductions_sent >= 4);
        CHECK(s.mesh(1).stats().introductions_sent <= 20); // less and less often
        s.set_filter({});
        s.settle(); // soon after datagrams pass
    }
    auto how = keyed();
    how.node.beacon_window = 7200s; // a clock an hour off is believed within that
    scene off(how);
    off.start(0);
    off.at(off.start(1)).clock_offset_ms = 3'600'000;
    off.settle();
}

TEST_CASE("secure: another key, or none, never joins, and both sides say so once", "[core][scenario]") {
    const auto stranger = GENERATE(as<int>{}, 0, 2);
    scene s;
    s.start(0, with({key_of(1)}));
    auto other = stranger == 0 ? core::mesh_options{} : with({key_of(2)});
    other.seeds = {endpoint_of(0)};
    s.start(1, other);
    s.run_for(10s);
    for (const process_number who : {0, 1}) {
        CAPTURE(who, stranger);
        CHECK(s.mesh(who).members().empty());
        CHECK(s.mesh(who).stats().refused_beacons > 3);
        CHECK(refusals(s, who) >= 1);
        CHECK(refusals(s, who) <= 2); // a beacon, and an introduction
    }
}

TEST_CASE("secure: clocks that differ by an hour cost one round trip", "[core][scenario]") {
    // Each clock is out of the window of the other, so each node asks the other to echo a nonce.
    for (const auto by_beacon : {true, false}) {
        scene s(by_beacon ? keyed() : by_seeds({endpoint_of(0)}));
        s.start(0);
        const auto late = s.start(1);
        s.at(late).clock_offset_ms = -3'600'000;
        s.settle();
        CHECK(s.sees(0, late, member_state::up));
        CHECK(s.sees(late, 0, member_state::up));
        CHECK(s.mesh(0).stats().introductions_sent >= 1);
    }
}

TEST_CASE("secure: beacons of the dead, played again later, are not believed", "[core][scenario]") {
    // Everything that node 1 has sent is recorded and replayed: at once, when all of it is known and older
    // than its last beacon; and ten minutes later, to a node that has never heard of it.
    scene s(keyed());
    const auto all = record(s, [&] {
        s.gather(2);
        s.run_for(5s);
    });
    const auto replay = [&](process_number to) {
        std::size_t refused = 0;
        for (const auto& each : all) {
            if (each.from != 1) continue;
            if (each.what == channel::beacon) {
                refused += !s.give(to, core::beacon_arrived{"10.0.0.66", each.bytes}) ? 1 : 0;
            } else {
                refused +=
                    !s.give(to, core::datagram_arrived{"10.0.0.66", "tcp://10.0.0.66:5001", each.bytes});
            }
        }
        return refused;
    };
    CHECK(replay(0) >= 5);
    CHECK(s.refused(0, "replayed beacon") >= 5);
    s.settle();
    s.crash(1);
    s.run_for(10min);
    const auto later = s.join(2);
    const auto known = s.mesh(later).members().size();
    replay(later);
    s.run_for(10s);
    CHECK(s.mesh(later).members().size() == known);
    CHECK(s.sees(later, 1) == std::nullopt);
}

TEST_CASE("secure: a beacon that was changed anywhere is refused, and nothing of it read",
          "[core][scenario]") {
    scene s(keyed());
    const auto all = record(s, [&] { s.gather(2); });
    REQUIRE_FALSE(all.empty());
    const auto before = s.mesh(0).stats().refused_beacons;
    std::size_t given = 0;
    for (std::size_t at = 0; at < all.front().bytes.size(); at += 7, ++given) {
        auto bytes = all.front().bytes;
        bytes[at] = static_cast<char>(bytes[at] ^ 4);
        CHECK_FALSE(s.give(0, core::beacon_arrived{"10.0.0.66", bytes}));
        // A beacon is no introduction.
        CHECK_FALSE(s.give(0, core::datagram_arrived{"10.0.0.66", "tcp://10.0.0.66:1", all.front().bytes}));
    }
    CHECK(s.mesh(0).stats().refused_beacons == before + 2 * given);
    CHECK(refusals(s, 0) <= 3);
}

TEST_CASE("secure: a restart at the same address is met again under its new key", "[core][scenario]") {
    // By beacon; without beacons, by asking the node at the address of a closed link.
    for (const auto by_beacon : {true, false}) {
        scene s(by_beacon ? keyed() : by_seeds({endpoint_of(0)}));
        s.gather(2);
        s.stash(1, 1, "kept");
        s.settle();
        s.crash(0);
        s.run_for(200ms);
        const auto again = s.join(0);
        CHECK(s.sees(1, again, member_state::up));
        CHECK(s.pickup(again, 1) == "kept");
    }
}

TEST_CASE("secure: keys are rotated while nodes keep writing", "[core][scenario]") {
    // Install a key everywhere, use it everywhere, remove the old one everywhere. After each step a newcomer
    // with the right keys joins, and no connection is lost.
    scene s(keyed());
    s.gather(3);
    const auto old = key_of(1), fresh = key_of(2);
    std::size_t written = 0;
    const auto go_on = [&] {
        for (const process_number who : {0, 1, 2}) s.stash(who, written++ % 20, "value");
        s.run_for(1500ms);
        s.settle();
    };
    for (const process_number who : {0, 1, 2}) {
        REQUIRE(s.mesh(who).keys().install(fresh));
        go_on();
    }
    for (const process_number who : {0, 1, 2}) {
        REQUIRE(s.mesh(who).keys().use(fresh.id()));
        go_on();
    }
    s.start(3, with({fresh}));
    go_on();
    for (const process_number who : {0, 1, 2}) {
        REQUIRE(s.mesh(who).keys().remove(old.id()));
        go_on();
    }
    for (const process_number who : {0, 1, 2}) {
        CHECK(s.mesh(who).stats().members_up == 3);
        CHECK(s.mesh(who).stats().refused_beacons == 0);
    }
    s.start(4, with({old}));
    s.run_for(5s);
    CHECK(s.mesh(0).stats().members_up == 3);
    CHECK(s.mesh(0).stats().refused_beacons > 0);
}

TEST_CASE("secure: introductions are answered and dials made at a bounded rate", "[core][scenario]") {
    // Fake members that hold the key, so that no node can tell them from real ones: a hundred announce
    // themselves at once, and a hundred ask.
    auto how = keyed();
    how.node.limits.dials_max = 10;
    how.node.limits.introductions_max = 5;
    how.node.hosts = "10.0.0.1 10.0.0.1 10.0.0.1"; // an answer that is longer than the shortest question
    scene s(how);
    s.gather(1);
    std::size_t answers = 0;
    s.set_filter([&](process_number, process_number, channel what, std::string_view) {
        answers += what == channel::datagram;
        return true;
    });
    for (std::uint8_t number = 1; number <= 100; ++number) {
        discovery::beacon b{"default", wire::version_min, wire::version_max, {}, 1, 5001, 5002, "10.0.0.250"};
        b.id.bytes.fill(number);
        b.key.bytes.fill(number);
        b.time_ms = s.moment_at(0).wall_ms;
        b.hosts = "10.0.1." + std::to_string(number);
        auto bytes = discovery::encode(b);
        discovery::seal(bytes, purpose::beacon, key_of(1));
        (void)s.give(0, core::beacon_arrived{"10.0.0.9", bytes});
        b.nonce.assign(discovery::nonce_bytes, static_cast<char>(number));
        b.sequence = 2;
        bytes = discovery::encode(b, core::introducer::datagram_bytes - discovery::seal_bytes);
        discovery::seal(bytes, purpose::introduction, key_of(1));
        (void)s.give(0, core::datagram_arrived{"10.0.0.9", "tcp://10.0.0.9:5001", bytes});
        if (number == 1) { // too short for the answer
            b.sequence = 3;
            bytes = discovery::encode(b);
            discovery::seal(bytes, purpose::introduction, key_of(1));
            (void)s.give(0, core::datagram_arrived{"10.0.0.9", "tcp://10.0.0.9:5001", bytes});
        }
    }
    CHECK(s.mesh(0).members().size() <= 11);
    CHECK(s.refused(0, "too many dials") >= 80);
    CHECK(s.refused(0, "too many introductions") >= 90);
    CHECK(s.mesh(0).stats().introductions_answered <= 6);
    CHECK(s.refused(0, "introduction too short to be answered") == 1);
}
