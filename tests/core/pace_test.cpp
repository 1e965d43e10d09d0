// Proves how often a node asks for sessions that fail. Each server has one retry time, which doubles and
// which nothing shortens. A newcomer with too little room, a server that lacks what it reported, and
// malformed rows cost a PULL now and then; whatever fits afterwards arrives.
#include "awaiting.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

world::settings unchecked() {
    world::settings how;
    how.check = false;
    return how;
}

/// PULLs of the busiest newcomer within two seconds, of many before a few servers that are busy for longer.
std::uint64_t pulls_before_busy_servers(std::size_t servers, mutation broken) {
    auto how = unchecked();
    how.faults.bytes_per_second = 1'000'000;
    how.node.limits.sessions_max = 2;
    how.node.broken = broken;
    scene s(how);
    s.gather(servers);
    for (int i = 0; i < 5000; ++i) s.put(0, "key " + std::to_string(i), std::string(800, 'v'));
    s.settle(120s);
    std::vector<process_number> all;
    for (std::size_t i = 0; i < 2 * servers + 3; ++i) all.push_back(s.start(servers + i));
    s.run_for(1s);
    std::vector<std::uint64_t> before;
    for (const auto p : all) before.push_back(s.mesh(p).stats().sessions_pulled);
    s.run_for(2s);
    std::uint64_t most = 0;
    for (std::size_t i = 0; i < all.size(); ++i)
        most = std::max(most, s.mesh(all[i]).stats().sessions_pulled - before[i]);
    return most;
}

} // namespace

TEST_CASE("pace: newcomers before busy servers ask each a few times, however many there are",
          "[core][scenario]") {
    const std::size_t servers = GENERATE(1, 2);
    CAPTURE(servers);
    CHECK(pulls_before_busy_servers(servers, mutation::none) <= 8 * servers);
}

TEST_CASE("pace: without it they ask hundreds of times", "[core][scenario]") {
    CHECK(pulls_before_busy_servers(2, mutation::retry_undercut) > 100);
}

TEST_CASE("pace: rows that cannot be read are asked for ever more rarely", "[core][scenario]") {
    awaiting s;
    s.provoke();
    const auto pulled = s.mesh(1).stats().sessions_pulled;
    std::uint64_t answered = 0;
    const auto spoil = [&] {
        if (s.session == answered) return;
        answered = s.session;
        wire::state f;
        f.session = s.session;
        f.rows = "\xff\xff\xff";
        s.answer(f);
    };
    for (int i = 0; i < 20'000; ++i) spoil(), s.run_for(1ms);
    const auto asked = s.mesh(1).stats().sessions_pulled - pulled;
    CHECK(asked >= 4);
    CHECK(asked <= 14); // of two members in twenty seconds, starting at 0.2 s
    s.unchanged();
    s.mute = false;
    s.set_filter({});
    s.settle(60s);
}

TEST_CASE("pace: a server that has not got what it tells is believed by its COMMIT", "[core][scenario]") {
    scene s;
    s.gather(2);
    s.fill(0, 3), s.fill(1, 3);
    s.settle();
    s.run_for(1s);
    const auto pulled = s.mesh(1).stats().sessions_pulled;
    const auto link = s.link_to(1, 0);
    const auto claim = [&](std::uint64_t counter) {
        wire::ask f{s.at(0).id, 0, {}};
        f.want.raise({s.at(0).id, counter});
        const auto bytes = wire::encode(f);
        s.give(1, core::reply_arrived{link, host_of(0), bytes});
    };
    for (int i = 0; i < 100; ++i) claim(1000), s.run_for(100ms);
    CHECK(s.mesh(1).stats().sessions_pulled - pulled >= 2);
    CHECK(s.mesh(1).stats().sessions_pulled - pulled <= 8);
    CHECK(s.refused(1, "told more than the commit held") == 1);
    CHECK(s.mesh(1).synced());
    // Its real events arrive at once, by DELTA.
    s.stash(0, 5, "true");
    s.run_for(100ms);
    CHECK(s.pickup(1, 5) == "true");
}

TEST_CASE("pace: a newcomer that is too small says so once, and comes as soon as all fits",
          "[core][scenario]") {
    const std::uint64_t version = GENERATE(4, 5);
    CAPTURE(version);
    scene s(unchecked());
    core::mesh_options own;
    own.versions.max = version;
    s.start(0, own);
    for (int i = 0; i < 5000; ++i) s.put(0, "key " + std::to_string(i), std::string(400, 'v'));
    own.limits.bytes_max = 1 << 20;
    s.start(1, own);
    s.run_for(180s);
    const auto before = s.mesh(1).stats();
    CHECK(before.sessions_pulled >= 5);
    CHECK(before.sessions_pulled <= 12);
    CHECK(before.state_bytes_received < (version == 4 ? 12U << 20 : 3U << 20));
    CHECK(s.heard(1, event_kind::full, 1) == 1);
    for (int i = 0; i < 4500; ++i) s.erase(0, "key " + std::to_string(i));
    s.settle(90s);
    CHECK(s.mesh(1).state().keys() == 500);
}

TEST_CASE("pace: a cache outlives any number of busy servers", "[core][scenario]") {
    auto how = unchecked();
    how.faults.bytes_per_second = 1'000'000;
    how.node.limits.sessions_max = 1;
    scene s(how);
    s.gather(3);
    for (int i = 0; i < 4000; ++i) s.put(0, "key " + std::to_string(i), std::string(800, 'v'));
    s.settle(120s);
    std::optional<process_number> server;
    const auto newcomer = s.start(5);
    s.on_trace = [&](process_number who, const core::trace& t) {
        if (t.what == "serve" && t.who == s.at(newcomer).id) server = who;
    };
    REQUIRE(s.run_until([&] { return s.mesh(newcomer).state().staged_slots() > 1000; }, 30s));
    for (slot_number slot = 6; slot < 12; ++slot) s.start(slot);
    s.run_for(700ms);
    const auto staged = s.mesh(newcomer).state().staged_slots();
    s.crash(*server);
    s.run_for(400ms);
    CHECK(s.mesh(newcomer).state().staged_slots() + 50 > staged);
}
