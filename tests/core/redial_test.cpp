// Members that were called crashed are tried again for hours: a cut heals by itself within moments, and the
// dead cost next to nothing.
#include "core/redialling.hpp"
#include "scene.hpp"

using namespace baton;
using namespace baton::sim;
using core::knock_outcome;
using core::redialling;

namespace {

/// There are no beacons, and the only seed has left.
struct without_seed : scene {
    explicit without_seed(std::size_t count)
        : scene(one_seed()) {
        gather(count);
        leave(0);
        REQUIRE(run_until([this] { return at(0).left; }, 5s));
    }
    static settings one_seed() {
        settings how;
        how.node.beacon = false;
        how.node.seeds = {endpoint_of(0)};
        return how;
    }
};

} // namespace

TEST_CASE("redial: 150 dead are knocked at once a minute at most, and take turns in what all may cost",
          "[core][scenario]") {
    // The pace by itself, every 10 ms of an hour.
    const auto outcome = GENERATE(knock_outcome::refused, knock_outcome::silent);
    redialling pace;
    std::vector<core::redial_record> dead(150);
    std::vector<std::size_t> datagrams(dead.size());
    std::uint64_t random = 1;
    const auto roll = [&] {
        return random = random * 6364136223846793005ULL + 1442695040888963407ULL, random >> 33;
    };
    for (auto& each : dead) redialling::begin(each, instant{}, roll());
    std::size_t knocks = 0, sent = 0;
    for (instant now{}; now < instant{1h}; now += 10ms) {
        const auto first = [&](auto when) {
            return std::min_element(dead.begin(), dead.end(),
                                    [&](auto& a, auto& b) { return a.*when < b.*when; });
        };
        if (auto at = first(&core::redial_record::knock_at); at->knock_at <= now && pace.knocks_now(now)) {
            pace.note_knock(*at, now, roll());
            redialling::knocked(*at, outcome, now);
            ++knocks;
        }
        if (auto at = first(&core::redial_record::datagram_at);
            at->datagram_at <= now && pace.sends_now(now)) {
            pace.note_datagram(*at, now);
            ++datagrams[static_cast<std::size_t>(at - dead.begin())];
            ++sent;
        }
    }
    for (const auto& each : dead) {
        CHECK(each.knocks <= 61);
        CHECK(each.knocks >= 39);
    }
    const auto [least, most] = std::minmax_element(datagrams.begin(), datagrams.end());
    CHECK(*most - *least <= 2);
    CHECK(*least >= 100);
    // With headers and answers: SYN and RST; a sealed datagram and an ICMP message.
    const auto bytes_a_second = (knocks * (74 + 54) + sent * (90 + 118)) / 3600;
    CHECK(bytes_a_second <= 2000);
}

TEST_CASE("redial: after a minute the dead hold no connection, and cost little", "[core][scenario]") {
    scene s;
    s.gather(12);
    for (process_number who = 2; who < 12; ++who) s.crash(who);
    REQUIRE(s.run_until([&] { return s.sees(0, 11, member_state::crashed); }, 10s));
    s.run_for(70s);
    CHECK(s.connections_of(0) == 2); // to the living member: one to its ROUTER, one to its PUB
    const auto before = s.spent(0);
    s.run_for(30min);
    const auto& after = s.spent(0);
    CHECK(after.dials - before.dials <= 10 * 30);
    CHECK(after.dials - before.dials >= 10 * 15);
    CHECK(after.bytes - before.bytes <= 2000 * 30 * 60);
    CHECK(s.connections_of(0) == 2);
    const auto back = s.join(7); // at the address of a dead member: it is met as usual
    CHECK(s.sees(0, back, member_state::up));
}

TEST_CASE("redial: a long cut heals within 2 s, without beacons or a seed that lives", "[core][scenario]") {
    without_seed s(7);
    const auto cut = [&](bool on) {
        for (const process_number a : {1, 2, 3}) {
            for (const process_number b : {4, 5, 6}) s.sever(a, b, on);
        }
    };
    cut(true);
    s.run_for(75s);
    SECTION("after a minute") {}
    SECTION("after hours") { s.run_for(3h); }
    REQUIRE(s.sees(1, 4, member_state::crashed));
    CHECK(s.connections_of(1) == 5); // two to each that it sees, and one to the seed
    cut(false);
    s.settle(2s);
}

TEST_CASE("redial: where datagrams do not pass a knock finds the way back", "[core][scenario]") {
    without_seed s(3);
    s.set_filter(
        [](process_number, process_number, channel on, std::string_view) { return on != channel::datagram; });
    s.sever(1, 2, true);
    s.run_for(10min);
    REQUIRE(s.sees(1, 2, member_state::crashed));
    s.sever(1, 2, false);
    s.settle(95s);
}

TEST_CASE("redial: one that stood still for minutes is found again by itself", "[core][scenario]") {
    // Its kernel accepts connections all the time: a knock is answered, but a dial proves nothing.
    scene s(without_seed::one_seed());
    s.gather(3);
    s.freeze(2, true);
    s.run_for(5min);
    REQUIRE(s.sees(0, 2, member_state::crashed));
    const auto before = s.spent(0);
    s.run_for(10min);
    CHECK(s.spent(0).dials - before.dials <= 10 * 12); // a few seconds of dialling after each knock
    s.freeze(2, false);
    s.settle(5s);
}
