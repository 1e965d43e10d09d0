// Proves what a stranger can cause in a mesh with a key by replaying recordings, and anybody in an open mesh:
// how much is sent and dialled in return for how much input. SECURITY.md states these bounds.
#include "core/told_once.hpp"
#include "discovery/seal.hpp"
#include "keyed.hpp"
#include "scene.hpp"

using namespace baton;
using namespace baton::sim;
using discovery::purpose;

namespace {

constexpr auto elsewhere = "10.0.0.66"; // no node is there; the recording is played from there

world::settings keyed() {
    world::settings how;
    how.node.keys = {key_of(1)};
    return how;
}
replica_id numbered(std::size_t number) {
    replica_id id;
    id.bytes.fill(7);
    id.bytes[0] = static_cast<std::uint8_t>(number), id.bytes[1] = static_cast<std::uint8_t>(number >> 8);
    return id;
}
struct recorded {
    process_number from, to;
    channel what;
    std::string bytes;
};
std::vector<recorded> record(scene& s, const std::function<void()>& during) {
    std::vector<recorded> all;
    s.set_filter([&](process_number from, process_number to, channel what, std::string_view bytes) {
        if (what == channel::beacon || what == channel::datagram)
            all.push_back({from, to, what, std::string(bytes)});
        return true;
    });
    during();
    s.set_filter({});
    return all;
}
/// The last beacon of node 1, which lists its addresses.
std::string beacon_of_the_second(scene& s, const std::string& reach) {
    s.give(1, core::addresses_changed{reach});
    const auto all = record(s, [&] { s.run_for(3s); });
    std::string last;
    for (const auto& each : all) {
        if (each.from == 1 && each.what == channel::beacon) last = each.bytes;
    }
    REQUIRE_FALSE(last.empty());
    return last;
}
/// A question sealed with the key, each from another id: what many recordings look like.
std::string question(std::size_t number, const std::string& nonce, std::uint64_t time_ms,
                     std::uint64_t sequence = 1) {
    discovery::beacon b{
        "default", wire::version_min, wire::version_max, numbered(number), sequence, 5001, 5002, {}};
    b.key.bytes.fill(1);
    b.key.bytes[0] = static_cast<std::uint8_t>(number),
    b.key.bytes[1] = static_cast<std::uint8_t>(number >> 8);
    b.time_ms = time_ms;
    b.nonce = nonce + std::string(discovery::nonce_bytes - nonce.size(), '.');
    auto bytes = discovery::encode(b, core::introducer::datagram_bytes - discovery::seal_bytes);
    discovery::seal(bytes, purpose::introduction, key_of(1));
    return bytes;
}

} // namespace

TEST_CASE("stranger: a recorded beacon, played from elsewhere, sends nothing there", "[core][scenario]") {
    // Recordings of a node that is up, of a node that is gone and known, and played to a node that never met
    // it.
    scene s(keyed());
    s.gather(2);
    const auto bytes = beacon_of_the_second(s, host_of(1));
    const auto play = [&](process_number to) {
        const auto dials = s.spent(to).dials;
        std::size_t sent = 0;
        s.set_filter([&](process_number, process_number, channel, std::string_view) { return true; });
        for (int i = 0; i < 5; ++i) {
            (void)s.give(to, core::beacon_arrived{elsewhere, bytes});
            s.run_for(200ms);
        }
        s.run_for(10s);
        for (const auto& m : s.mesh(to).members()) sent += m.endpoint.find(elsewhere) != std::string::npos;
        CHECK(sent == 0);
        return s.spent(to).dials - dials;
    };
    CHECK(play(0) == 0);
    CHECK(s.sees(0, 1, member_state::up));
    s.crash(1);
    REQUIRE(s.run_until([&] { return s.sees(0, 1, member_state::crashed); }, 5s));
    const auto later = s.join(2); // at another address
    CHECK(play(later) == 0);      // no address is dialled that has not answered
    CHECK(s.mesh(later).stats().introductions_sent <= 20);
}

