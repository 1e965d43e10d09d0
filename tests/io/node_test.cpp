// Proves what the calls of baton::node promise, on nodes of this process over loopback sockets: limits, start
// errors, large values, waiting, events, fork() and the destructor.
#include "nodes.hpp"
#include "support/sanitizers.hpp"

#include <baton/typed.hpp>

#include <sys/time.h>

#include <csignal>
#include <thread>

using namespace io;
using baton::errc;
using baton::event_kind;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

/// Text of that length without repetition that a mixed-up chunk could hide in.
std::string large_value(std::size_t bytes) {
    std::string value;
    value.reserve(bytes + 16);
    for (std::size_t number = 0; value.size() < bytes; ++number) value += std::to_string(number) + ' ';
    value.resize(bytes);
    return value;
}

errc start_error(const baton::options& settings, const std::string& culprit) {
    const auto failed = baton::node::start(settings);
    REQUIRE_FALSE(failed);
    CHECK_THAT(failed.error().what, ContainsSubstring(culprit));
    return failed.error().code;
}

struct player {
    std::string name;
    int score = 0;
    std::vector<std::string> actions;
    MSGPACK_DEFINE(name, score, actions)
};

} // namespace

TEST_CASE("node: what is over a limit is refused by name and nothing is stored", "[io][node]") {
    const mesh net;
    auto node = started(net.options("node"));
    const auto empty = node.digest();
    const auto over = node.stash(std::string(513, 'k'), "v");
    REQUIRE_FALSE(over);
    CHECK(over.error().code == errc::key_too_long);
    CHECK_THAT(over.error().what, ContainsSubstring("513") && ContainsSubstring("512"));
    const auto none = node.stash("", "v");
    REQUIRE_FALSE(none);
    CHECK(none.error().code == errc::key_empty);
    const auto large = node.stash("k", std::string(8 * mib + 1, 'v'));
    REQUIRE_FALSE(large);
    CHECK(large.error().code == errc::value_too_long);
    CHECK_THAT(large.error().what, ContainsSubstring("8388608") && ContainsSubstring("value_bytes_max"));
    for (const auto& key : {std::string{}, std::string(513, 'k')}) {
        CHECK_FALSE(node.pickup(key));
        CHECK_FALSE(node.siblings(key));
        CHECK_FALSE(node.drop(key));
    }
    CHECK(node.keys()->empty());
    CHECK(node.cut()->empty());
    CHECK(node.digest() == empty);
    CHECK(node.stats()->stashes == 0);

    CHECK(node.stash(std::string(512, 'k'), std::string(8 * mib, 'v'))); // the limits themselves are fine
    CHECK(node.stash(std::string("\0\xff", 2), ""));
    CHECK(value_at(node, std::string("\0\xff", 2)) == "");
    CHECK(node.keys()->size() == 2);
}

TEST_CASE("node: after leave reads work and writes answer leaving", "[io][node]") {
    const mesh net;
    auto node = started(net.options("node"));
    REQUIRE(node.stash("key", "value"));
    const auto report = node.leave({.within = 50ms});
    REQUIRE(report);
    CHECK(report->outcome == baton::leave_outcome::unsafe);
    CHECK(report->unsafe == 1);
    CHECK(report->unsafe_keys == std::vector<std::string>{"key"});
    CHECK(report->took >= 50ms);
    const auto late = node.stash("key", "later");
    REQUIRE_FALSE(late);
    CHECK(late.error().code == errc::leaving);
    const auto dropped = node.drop("key");
    REQUIRE_FALSE(dropped);
    CHECK(dropped.error().code == errc::leaving);
    CHECK(value_at(node, "key") == "value");
    CHECK(node.keys() == std::vector<std::string>{"key"});
    const auto again = node.leave();
    REQUIRE(again);
    CHECK(again->outcome == report->outcome);
    CHECK(again->took == report->took);
}

