// Proves that every option that real sockets can show has its effect, and that validate() names every fault
// at once. The simulator covers what only a hostile network shows (early_bytes_max, sessions_max);
// watch_test.cpp shows watch_keys_max.
#include "nodes.hpp"

#include <baton/async.hpp>
#include <baton/watch.hpp>

#include <functional>

using namespace io;
using baton::event_kind;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Stashes `count` values of that many bytes.
void load(baton::node& into, int count, std::size_t bytes) {
    for (int number = 0; number < count; ++number)
        REQUIRE(into.stash("key-" + std::to_string(number), std::string(bytes, 'v')));
}

/// Two nodes that know each other; `change` sets both up.
struct pair {
    explicit pair(const std::function<void(baton::options&)>& change)
        : one(make("one", change))
        , other(make("other", change)) {
        REQUIRE(meet(one, other));
    }
    baton::node make(const std::string& name, const std::function<void(baton::options&)>& change) const {
        auto settings = net.options(name);
        change(settings);
        return started(std::move(settings));
    }
    mesh net;
    baton::node one, other;
};

} // namespace

TEST_CASE("options: the presets are valid", "[io][options]") {
    CHECK(baton::options{}.validate());
    CHECK(baton::options::lan().validate());
    CHECK(baton::options::loopback().validate());
    CHECK(baton::options::wan().validate());
    CHECK(baton::options::loopback().host == "127.0.0.1");
    CHECK_FALSE(baton::options::wan().beacon.enabled);
}

TEST_CASE("options: validate names each fault", "[io][options]") {
    using baton::options;
    const std::vector<std::pair<std::string, std::function<void(options&)>>> faults{
        {"name", [](options& o) { o.name.assign(65, 'n'); }},
        {"cluster", [](options& o) { o.cluster.clear(); }},
        {"cluster", [](options& o) { o.cluster.assign(65, 'c'); }},
        {"host", [](options& o) { o.host = "not an address"; }},
        {"beacon.port", [](options& o) { o.beacon.port = 0; }},
        {"beacon.group", [](options& o) { o.beacon.group = "everybody"; }},
        {"beacon.group_ipv6", [](options& o) { o.beacon.group_ipv6 = "ff05::1"; }},
        {"beacon.every", [](options& o) { o.beacon.every = 0ms; }},
        {"liveness.heartbeat_every", [](options& o) { o.liveness.heartbeat_every = 0ms; }},
        {"liveness.suspect_after", [](options& o) { o.liveness.suspect_after = -1ms; }},
        {"liveness.crashed_after", [](options& o) { o.liveness.crashed_after = -2ms; }},
        {"liveness.closed_after", [](options& o) { o.liveness.closed_after = -1ms; }},
        {"liveness.archive_after", [](options& o) { o.liveness.archive_after = 0ms; }},
        {"liveness.redial_for", [](options& o) { o.liveness.redial_for = -1s; }},
        {"limits.key_bytes_max", [](options& o) { o.limits.key_bytes_max = 513; }},
        {"limits.value_bytes_max", [](options& o) { o.limits.value_bytes_max = (8 << 20) + 1; }},
        {"limits.frame_bytes_max", [](options& o) { o.limits.frame_bytes_max = 17 << 20; }},
        {"limits.delta_bytes_max", [](options& o) { o.limits.delta_bytes_max = 9 << 20; }},
        {"limits.chunk_bytes_max", [](options& o) { o.limits.chunk_bytes_max = 1; }},
        {"limits.credit_bytes", [](options& o) { o.limits.credit_bytes = 0; }},
        {"limits.unsent_bytes_max", [](options& o) { o.limits.unsent_bytes_max = 1; }},
        {"limits.peers_max", [](options& o) { o.limits.peers_max = 0; }},
        {"limits.unknown_ids_max", [](options& o) { o.limits.unknown_ids_max = 1023; }},
        {"limits.sessions_max", [](options& o) { o.limits.sessions_max = 0; }},
        {"limits.bytes_max", [](options& o) { o.limits.bytes_max = (4 << 20) - 1; }},
        {"limits.bytes_max", [](options& o) { o.limits.bytes_max = 0; }}, // no bound is nullopt
        {"mesh_size", [](options& o) { o.mesh_size = 0; }},
        {"limits.lag_max", [](options& o) { o.limits.lag_max = 999; }},
        {"limits.lag_bytes_max", [](options& o) { o.limits.lag_bytes_max = (16 << 20) - 1; }},
        {"limits.siblings_max", [](options& o) { o.limits.siblings_max = 1; }},
        {"limits.send_frames_max", [](options& o) { o.limits.send_frames_max = 0; }},
        {"limits.dials_max", [](options& o) { o.limits.dials_max = 0; }},
        {"limits.introductions_max", [](options& o) { o.limits.introductions_max = 0; }},
        {"security.beacon_window", [](options& o) { o.security.beacon_window = 0ms; }},
        {"limits.events_max", [](options& o) { o.limits.events_max = 0; }},
        {"limits.watches_max", [](options& o) { o.limits.watches_max = 0; }},
        {"limits.watch_keys_max", [](options& o) { o.limits.watch_keys_max = 0; }},
        {"clock_skew_max", [](options& o) { o.clock_skew_max = -1ms; }},
        {"leave_within", [](options& o) { o.leave_within = -1ms; }},
        {"destructor_leave_within", [](options& o) { o.destructor_leave_within = -1ms; }},
        {"seed 'nowhere'", [](options& o) { o.seeds = {"nowhere"}; }},
    };
    options all;
    for (const auto& [name, break_it] : faults) {
        CAPTURE(name);
        options one;
        break_it(one);
        const auto checked = one.validate();
        REQUIRE_FALSE(checked);
        CHECK_THAT(checked.error().what, ContainsSubstring(name));
        CHECK(checked.error().what.find("; ") == std::string::npos); // that one alone
        break_it(all);
    }
    const auto checked = all.validate();
    REQUIRE_FALSE(checked);
    for (const auto& [name, break_it] : faults) CHECK_THAT(checked.error().what, ContainsSubstring(name));
    CHECK_FALSE(baton::node::start(all));
}

