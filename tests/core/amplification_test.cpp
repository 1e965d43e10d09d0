// The table *Amplification* of SECURITY.md, row by row: what a datagram of a stranger makes a node send to an
// address that has not asked for it, in datagrams, bytes and connections for the bytes that came in.
#include "discovery/probe.hpp"
#include "discovery/seal.hpp"
#include "keyed.hpp"
#include "scene.hpp"

#include <algorithm>

using namespace baton;
using namespace baton::sim;
using discovery::purpose;

namespace {

constexpr auto elsewhere = "10.0.0.66"; // no node is there; replayed datagrams come from there
constexpr auto elsewhere_endpoint = "tcp://10.0.0.66:5001";
constexpr std::size_t header_bytes = 42; // the header of a datagram, as the simulator counts it

world::settings of_mesh(bool keyed) {
    world::settings how;
    if (keyed) how.node.keys = {key_of(1)};
    return how;
}
replica_id stranger() {
    replica_id id;
    id.bytes.fill(7);
    return id;
}
/// A beacon or a question of an unknown node whose clock is behind that of `at` by so much.
discovery::beacon said(const moment& at, std::chrono::milliseconds behind = {}) {
    discovery::beacon b{"default", wire::version_min, wire::version_max, stranger(), 5, 5001, 5002, {}};
    b.key.bytes.fill(1);
    b.time_ms = at.wall_ms - static_cast<std::uint64_t>(behind.count());
    return b;
}
std::string eight_hosts() {
    std::string hosts;
    for (int i = 0; i < 8; ++i) hosts += (i == 0 ? "10.0.0.8" : " 10.0.0.8") + std::to_string(i);
    return hosts;
}
std::string sealed(std::string bytes, purpose what) {
    discovery::seal(bytes, what, key_of(1));
    return bytes;
}
std::string question(const discovery::beacon& of) {
    return sealed(discovery::encode(of, core::introducer::datagram_bytes - discovery::seal_bytes),
                  purpose::introduction);
}

/// Counts what the first node has sent since this object was made.
class bill {
  public:
    explicit bill(scene& s)
        : s_(s)
        , before_(s.spent(0)) {}
    [[nodiscard]] std::uint64_t dials() const { return s_.spent(0).dials - before_.dials; }
    [[nodiscard]] std::uint64_t datagrams() const { return s_.spent(0).datagrams - before_.datagrams; }
    /// The bytes of datagrams, without headers. Requires that no connection was dialled.
    [[nodiscard]] std::uint64_t bytes() const {
        REQUIRE(dials() == 0);
        return s_.spent(0).bytes - before_.bytes - datagrams() * header_bytes;
    }

  private:
    scene& s_;
    network::spending before_;
};

void replay_beacon(scene& s, const std::string& bytes, int times, duration apart = 100ms) {
    for (int i = 0; i < times; ++i) {
        (void)s.give(0, core::beacon_arrived{elsewhere, bytes});
        s.run_for(apart);
    }
}
void replay_datagram(scene& s, const std::string& bytes, int times) {
    for (int i = 0; i < times; ++i) {
        (void)s.give(0, core::datagram_arrived{elsewhere, elsewhere_endpoint, bytes});
        s.run_for(10ms);
    }
}

} // namespace

TEST_CASE("amplification: with a key a beacon costs four questions an address, once, and no connection",
          "[core][scenario]") {
    scene s(of_mesh(true));
    s.start(0);
    s.run_for(1s);
    auto b = said(s.moment_at(0));
    const std::uint64_t named = GENERATE(0, 1, 8); // a beacon without addresses counts for its source
    b.hosts = named == 8 ? eight_hosts() : named == 1 ? "10.0.0.80" : "";
    const auto bytes = sealed(discovery::encode(b), purpose::beacon);
    const bill caused(s);
    replay_beacon(s, bytes, 200);
    s.run_for(30s);
    const auto addresses = std::max<std::uint64_t>(named, 1);
    INFO(caused.datagrams() << " datagrams for " << bytes.size() << " bytes");
    CHECK(caused.dials() == 0);
    CHECK(caused.datagrams() >= addresses);
    CHECK(caused.datagrams() <= 4 * addresses);
    CHECK(caused.bytes() == caused.datagrams() * core::introducer::datagram_bytes);
}

TEST_CASE("amplification: a recorded beacon that is too old costs one question, however often it comes",
          "[core][scenario]") {
    scene s(of_mesh(true));
    s.start(0);
    s.run_for(1s);
    auto b = said(s.moment_at(0), 2h);
    b.hosts = eight_hosts();
    const auto bytes = sealed(discovery::encode(b), purpose::beacon);
    const bill caused(s);
    replay_beacon(s, bytes, 200);
    CHECK(caused.dials() == 0);
    CHECK(caused.datagrams() == 1);
    CHECK(caused.bytes() == core::introducer::datagram_bytes);
    ++b.sequence; // a living node sends a new beacon next, so a lost question is repeated
    replay_beacon(s, sealed(discovery::encode(b), purpose::beacon), 2);
    CHECK(caused.datagrams() == 2);
}