TEST_CASE("node: a start that fails names the culprit", "[io][node]") {
    const mesh net;
    const auto settings = net.options("node");
    SECTION("a port that is taken") {
        auto taken = settings;
        taken.port = free_port(SOCK_STREAM);
        const auto first = started(taken);
        CHECK(start_error(taken, std::to_string(taken.port)) == errc::address_in_use);
        auto published = settings;
        published.publish_port = taken.port;
        CHECK(start_error(published, std::to_string(taken.port)) == errc::address_in_use);
    }
    SECTION("an unknown interface") {
        auto unknown = settings;
        unknown.beacon.interfaces = {"lo", "nowhere0"};
        CHECK(start_error(unknown, "nowhere0") == errc::unknown_interface);
    }
    SECTION("an address of another machine") {
        auto unknown = settings;
        unknown.host = "203.0.113.77";
        CHECK(start_error(unknown, "203.0.113.77") == errc::unknown_interface);
    }
    SECTION("none, where it is to wait for these") {
        auto waits = settings;
        waits.wait_for_interface = true;
        waits.beacon.interfaces = {"lo", "nowhere0"};
        CHECK(started(waits).endpoint().starts_with("tcp://127.0.0.1:"));
        waits.host = "203.0.113.77";
        CHECK(started(waits).endpoint().starts_with("tcp://203.0.113.77:"));
    }
    SECTION("seeds that are none") {
        for (const std::string seed :
             {"nonsense", "host:", ":5671", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:56 71"}) {
            CAPTURE(seed);
            auto bad = settings;
            bad.seeds = {"127.0.0.1:5671", seed};
            CHECK(start_error(bad, seed) == errc::bad_seed);
        }
    }
    CHECK(baton::node::start(settings)); // nothing of the failed start is left
}

TEST_CASE("node: a beacon port that is taken is a warning, and seeds still work", "[io][node]") {
    const mesh net;
    const socket_holder taken{SOCK_DGRAM, net.beacon_port};
    REQUIRE(taken.bound());
    const kept_log log;
    auto settings = net.options("one");
    settings.log = log;
    // The holder has one address of the port; a node that hears broadcasts wants the whole port.
    auto one = started(settings);
    CHECK(log.lines_with(std::to_string(net.beacon_port)).size() == 1);
    auto other_settings = net.options("other");
    other_settings.seeds = {one.endpoint()};
    auto other = started(other_settings);
    REQUIRE(meet(one, other));
    REQUIRE(one.stash("key", "value"));
    CHECK(value_at(other, "key") == "value");
}

TEST_CASE("node: values of 1 MiB and of exactly 8 MiB replicate", "[io][node]") {
    const mesh net;
    auto one = started(net.options("one")), other = started(net.options("other"));
    REQUIRE(meet(one, other));
    const auto one_mib = large_value(mib), eight_mib = large_value(8 * mib);
    REQUIRE(one.stash("before", "small"));
    REQUIRE(one.stash("1 MiB", one_mib));
    REQUIRE(other.stash("8 MiB", eight_mib));
    REQUIRE(one.stash("after", "small"));
    CHECK(value_at(other, "1 MiB", 20s) == one_mib);
    CHECK(value_at(one, "8 MiB", 20s) == eight_mib);
    CHECK(value_at(other, "after") == "small");
    REQUIRE(agree(one, other));

    auto newcomer = started(net.options("newcomer"));
    CHECK(newcomer.wait_synced(patience(20s)));
    CHECK(agree(newcomer, one));
    CHECK(value_at(newcomer, "8 MiB") == eight_mib);
    CHECK(newcomer.stats()->diverged + one.stats()->diverged + other.stats()->diverged == 0);
}

TEST_CASE("node: concurrent values stay beside each other until somebody has seen both", "[io][node]") {
    const mesh net;
    auto settings = net.options("one");
    settings.beacon.enabled = false;
    auto one = started(settings);
    settings.name = "other";
    settings.seeds = {one.endpoint()};
    REQUIRE(one.stash("key", "of one")); // before they have met
    auto other = started(settings);
    REQUIRE(other.stash("key", "of other"));
    REQUIRE(meet(one, other));
    REQUIRE(agree(one, other));
    const auto both = one.siblings("key");
    REQUIRE(both);
    if (both->size() == 2) { // otherwise they met before the second stash, which then replaced the first
        CHECK(one.pickup("key")->siblings == 1);
        CHECK(one.pickup("key")->value == other.pickup("key")->value);
        CHECK(one.pickup("key")->written == both->front().written);
    }
    const auto winner = one.stash("key", "resolved");
    REQUIRE(winner);
    CHECK(eventually(5s, [&] { return other.pickup("key")->written == winner->written; }));
    CHECK(other.siblings("key")->size() == 1);
    CHECK(other.pickup("key")->siblings == 0);
}

TEST_CASE("node: typed values arrive as they were, or are refused by name", "[io][node]") {
    const mesh net;
    auto one = started(net.options("one")), other = started(net.options("other"));
    REQUIRE(meet(one, other));
    REQUIRE(baton::stash(one, "player", player{"ada", 7, {"jump", "run"}}));
    const auto got = baton::pickup<player>(other, "player", {.within = patience(5s)});
    REQUIRE(got);
    REQUIRE(got->has_value());
    CHECK((*got)->name == "ada");
    CHECK((*got)->score == 7);
    CHECK((*got)->actions == std::vector<std::string>{"jump", "run"});

    const auto absent = baton::pickup<player>(other, "nobody");
    REQUIRE(absent);
    CHECK_FALSE(absent->has_value());
    const auto mistaken = baton::pickup<std::vector<int>>(other, "player");
    REQUIRE_FALSE(mistaken);
    CHECK(mistaken.error().code == errc::not_readable);
    CHECK_THAT(mistaken.error().what, ContainsSubstring("player"));
    REQUIRE(one.stash("bytes", "\xc1 not packed"));
    const auto raw = baton::pickup<player>(one, "bytes");
    REQUIRE_FALSE(raw);
    CHECK(raw.error().code == errc::not_readable);
    CHECK(baton::stash(one, "", player{}).error().code == errc::key_empty);
}

TEST_CASE("node: waits end with their time", "[io][node]") {
    const mesh net;
    auto node = started(net.options("node"));
    stopwatch start;
    CHECK(node.wait_synced(100ms).error().code == errc::timeout); // no member was met
    CHECK(start.elapsed() >= 100ms);
    start = {};
    CHECK(node.next_event(100ms).error().code == errc::timeout);
    CHECK(start.elapsed() >= 100ms);
    start = {};
    const auto absent = node.pickup("key", {.within = 100ms});
    REQUIRE(absent);
    CHECK(absent->outcome == baton::pickup_outcome::absent_unsynced);
    CHECK(start.elapsed() >= 100ms);
    CHECK_FALSE(node.next_event());
    CHECK(start.unhindered() < at_most(5s));
}

TEST_CASE("node: events tell who and why", "[io][node]") {
    const mesh net;
    auto one = started(net.options("one"));
    auto other = started(net.options("other"));
    REQUIRE(one.stash("key", "value"));
    for (const auto kind : {event_kind::joined, event_kind::synced}) {
        const auto happened = next_event(other, kind);
        REQUIRE(happened);
        CHECK(happened->id == one.id());
        CHECK(happened->name == "one");
        CHECK_FALSE(happened->reason.empty());
    }
    CHECK(other.wait_synced(10s)); // it asks `one` which nodes that knows
    REQUIRE(one.leave());
    CHECK(next_event(other, event_kind::leaving)->id == one.id());
    CHECK(next_event(other, event_kind::left)->id == one.id());
    CHECK(eventually(5s, [&] { return other.members()->front().state == baton::member_state::left; }));
}

TEST_CASE("node: whatever a member is called, the log tells each event in one line", "[io][node]") {
    const mesh net;
    std::mutex mutex;
    std::vector<std::string> joined;
    auto settings = net.options("one");
    settings.log = [&](baton::log_level, std::string_view line) {
        const std::scoped_lock lock{mutex};
        if (line.find("event=joined") != line.npos) joined.emplace_back(line);
    };
    auto one = started(settings);
    const std::vector<std::pair<std::string, std::string>> names{
        {"plain-1.net", "member=plain-1.net id="},
        {"Santa María", "member=\"Santa María\" id="},
        {"a\nerror event=none \"\\", R"(member="a\x0aerror event=none \"\\" id=)"},
    };
    for (const auto& [name, shown] : names) {
        auto other = started(net.options(name));
        REQUIRE(next_event(one, event_kind::joined));
        const std::scoped_lock lock{mutex};
        REQUIRE(!joined.empty());
        CHECK_THAT(joined.back(), Catch::Matchers::StartsWith("event=joined " + shown));
        CHECK(joined.back().find('\n') == std::string::npos);
    }
}

TEST_CASE("node: the oldest of too many unread events go, and it says so", "[io][node]") {
    const mesh net;
    auto settings = net.options("forgetful");
    settings.limits.events_max = 2;
    auto forgetful = started(settings);
    {
        auto other = started(net.options("other"));
        REQUIRE(next_event(other, event_kind::synced));
        REQUIRE(forgetful.wait_synced(patience(10s)));
        REQUIRE(other.leave());
    } // joined, synced, leaving, left
    REQUIRE(eventually(5s, [&] { return forgetful.members()->front().state == baton::member_state::left; }));
    const auto lost = forgetful.next_event();
    REQUIRE(lost);
    CHECK(lost->kind == event_kind::dropped);
    CHECK(lost->count == 2);
    CHECK(forgetful.next_event()->kind == event_kind::leaving);
    CHECK(forgetful.next_event()->kind == event_kind::left);
    CHECK_FALSE(forgetful.next_event());
}

TEST_CASE("node: in a child process every call answers forked", "[io][node]") {
    const mesh net;
    auto one = started(net.options("one")), other = started(net.options("other"));
    REQUIRE(meet(one, other));
    REQUIRE(one.stash("key", "value"));
    const pid_t child = fork();
    if (child == 0) { // no test macros here: they belong to the parent
        int wrong = 0;
        const auto forked = [&](const auto& answer) {
            wrong += answer || answer.error().code != errc::forked;
        };
        forked(one.stash("key", "child"));
        forked(one.pickup("key"));
        forked(one.siblings("key"));
        forked(one.drop("key"));
        forked(one.leave());
        forked(one.keys());
        forked(one.members());
        forked(one.digest());
        forked(one.wait_synced(0ms));
        forked(one.next_event());
        one.end_leave_now();
        { const auto moved = std::move(one); } // its destructor leaves the parent's sockets alone
        _exit(wrong);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    REQUIRE(one.stash("key", "parent")); // the parent keeps working
    CHECK(eventually(5s, [&] { return value_at(other, "key") == "parent"; }));
}

TEST_CASE("node: a destructor leaves, within its bound", "[io][node]") {
    const mesh net;
    auto settings = net.options("gone");
    settings.destructor_leave_within = 300ms;
    settings.leave_within = 10min; // which is not the one that counts
    settings.liveness.crashed_after = 10min;
    SECTION("with a peer that takes it all") {
        auto other = started(net.options("other"));
        {
            auto gone = started(settings);
            REQUIRE(meet(gone, other));
            REQUIRE(gone.stash("key", "value"));
        }
        CHECK(next_event(other, event_kind::left)); // not crashed
        CHECK(value_at(other, "key") == "value");
    }
    SECTION("alone with something to lose") {
        const stopwatch start;
        {
            auto gone = started(settings);
            REQUIRE(gone.stash("key", "value"));
        }
        CHECK(start.unhindered() < patience(2s));
    }
    SECTION("with a peer that does not answer") {
        auto frozen = net.run("frozen");
        auto gone = std::make_unique<baton::node>(started(settings));
        REQUIRE(next_event(*gone, event_kind::joined));
        frozen.event("joined");
        frozen.signal(SIGSTOP);
        REQUIRE(gone->stash("key", "value"));
        const stopwatch start;
        gone.reset();
        CHECK(start.unhindered() < patience(2s));
    }
}

TEST_CASE("node: a leave from another thread can be hurried", "[io][node]") {
    const mesh net;
    auto node = started(net.options("node"));
    REQUIRE(node.stash("key", "value"));
    const stopwatch start;
    std::thread leaver{[&] { static_cast<void>(node.leave({.within = 60s})); }};
    CHECK(eventually(5s, [&] { return !node.stash("key", "value"); })); // it has begun
    node.end_leave_now();
    const auto report = node.leave(); // waits for the first
    leaver.join();
    REQUIRE(report);
    CHECK(report->outcome == baton::leave_outcome::unsafe);
    CHECK(start.unhindered() < at_most(10s));
}

#ifndef BATON_SANITIZED // a thread that holds a lock of its allocator at the fork makes the child wait for
                        // ever
TEST_CASE("node: a node can be started in a forked child", "[io][node]") {
    const mesh net;
    auto parent = started(net.options("parent"));
    const pid_t child = fork();
    if (child == 0) {
        auto settings = net.options("child");
        settings.destructor_leave_within = 100ms;
        bool met = false;
        {
            auto made = baton::node::start(settings);
            met = made && made->wait_synced(patience(10s));
        }
        _exit(met ? 0 : 1);
    }
    CHECK(next_event(parent, baton::event_kind::joined));
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}
#endif

TEST_CASE("node: signals disturb neither a caller nor the I/O thread", "[io][node]") {
    const mesh net;
    auto one = started(net.options("one")), other = started(net.options("other"));
    REQUIRE(meet(one, other));
    struct sigaction act {};
    act.sa_handler = [](int) {};
    struct sigaction before {};
    sigaction(SIGALRM, &act, &before);
    const itimerval often{{0, 200}, {0, 200}}, never{};
    setitimer(ITIMER_REAL, &often, nullptr);
    std::size_t refused = 0;
    for (int number = 0; number < 20000; ++number)
        refused += one.stash("key-" + std::to_string(number % 100), std::to_string(number)) ? 0 : 1;
    setitimer(ITIMER_REAL, &never, nullptr);
    sigaction(SIGALRM, &before, nullptr);
    CHECK(refused == 0);
    CHECK(agree(one, other));
    CHECK(one.stats()->keys == 100);
}

TEST_CASE("node: a wait for ever waits", "[io][node]") {
    const mesh net;
    auto one = started(net.options("one"));
    std::thread later([&] { CHECK(one.stash("late", "value")); });
    const auto got = one.pickup("late", {.within = milliseconds::max()});
    later.join();
    REQUIRE(got);
    CHECK(got->found());
}

TEST_CASE("node: listens on every interface when told 0.0.0.0", "[io][node]") {
    const mesh net;
    auto everywhere = net.options("everywhere");
    everywhere.host = "0.0.0.0";
    everywhere.beacon.enabled = false;
    auto one = started(everywhere);
    auto settings = net.options("other");
    settings.beacon.enabled = false;
    settings.seeds = {"127.0.0.1" + one.endpoint().substr(one.endpoint().rfind(':'))};
    auto other = started(settings);
    CHECK(meet(one, other));
}