TEST_CASE("options: names and ports", "[io][options]") {
    const mesh net;
    auto settings = net.options("");
    const auto unnamed = started(settings);
    CHECK(unnamed.name() == "node-" + unnamed.id().to_string().substr(0, 8));
    settings.name = "ada";
    settings.port = free_port(SOCK_STREAM);
    settings.publish_port = free_port(SOCK_STREAM);
    const auto named = started(settings);
    CHECK(named.name() == "ada");
    CHECK(named.endpoint() == "tcp://127.0.0.1:" + std::to_string(settings.port));
    CHECK_FALSE(socket_holder(SOCK_STREAM, settings.port).bound());
    CHECK_FALSE(socket_holder(SOCK_STREAM, settings.publish_port).bound());
}

TEST_CASE("options: the beacon speaks as often, where and on what it is told", "[io][options]") {
    const mesh net;
    auto settings = net.options("node");
    settings.beacon.every = 20ms;
    settings.beacon.interfaces = {"lo"};
    settings.beacon.group = "239.255.86.99";

    // A listener of that group alone.
    const int listener = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    auto address = socket_holder::loopback(net.beacon_port);
    inet_pton(AF_INET, settings.beacon.group.c_str(), &address.sin_addr);
    REQUIRE(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    ip_mreq join{address.sin_addr, {htonl(INADDR_LOOPBACK)}};
    REQUIRE(setsockopt(listener, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join) == 0);

    const auto node = started(settings);
    CHECK(eventually(
        5s, [&] { return node.stats()->beacons_sent >= 40; })); // the default would take half a minute
    std::array<char, 2048> heard{};
    const auto size = recv(listener, heard.data(), heard.size(), MSG_DONTWAIT);
    close(listener);
    REQUIRE(size > 0);
    CHECK_THAT(std::string(heard.data(), static_cast<std::size_t>(size)), ContainsSubstring(net.cluster));

    settings.beacon.enabled = false;
    auto silent = started(settings);
    CHECK(silent.stats()->beacons_sent == 0);
    CHECK_FALSE(silent.wait_synced(200ms));
    CHECK(silent.stats()->beacons_received == 0);
}

TEST_CASE("options: heartbeats come as often as told", "[io][options]") {
    pair nodes{[](baton::options& o) { o.liveness.heartbeat_every = 10ms; }};
    REQUIRE(nodes.one.stash("key", "value")); // nothing is compared while there is nothing
    REQUIRE(agree(nodes.one, nodes.other));
    const auto before = nodes.one.stats()->digest_checks;
    CHECK(eventually(5s, [&] { return nodes.one.stats()->digest_checks >= before + 40; })); // default: 10 s
}

TEST_CASE("options: silence is judged as told", "[io][options]") {
    const mesh net;
    auto settings = net.options("judge");
    settings.liveness.suspect_after = 2500ms; // both longer than the defaults of 1.5 s and 4 s
    settings.liveness.crashed_after = 5000ms;
    auto judge = started(settings);
    auto frozen = net.run("frozen");
    REQUIRE(next_event(judge, event_kind::joined));
    frozen.event("joined");
    frozen.signal(SIGSTOP);
    const stopwatch start;
    REQUIRE(next_event(judge, event_kind::suspect, 5s));
    CHECK(start.elapsed() >= 2200ms); // its last heartbeat may be 250 ms old
    REQUIRE(next_event(judge, event_kind::crashed, 5s));
    CHECK(start.elapsed() >= 4700ms);
}

TEST_CASE("options: a closed connection is judged as told", "[io][options]") {
    const mesh net;
    auto settings = net.options("judge");
    settings.liveness.closed_after = 1200ms; // longer than the default, 400 ms
    auto judge = started(settings);
    auto killed = net.run("killed");
    REQUIRE(next_event(judge, event_kind::joined));
    killed.event("joined");
    const stopwatch start;
    killed.signal(SIGKILL);
    REQUIRE(next_event(judge, event_kind::crashed));
    CHECK(start.elapsed() >= 1100ms);
}

TEST_CASE("options: a crashed member's id goes to the archive as told", "[io][options]") {
    const mesh net;
    auto settings = net.options("keeper");
    settings.liveness.closed_after = 50ms;
    settings.liveness.archive_after = 6000ms; // longer than the default, 5 s
    auto keeper = started(settings);
    {
        auto killed = net.run("killed");
        REQUIRE(next_event(keeper, event_kind::joined));
        killed("stash key value");
        REQUIRE(value_at(keeper, "key"));
    }
    REQUIRE(next_event(keeper, event_kind::crashed));
    const stopwatch start;
    CHECK(keeper.stats()->archived == 0);
    CHECK(keeper.cut()->size() == 1);
    CHECK(eventually(10s, [&] { return keeper.stats()->archived == 1; }));
    CHECK(start.elapsed() >= 5700ms);
    CHECK(keeper.cut()->size() == 1); // itself: it has written that the other is gone
    CHECK(keeper.cut()->front().replica == keeper.id());
    CHECK(value_at(keeper, "key") == "value");
}

TEST_CASE("options: a crashed member is forgotten after redial_for", "[io][options]") {
    const mesh net;
    auto settings = net.options("keeper");
    settings.liveness.redial_for = 1s;
    auto keeper = started(settings);
    {
        auto killed = net.run("killed");
        REQUIRE(next_event(keeper, event_kind::joined));
    }
    REQUIRE(next_event(keeper, event_kind::crashed));
    CHECK(keeper.members()->size() == 1);
    CHECK(eventually(5s, [&] { return keeper.members()->empty(); }));
}

TEST_CASE("options: limits of keys and values can be lower", "[io][options]") {
    const mesh net;
    auto settings = net.options("node");
    settings.limits.key_bytes_max = 4;
    settings.limits.value_bytes_max = 6;
    auto node = started(settings);
    CHECK(node.stash("1234", "123456"));
    CHECK(node.stash("12345", "").error().code == baton::errc::key_too_long);
    CHECK(node.stash("1234", "1234567").error().code == baton::errc::value_too_long);
}

TEST_CASE("options: an event over delta_bytes_max goes by PULL", "[io][options]") {
    for (const std::size_t delta_bytes_max : {std::size_t{1024}, baton::limit_options{}.delta_bytes_max}) {
        CAPTURE(delta_bytes_max);
        pair nodes{[&](baton::options& o) { o.limits.delta_bytes_max = delta_bytes_max; }};
        REQUIRE(nodes.other.wait_synced(patience(5s)));
        const auto before = nodes.other.stats()->sessions_pulled;
        REQUIRE(nodes.one.stash("key", std::string(2000, 'v')));
        CHECK(value_at(nodes.other, "key") == std::string(2000, 'v'));
        CHECK((nodes.other.stats()->sessions_pulled > before) == (delta_bytes_max == 1024));
    }
}

TEST_CASE("options: chunk, frame and credit sizes change how a state travels, not what arrives",
          "[io][options]") {
    std::map<std::size_t, std::uint64_t> received;
    for (const std::size_t chunk : {std::size_t{256}, std::size_t{8192}}) {
        CAPTURE(chunk);
        const mesh net;
        auto settings = net.options("old");
        settings.limits.frame_bytes_max = 16384;
        settings.limits.delta_bytes_max = 8192;
        settings.limits.chunk_bytes_max = settings.limits.credit_bytes = chunk; // one chunk at a time
        auto old = started(settings);
        load(old, 200, 100);
        REQUIRE(old.stash("large", std::string(100'000, 'v'))); // many chunks
        settings.name = "newcomer";
        const auto newcomer = started(settings);
        REQUIRE(newcomer.wait_synced(patience(20s)));
        CHECK(agree(newcomer, old));
        received[chunk] = newcomer.stats()->state_bytes_received;
    }
    CHECK(received[256] > received[8192] + 10'000); // the cost of frames
}

TEST_CASE("options: writes wait above unsent_bytes_max, and go on", "[io][options]") {
    pair nodes{[](baton::options& o) { o.limits.unsent_bytes_max = o.limits.delta_bytes_max = 1024; }};
    load(nodes.one, 2000, 500);
    CHECK(agree(nodes.one, nodes.other));
    CHECK(nodes.other.stats()->keys == 2000);
}

TEST_CASE("options: at bytes_max a node takes nothing more, until there is room", "[io][options]") {
    const mesh net;
    auto settings = net.options("small");
    settings.limits.bytes_max = 4 << 20;
    settings.liveness.heartbeat_every = 10ms;
    auto small = started(settings);
    const std::string value(100'000, 'v');
    std::optional<baton::error> refused;
    int stored = 0;
    CHECK(eventually(10s, [&] {
        const auto put = small.stash("key-" + std::to_string(stored), value);
        if (put) ++stored;
        if (!put) refused = put.error();
        return !put;
    }));
    REQUIRE(refused);
    CHECK(refused->code == baton::errc::full);
    CHECK_THAT(refused->what, ContainsSubstring("limits.bytes_max"));
    CHECK(stored >= 20);
    CHECK(stored < 200);
    CHECK(small.add("counter").error().code == baton::errc::full);
    CHECK(small.insert("set", "element").error().code == baton::errc::full);
    CHECK(next_event(small, event_kind::full));
    CHECK(value_at(small, "key-0") == value); // reads work on

    for (int number = 0; number < stored / 2; ++number)
        REQUIRE(small.drop("key-" + std::to_string(number))); // so does this
    CHECK(eventually(10s, [&] { return small.stash("later", "value").has_value(); }));
    CHECK(small.add("counter"));
}

TEST_CASE("options: what a full node could not take comes when drops elsewhere have made room",
          "[io][options]") {
    const mesh net;
    auto settings = net.options("small");
    settings.limits.bytes_max = 4 << 20;
    settings.liveness.heartbeat_every = 10ms;
    auto small = started(settings);
    auto large = started(net.options("large"));
    REQUIRE(meet(small, large));
    load(large, 80, 100'000);
    REQUIRE(next_event(small, event_kind::full));
    REQUIRE(large.stash("late", "value"));
    for (int number = 0; number < 60; ++number) REQUIRE(large.drop("key-" + std::to_string(number)));
    CHECK(value_at(small, "late") == "value");
    CHECK(agree(small, large));
    CHECK(small.stats()->keys == 21);
}

TEST_CASE("options: writers wait for a member that falls lag_max behind, until it is left behind",
          "[io][options]") {
    for (const std::uint64_t lag_max : {std::uint64_t{1000}, baton::limit_options{}.lag_max}) {
        CAPTURE(lag_max);
        const mesh net;
        auto settings = net.options("writer");
        settings.limits.lag_max = lag_max;
        settings.liveness.suspect_after = 10min; // its silence must not end the wait
        settings.liveness.crashed_after = 20min;
        settings.liveness.heartbeat_every = 10ms;
        auto writer = started(settings);
        auto frozen = net.run("frozen");
        REQUIRE(next_event(writer, event_kind::joined));
        frozen.event("joined");
        load(writer, 10, 10);
        REQUIRE(eventually(5s, [&] { return writer.members()->front().lag == 0; }));
        // Writers wait for a member that has been seen to keep up, which is looked at with every heartbeat.
        const auto said = writer.stats()->hello_bytes_sent;
        REQUIRE(eventually(5s, [&] { return writer.stats()->hello_bytes_sent > said + 500; }));
        frozen.signal(SIGSTOP);
        const stopwatch start;
        baton::completion_queue queue;
        baton::async calls(writer, queue);
        std::size_t busy = 0; // answers to writers that have no time to wait
        for (int number = 0; number < 3000; ++number) {
            const auto key = "key-" + std::to_string(number);
            auto done = writer.stash(key, "v", {.within = 0ms});
            for (; !done; done = writer.stash(key, "v", {.within = 10s})) {
                REQUIRE(done.error().code == baton::errc::busy);
                if (++busy != 1) continue;
                REQUIRE(calls.stash(1, "waits", "v", {.within = 1min})); // without a thread
                REQUIRE(calls.stash(2, "waits as well", "v", {.within = 1min}));
                REQUIRE(calls.stash(3, "has no time", "v", {.within = 0ms}));
            }
        }
        const bool waits = lag_max == 1000;
        CHECK((busy > 0) == waits);
        for (const std::uint64_t tag : {3U, 1U, 2U}) {
            if (!waits) break;
            const auto ended = queue.next(patience(10s));
            REQUIRE(ended);
            CHECK(ended->tag == tag);
            const auto& what = *ended->get<baton::write_result>();
            CHECK(what.has_value() == (tag != 3));
            if (!what) CHECK(what.error().code == baton::errc::busy);
        }
        CHECK((!waits || start.elapsed() >= 1500ms));
        CHECK(writer.stats()->evictions == (waits ? 1 : 0));
        frozen.signal(SIGCONT);
        CHECK(eventually(10s, [&] { return writer.members()->front().lag == 0; })); // and it catches up
        CHECK(frozen("digest").at("digest") == *writer.digest());
    }
}

TEST_CASE("options: what PUB drops above send_frames_max is repaired", "[io][options]") {
    pair nodes{[](baton::options& o) {
        o.limits.send_frames_max = 2;
        o.limits.delta_bytes_max = o.limits.unsent_bytes_max = 1024;
    }};
    load(nodes.one, 5000, 900); // a frame each
    CHECK(agree(nodes.one, nodes.other, 30s));
    CHECK(nodes.other.stats()->keys == 5000);
    CHECK(nodes.other.stats()->gaps > 0);
    CHECK(nodes.other.stats()->diverged == 0);
}

TEST_CASE("options: no more than peers_max are known at a time", "[io][options]") {
    const mesh net;
    auto settings = net.options("choosy");
    settings.limits.peers_max = 1;
    auto choosy = started(settings);
    auto first = started(net.options("first"));
    REQUIRE(next_event(choosy, event_kind::joined));
    auto second = started(net.options("second"));
    REQUIRE(next_event(second, event_kind::joined)); // first
    CHECK(eventually(5s, [&] {
        const auto counted = choosy.stats()->refused_by_reason;
        return std::ranges::any_of(counted, [](const auto& one) { return one.first == "too many peers"; });
    }));
    CHECK(choosy.members()->size() == 1);
    CHECK(choosy.members()->front().name == "first");
}

TEST_CASE("options: no more than watches_max watch at a time", "[io][options]") {
    const mesh net;
    auto settings = net.options("node");
    settings.limits.watches_max = 2;
    auto node = started(settings);
    const auto nothing = [](const baton::change&) {};
    const auto first = node.watch("a", nothing);
    auto second = node.watch("b", nothing);
    REQUIRE((first && second));
    const auto refused = node.watch("c", nothing);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == baton::errc::too_many_watches);
    CHECK_THAT(refused.error().what, ContainsSubstring("limits.watches_max"));
    second->unwatch();
    CHECK(node.watch("c", nothing));
}

TEST_CASE("options: leave_within is the default deadline of a leave", "[io][options]") {
    const mesh net;
    auto settings = net.options("alone");
    settings.leave_within = 200ms;
    auto alone = started(settings);
    REQUIRE(alone.stash("key", "value"));
    const auto report = alone.leave();
    REQUIRE(report);
    CHECK(report->took >= 200ms);
    CHECK(report->took < patience(5s)); // default: 25 s
}

TEST_CASE("options: the log and on_applied hear what happens", "[io][options]") {
    const mesh net;
    const kept_log log;
    std::atomic<std::size_t> applied = 0;
    auto settings = net.options("heard");
    settings.log = log;
    settings.on_applied = [&](std::size_t events) { applied += events; };
    auto heard = started(settings);
    auto other = started(net.options("other"));
    REQUIRE(meet(heard, other));
    CHECK(log.lines_with("open_mesh").size() == 1);
    CHECK(log.count(baton::log_level::info) >= 2); // started, joined
    load(other, 100, 10);
    REQUIRE(agree(heard, other));
    CHECK(eventually(5s, [&] { return applied == 100; }));
    CHECK(heard.stats()->events_applied == 100);
}

TEST_CASE("options: equal random seeds do not make equal ids", "[io][options]") {
    pair nodes{[](baton::options& o) { o.random_seed = 7; }};
    CHECK(nodes.one.id() != nodes.other.id());
    load(nodes.one, 10, 10);
    CHECK(agree(nodes.one, nodes.other));
}