TEST_CASE("stranger: a beacon causes a bounded number of questions, once, and no connection before an answer",
          "[core][scenario]") {
    scene s(keyed());
    s.start(0);
    s.run_for(1s);
    const auto asked = [&] { return s.mesh(0).stats().introductions_sent; };
    discovery::beacon b{"default", wire::version_min, wire::version_max, numbered(1), 5, 5001, 5002,
                        {},        "10.0.0.77"};
    b.key.bytes.fill(1);
    b.time_ms = s.moment_at(0).wall_ms;
    auto bytes = discovery::encode(b);
    discovery::seal(bytes, purpose::beacon, key_of(1));
    const auto before = asked();
    const auto dials = s.spent(0).dials;
    for (int i = 0; i < 100; ++i) {
        (void)s.give(0, core::beacon_arrived{elsewhere, bytes});
        s.run_for(200ms);
    }
    CHECK(asked() - before >= 1);
    CHECK(asked() - before <= 4); // 1200 bytes each: none to where it was played from
    CHECK(s.spent(0).dials == dials);
    CHECK(s.refused(0, "replayed beacon") >= 50);
    b.hosts = "10.0.0.80 10.0.0.81 10.0.0.82 10.0.0.83 10.0.0.84 10.0.0.85 10.0.0.86 10.0.0.87";
    const auto flood = asked();
    for (std::size_t i = 2; i < 202; ++i) { // and many of them, of as many incarnations
        b.id = numbered(i), b.key.bytes[0] = static_cast<std::uint8_t>(i);
        b.time_ms = s.moment_at(0).wall_ms;
        bytes = discovery::encode(b);
        discovery::seal(bytes, purpose::beacon, key_of(1));
        (void)s.give(0, core::beacon_arrived{elsewhere, bytes});
        s.run_for(10ms);
    }
    s.run_for(8s);
    CHECK(asked() - flood <= 11 * s.common().limits.introductions_max / 2); // for strangers: half of all
    CHECK(s.spent(0).dials == dials);
}

TEST_CASE("stranger: one recorded question, repeated, keeps nobody out", "[core][scenario]") {
    // A thousand times a second: of a member, and of one whose clock is off. Each is answered once.
    for (const bool stale : {false, true}) {
        auto how = keyed();
        how.node.beacon = false;
        scene s(how);
        s.start(0);
        auto own = how.node;
        own.seeds = {endpoint_of(0)};
        const auto bytes = question(1, "n", s.moment_at(0).wall_ms - (stale ? 7'200'000U : 0U));
        const std::string endpoint = std::string("tcp://") + elsewhere + ":5001";
        bool goes_on = true;
        std::function<void()> flood = [&] {
            if (!goes_on) return;
            (void)s.give(0, core::datagram_arrived{elsewhere, endpoint, bytes});
            s.after(1ms, flood);
        };
        flood();
        s.run_for(2s);
        CHECK(s.mesh(0).stats().introductions_answered == 1);
        const auto newcomer = s.start(1, own);
        const auto late = s.start(2, own);
        s.at(late).clock_offset_ms = 3'600'000;
        CHECK(s.run_until(
            [&] { return s.sees(0, newcomer, member_state::up) && s.sees(0, late, member_state::up); }, 2s));
        goes_on = false;
        s.run_for(10ms);
    }
}

TEST_CASE("stranger: who asks without end uses up no other's answers", "[core][scenario]") {
    // Many recordings, from one address: new incarnations each.
    auto how = keyed();
    how.node.limits.introductions_max = 20;
    scene s(how);
    s.start(0);
    const auto ask = [&](std::size_t number, const std::string& from) {
        const auto before = s.mesh(0).stats().introductions_answered;
        (void)s.give(
            0, core::datagram_arrived{from, "tcp://" + from + ":5001",
                                      question(number, std::to_string(number), s.moment_at(0).wall_ms)});
        return s.mesh(0).stats().introductions_answered != before;
    };
    std::size_t answered = 0;
    for (std::size_t i = 0; i < 100; ++i) answered += ask(i, elsewhere) ? 1 : 0;
    CHECK(answered == 10);
    CHECK(ask(100, "10.0.0.67"));
    // A known one asks again, with a question that is newer; the same one is refused.
    const auto again = [&](std::uint64_t sequence) {
        return s.give(0, core::datagram_arrived{"10.0.0.67", "tcp://10.0.0.67:5001",
                                                question(100, "x" + std::to_string(sequence),
                                                         s.moment_at(0).wall_ms, sequence)});
    };
    CHECK(again(2));
    CHECK_FALSE(again(2));
    CHECK_FALSE(again(1));
    CHECK(again(3));
}