TEST_CASE("amplification: old beacons that are played again and again keep no newcomer out",
          "[core][scenario]") {
    // Replays one recorded beacon, or many, a thousand times a second to every node: to members, and to nodes
    // that want to join, whose clock is right or an hour off.
    const std::size_t recorded = GENERATE(1, 1500);
    CAPTURE(recorded);
    scene s(of_mesh(true));
    s.start(0);
    std::vector<std::string> tape;
    auto b = said(s.moment_at(0), 2h);
    b.hosts = "10.0.0.80";
    for (std::size_t i = 0; i < recorded; ++i, ++b.sequence)
        tape.push_back(sealed(discovery::encode(b), purpose::beacon));
    bool goes_on = true;
    std::size_t at = 0;
    std::function<void()> flood = [&] {
        if (!goes_on) return;
        for (const auto who : s.alive()) (void)s.give(who, core::beacon_arrived{elsewhere, tape[at]});
        at = (at + 1) % tape.size();
        s.after(1ms, flood);
    };
    flood();
    s.run_for(2s); // all of them have come once
    const auto newcomer = s.start(1), late = s.start(2);
    s.at(late).clock_offset_ms = 3'600'000;
    CHECK(s.run_until(
        [&] { return s.sees(0, newcomer, member_state::up) && s.sees(0, late, member_state::up); }, 4s));
    goes_on = false;
    s.run_for(10ms);
}

TEST_CASE("amplification: old questions that are played again and again keep no newcomer out",
          "[core][scenario]") {
    // Replays all recordings of a node, from as many addresses, to the seed of nodes that come later.
    const std::size_t recorded = GENERATE(1, 1500);
    CAPTURE(recorded);
    auto how = of_mesh(true);
    how.node.beacon = false;
    scene s(how);
    s.start(0);
    std::vector<std::string> tape;
    auto b = said(s.moment_at(0), 2h);
    for (std::size_t i = 0; i < recorded; ++i, ++b.sequence) {
        b.nonce = std::to_string(100'000 + i) + std::string(discovery::nonce_bytes - 6, 'n');
        tape.push_back(question(b));
    }
    bool goes_on = true;
    std::size_t at = 0;
    std::function<void()> flood = [&] {
        if (!goes_on) return;
        const auto host = "10.1." + std::to_string(at / 250) + '.' + std::to_string(1 + at % 250);
        (void)s.give(0, core::datagram_arrived{host, "tcp://" + host + ":5001", tape[at]});
        at = (at + 1) % tape.size();
        s.after(1ms, flood);
    };
    flood();
    s.run_for(2s); // all of them have come once
    auto own = how.node;
    own.seeds = {endpoint_of(0)};
    const auto newcomer = s.start(1, own), late = s.start(2, own);
    s.at(late).clock_offset_ms = 3'600'000;
    CHECK(s.run_until(
        [&] { return s.sees(0, newcomer, member_state::up) && s.sees(0, late, member_state::up); }, 4s));
    const bill caused(s);
    s.run_for(1s);
    CHECK(caused.datagrams() <= 20); // and no answer is sent any more
    goes_on = false;
    s.run_for(10ms);
}

TEST_CASE("amplification: a question costs one answer that is no longer, once", "[core][scenario]") {
    scene s(of_mesh(true));
    s.start(0);
    s.run_for(1s);
    auto b = said(s.moment_at(0), GENERATE(0ms, 7'200'000ms)); // believed, or not
    b.nonce = std::string(discovery::nonce_bytes, 'n');
    const auto bytes = question(b);
    const bill caused(s);
    replay_datagram(s, bytes, 200);
    CHECK(caused.datagrams() == 1);
    CHECK(caused.bytes() <= bytes.size());
    const auto cut_short = bytes.substr(0, 400); // its seal is gone
    replay_datagram(s, cut_short, 10);
    CHECK(caused.datagrams() == 1);
    b.sequence += 1;
    b.nonce = std::string(discovery::nonce_bytes, 'm');
    const auto small = sealed(discovery::encode(b), purpose::introduction);
    replay_datagram(s, small, 10);
    CHECK(caused.bytes() <= bytes.size() + small.size());
}

TEST_CASE("amplification: a probe costs answers of its length, and only in the name of a member",
          "[core][scenario]") {
    const bool keyed = GENERATE(false, true);
    CAPTURE(keyed);
    scene s(of_mesh(keyed));
    s.gather(3);
    s.run_for(1s);
    const auto probe = [&](const replica_id& by, const replica_id& about) {
        const auto bytes = discovery::encode(discovery::probe{false, by, 77, about});
        return keyed ? sealed(bytes, purpose::probe) : bytes;
    };
    std::uint64_t datagrams = 0;
    const auto answers_to = [&](const std::string& bytes) {
        const bill caused(s);
        (void)s.give(0, core::datagram_arrived{elsewhere, elsewhere_endpoint, bytes});
        s.run_for(2s);
        datagrams = caused.datagrams();
        return caused.bytes();
    };
    const auto about_it = probe(s.at(1).id, {}), about_another = probe(s.at(1).id, s.at(2).id);
    CHECK(answers_to(about_it) == about_it.size());
    CHECK(datagrams == 1);
    CHECK(answers_to(about_another) <= 2 * about_another.size()); // and again when a node hears it
    CHECK(answers_to(probe(stranger(), {})) == 0);
    CHECK(answers_to(probe(stranger(), s.at(2).id)) == 0);
    CHECK(answers_to(about_it.substr(1)) == 0);
}

TEST_CASE("amplification: in an open mesh a beacon costs nine connections at most, and no datagram",
          "[core][scenario]") {
    scene s;
    s.start(0);
    s.run_for(1s);
    auto b = said(s.moment_at(0));
    const bool many = GENERATE(false, true);
    b.hosts = many ? eight_hosts() : "10.0.0.80";
    b.key = {}, b.time_ms = 0;
    const bill caused(s);
    replay_beacon(s, discovery::encode(b), 1);
    s.run_for(60s);
    CHECK(caused.dials() >= (many ? 8 : 1));
    CHECK(caused.dials() <= (many ? 9 : 2));
    CHECK(caused.datagrams() == 0);
}