TEST_CASE("stranger: in an open mesh a beacon causes few connections, and all of them together are bounded",
          "[core][scenario]") {
    scene s;
    s.start(0);
    s.run_for(1s);
    const auto beacon = [&](std::size_t number, const std::string& hosts) {
        return discovery::encode(
            {"default", wire::version_min, wire::version_max, numbered(number), 1, 80, 443, hosts});
    };
    const auto before = s.spent(0).dials;
    std::string hosts;
    for (int i = 0; i < 8; ++i) hosts += (i == 0 ? "10.0.0.8" : " 10.0.0.8") + std::to_string(i);
    const auto one = beacon(1, hosts);
    (void)s.give(0, core::beacon_arrived{elsewhere, one});
    s.run_for(60s);
    const auto for_one = s.spent(0).dials - before;
    INFO(for_one << " for " << one.size() << " bytes");
    CHECK(for_one >= 8);
    CHECK(for_one <= 12); // each address once, and the first a few times
    s.run_for(10s);

    const auto flooded = s.spent(0).dials;
    for (std::size_t i = 0; i < 5000; ++i) { // five seconds
        (void)s.give(
            0, core::beacon_arrived{elsewhere, beacon(2 + i, "10.0.0.90:" + std::to_string(1 + i) + "/1")});
        s.run_for(1ms);
    }
    const auto most = s.common().limits.dials_max;
    CHECK(s.spent(0).dials - flooded <= 6 * most + 6 * most / 10);
    CHECK(s.spent(0).dials - flooded >= most / 2); // the table of candidates is a bound, too
}

TEST_CASE("stranger: whose address nobody tells is refused by name", "[core][scenario]") {
    // ZMTP 2 does not tell the address of a peer, and its HELLO names none.
    scene s;
    s.start(0);
    s.run_for(1s);
    const auto hello = [&](const std::string& hosts, const std::string& reach) {
        wire::hello f;
        f.cluster = "default";
        f.versions = {wire::version_min, wire::version_max};
        f.id = numbered(hosts.empty() ? reach.empty() ? 1 : 2 : 3);
        f.name = "old";
        f.hosts = hosts;
        f.reach = reach;
        f.port = 5001, f.publish_port = 5002;
        f.flags = wire::hello::wants_answer;
        const auto bytes = wire::encode(f);
        return s.give(0, core::request_arrived{f.id, {}, bytes});
    };
    for (int i = 0; i < 3; ++i) {
        const auto verdict = hello({}, {});
        REQUIRE_FALSE(verdict);
        CHECK(std::string(verdict.refused) == "hello without an address");
    }
    CHECK(s.refused(0, "hello without an address") == 3);
    CHECK(std::ranges::count(s.at(0).events, event_kind::refused, &event::kind) == 1);
    CHECK(s.mesh(0).members().empty());
    CHECK(hello({}, "10.0.0.80"));
    CHECK(hello("10.0.0.81", {}));
    CHECK(s.mesh(0).members().size() == 2);
    CHECK(s.mesh(0).members().at(0).endpoint.starts_with("tcp://10.0.0.8"));
}

TEST_CASE("stranger: a log that has named a thousand is not silent for good", "[core]") {
    core::told_once told{1000};
    instant now{};
    std::size_t named = 0;
    for (int i = 0; i < 5000; ++i) named += told.first("10.0.0.1:" + std::to_string(i) + "|reason", now);
    CHECK(named == 1000);
    CHECK(told.is_new_kind("another reason"));
    CHECK_FALSE(told.is_new_kind("another reason"));
    CHECK(told.left_out(now + 61s) == 4000);
    CHECK(told.left_out(now + 62s) == 0);
    CHECK_FALSE(told.first("10.0.0.2|reason", now + 62s));
    CHECK(told.left_out(now + 63s) == 0); // once a minute
    CHECK(told.left_out(now + 122s) == 1);
    CHECK(told.first("10.0.0.2|reason", now + 1h));
    CHECK_FALSE(told.first("10.0.0.2|reason", now + 1h));
}
