// Proves that calls that make no sense, come too late or are made where they must not be are answered by a
// named error, at once, and change nothing: no time to wait in, proofs that nobody can give, claims that are
// no more, a second leave, a forked child, handlers of a node that has left. What a hang would look like is a
// missed deadline here.
#include "support/sanitizers.hpp"
#include "watching.hpp"

#include <sys/resource.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <exception>
#include <fstream>
#include <functional>
#include <future>
#include <limits>
#include <thread>

using namespace baton;
using namespace io;
using io::mesh;

namespace {

constexpr auto endless = milliseconds::max();

struct two {
    mesh net;
    node one, other;
    explicit two(std::optional<std::size_t> mesh_size = {})
        : one(started([&] {
            auto settings = net.options("one");
            settings.mesh_size = mesh_size;
            return settings;
        }()))
        , other(started(net.options("other"))) {
        REQUIRE(meet(one, other));
    }
};

const std::vector<std::pair<std::string_view, std::string_view>> pairs{{"x", "1"}, {"y", "2"}};

template <class T>
errc code_of(const result<T>& answer) {
    REQUIRE_FALSE(answer);
    CHECK_FALSE(answer.error().what.empty());
    return answer.error().code;
}

} // namespace

TEST_CASE("misuse: without any time every call answers at once", "[io][misuse]") {
    // G8, G11: the only member is frozen. No time, and negative ones that overflow when they are nanoseconds.
    const auto none = GENERATE(0ms, -1ms, milliseconds{-10'000'000'000'000}, milliseconds::min());
    CAPTURE(none.count());
    const mesh net;
    auto frozen = net.run("frozen");
    auto node = started(net.options("node"));
    REQUIRE(next_event(node, event_kind::joined));
    frozen.event("joined", "node");
    frozen.signal(SIGSTOP);
    const stopwatch start;
    const auto done = node.stash("key", "v", {.ack = ack_level::copies(2), .within = none});
    REQUIRE(done);
    CHECK_FALSE(done->met);
    CHECK(done->copies == 1);
    CHECK(node.pickup("key")->found()); // the value is written all the same
    CHECK_FALSE(node.stash(pairs, {.ack = ack_level::all_up(), .within = none})->met);
    CHECK_FALSE(node.confirm(done->written, ack_level::copies(2), none)->met);
    CHECK_FALSE(node.stash_async("key", "v", {.ack = ack_level::copies(2), .within = none}).get()->met);
    CHECK(node.pickup("nothing", {.within = none, .until = pickup_until::known})->outcome ==
          pickup_outcome::absent_unsynced);
    CHECK(code_of(node.claim("nothing", {.within = none})) == errc::absent);
    (void)node.wait_synced(none);
    while (node.next_event(none)) {
    }
    const auto report = node.leave({.within = none});
    REQUIRE(report);
    CHECK(report->outcome == leave_outcome::unsafe);
    CHECK(report->unsafe_keys == std::vector<std::string>{"key", "x", "y"});
    CHECK(start.unhindered() < at_most(4s)); // a call's own time is 5 s
}

TEST_CASE("misuse: levels that nobody can meet are refused, or not met in time", "[io][misuse]") {
    two nodes(5); // and three of that mesh are not there
    const auto written = nodes.one.stash("key", "v");
    REQUIRE(written);
    const auto before = nodes.one.cut();
    const auto refused = [&](node& of, ack_level level) {
        const stash_options how{.ack = level, .within = endless};
        CHECK(code_of(of.stash("key", "new", how)) == errc::bad_argument);
        CHECK(code_of(of.stash(pairs, how)) == errc::bad_argument);
        auto later = of.stash_async("key", "new", how);
        REQUIRE(later.wait_for(0ms) == std::future_status::ready);
        CHECK(code_of(later.get()) == errc::bad_argument);
        CHECK(code_of(of.confirm(written->written, level, endless)) == errc::bad_argument);
    };
    refused(nodes.one, ack_level::copies(0));
    refused(nodes.other, ack_level::majority()); // of what?
    CHECK(nodes.one.cut() == before);            // no value was written
    const auto unmet = [&](ack_level level) {
        const stopwatch start;
        const auto done = nodes.one.stash("key", "v", {.ack = level, .within = 100ms});
        REQUIRE(done);
        CHECK_FALSE(done->met);
        CHECK(done->copies == 2);
        CHECK(start.elapsed() >= 100ms);
        CHECK(start.unhindered() < at_most(4s)); // of 5 s without `within`
    };
    unmet(ack_level::copies(3));
    unmet(ack_level::copies(std::numeric_limits<std::size_t>::max()));
    unmet(ack_level::majority()); // two of five
    REQUIRE(nodes.other.leave());
    CHECK(next_event(nodes.one, event_kind::left));
    CHECK_FALSE(nodes.one.stash("key", "v", {.ack = ack_level::all_up(), .within = 50ms})->met); // not by one
}

TEST_CASE("misuse: a duration that no point in time can have added to it is refused", "[io][misuse]") {
    // Waits that should have no end must not be over at once.
    const std::vector<std::pair<std::string, std::function<void(options&)>>> faults{
        {"beacon.every", [](options& o) { o.beacon.every = endless; }},
        {"liveness.crashed_after", [](options& o) { o.liveness.crashed_after = endless; }},
        {"liveness.closed_after", [](options& o) { o.liveness.closed_after = endless; }},
        {"liveness.archive_after", [](options& o) { o.liveness.archive_after = endless; }},
        {"liveness.redial_for", [](options& o) { o.liveness.redial_for = std::chrono::seconds::max(); }},
        {"security.beacon_window", [](options& o) { o.security.beacon_window = endless; }},
        {"alone_after", [](options& o) { o.alone_after = endless; }},
        {"clock_skew_max", [](options& o) { o.clock_skew_max = endless; }},
    };
    for (const auto& [name, break_it] : faults) {
        CAPTURE(name);
        options one;
        break_it(one);
        const auto checked = one.validate();
        REQUIRE_FALSE(checked);
        CHECK(checked.error().what == name + " must be at most a year");
    }
    options longest;
    longest.alone_after = longest.clock_skew_max = 365 * 24h;
    longest.liveness.redial_for = 365 * 24h;
    longest.leave_within = longest.destructor_leave_within = endless; // these are only ever waited for
    CHECK(longest.validate());
}

TEST_CASE("misuse: numbers and addresses that would mean something else are refused", "[io][misuse]") {
    // libzmq counts frames by an int, of which 0 is none at all; beacons to an address that is no group would
    // go there.
    for (const auto frames :
         {std::size_t{1} << 31, std::size_t{1} << 32, std::numeric_limits<std::size_t>::max()}) {
        options one;
        one.limits.send_frames_max = frames;
        REQUIRE_FALSE(one.validate());
        CHECK(one.validate().error().what.find("limits.send_frames_max") == 0);
    }
    for (const std::string group : {"127.0.0.1", "192.0.2.7", "0.0.0.0", "255.255.255.255", "::1"}) {
        options one;
        one.beacon.group = group;
        REQUIRE_FALSE(one.validate());
        CHECK(one.validate().error().what.find("beacon.group '" + group) == 0);
    }
}

TEST_CASE("misuse: what is wrong with several keys is said, and none is written", "[io][misuse]") {
    const mesh net;
    auto node = started(net.options("node"));
    using keys = std::vector<std::pair<std::string_view, std::string_view>>;
    const std::string long_key(513, 'k'), long_value((std::size_t{8} << 20) + 1, 'v');
    CHECK(code_of(node.stash(keys{})) == errc::bad_argument);
    CHECK(code_of(node.stash(keys(1001, {"k", "v"}))) == errc::bad_argument);
    CHECK(code_of(node.stash(keys{{"good", "v"}, {"", "v"}})) == errc::key_empty);
    CHECK(code_of(node.stash(keys{{"good", "v"}, {long_key, "v"}})) == errc::key_too_long);
    CHECK(code_of(node.stash(keys{{"good", "v"}, {"k", long_value}})) == errc::value_too_long);
    CHECK(code_of(node.merge_with(long_key, [](const auto&) { return std::string(); })) ==
          errc::key_too_long);
    CHECK(code_of(node.confirm({}, ack_level::local(), endless)) == errc::unknown_version);
    CHECK(node.keys()->empty());
    CHECK(node.cut()->empty());
}

TEST_CASE("misuse: a claim that is no more refuses every use by name", "[io][misuse]") {
    two nodes;
    CHECK(code_of(nodes.one.claim("nothing")) == errc::absent);
    CHECK(code_of(nodes.one.claim(std::string(513, 'k'))) == errc::key_too_long);
    CHECK(code_of(nodes.one.claim("nothing", {.within = endless, .lease = -1ms})) == errc::bad_option);
    for (const std::string way : {"released", "dropped", "claimed again", "over", "left"}) {
        CAPTURE(way);
        REQUIRE(nodes.one.stash("k", "v"));
        auto mine = std::move(nodes.one.claim("k", {.lease = 20ms})).value();
        std::optional<claim_handle> second;
        if (way == "released") REQUIRE(mine.release());
        if (way == "dropped") REQUIRE(nodes.one.drop("k")->changed);
        if (way == "claimed again") second.emplace(std::move(nodes.one.claim("k")).value());
        if (way == "left") REQUIRE(nodes.one.leave());
        REQUIRE(eventually(5s, [&] { return mine.lost(); }));
        const auto before = nodes.one.cut();
        for (int again = 0; again < 2; ++again) {
            const auto wanted = way == "left" ? errc::leaving : errc::claim_lost;
            CHECK(code_of(mine.commit("late")) == wanted);
            CHECK(code_of(mine.renew()) == wanted);
            CHECK(code_of(mine.release()) == wanted);
        }
        CHECK(nodes.one.cut() == before);
        CHECK(mine.taken_over().value == "v"); // the values shown stay readable
    }
}

TEST_CASE("misuse: every leave gets the report of the first, from any thread", "[io][misuse]") {
    two nodes;
    REQUIRE(nodes.one.stash("key", "v"));
    std::vector<std::future<result<leave_report>>> all;
    for (std::size_t i = 0; i < 8; ++i) {
        all.push_back(std::async(std::launch::async, [&, copies = i % 2 * 1000] {
            return nodes.one.leave({.within = 10s, .copies = copies});
        }));
    }
    const auto last = nodes.one.leave();
    REQUIRE(last);
    CHECK(last->outcome == leave_outcome::safe); // copies are what there are members, and at least one
    CHECK(last->copies == 1);
    for (auto& each : all) {
        const auto report = each.get();
        REQUIRE(report);
        CHECK(report->outcome == last->outcome);
        CHECK(report->took == last->took);
    }
    CHECK(value_at(nodes.other, "key") == "v");
}

TEST_CASE("misuse: after a leave, writes are refused and no wait lasts", "[io][misuse]") {
    two nodes;
    const auto written = nodes.one.stash("key", "v");
    REQUIRE(written);
    REQUIRE(nodes.one.leave());
    const stopwatch start;
    const stash_options how{.ack = ack_level::copies(2), .within = endless};
    CHECK(code_of(nodes.one.stash("key", "new", how)) == errc::leaving);
    CHECK(code_of(nodes.one.stash(pairs, how)) == errc::leaving);
    CHECK(code_of(nodes.one.stash_async("key", "new", how).get()) == errc::leaving);
    CHECK(code_of(nodes.one.resolve("key", "new", {written->written})) == errc::leaving);
    CHECK(code_of(nodes.one.claim("key")) == errc::leaving);
    CHECK(code_of(nodes.one.claim("nothing", {.within = endless})) == errc::leaving);
    CHECK(code_of(nodes.one.drop("key")) == errc::leaving);
    CHECK(nodes.one.confirm(written->written, ack_level::copies(3), endless));
    CHECK(nodes.one.pickup("nothing", {.within = endless, .until = pickup_until::known}));
    (void)nodes.one.wait_synced(endless);
    while (nodes.one.next_event(endless)) {
    }
    nodes.one.end_leave_now();
    CHECK(nodes.one.pickup("key")->value == "v");
    CHECK(start.unhindered() < patience(5s));
}

TEST_CASE("misuse: what the log or on_applied throws ends the node's I/O thread, not the program",
          "[io][misuse]") {
    const bool by_log = GENERATE(true, false);
    CAPTURE(by_log);
    const mesh net;
    std::atomic<bool> throws = false;
    auto settings = net.options("one");
    if (by_log) {
        settings.log = [&](log_level, std::string_view) {
            if (throws) throw std::runtime_error("the disk is full");
        };
    } else {
        settings.on_applied = [&](std::size_t) {
            if (throws) throw 1; // NOLINT: anything can be thrown
        };
    }
    auto one = started(settings), other = started(net.options("other"));
    REQUIRE(meet(one, other));
    REQUIRE(one.stash("mine", "v"));
    throws = true;
    REQUIRE(other.stash("theirs", "v"));     // which is applied
    REQUIRE(other.leave({.within = 100ms})); // which is told
    CHECK(eventually(10s, [&] {
        const auto late = one.stash("late", "v");
        return !late && late.error().code == errc::leaving;
    }));
    CHECK(one.pickup("mine")->value == "v");
    const auto report = one.leave();
    REQUIRE(report);
    CHECK(report->outcome == leave_outcome::unsafe);
}

TEST_CASE("misuse: in a forked child every call answers forked, and the parent goes on", "[io][misuse]") {
    two nodes;
    const auto written = nodes.one.stash("key", "v");
    REQUIRE(written);
    auto mine = std::move(nodes.one.claim("key")).value();
    std::atomic<int> heard = 0;
    auto watch = std::move(nodes.one.watch("", [&](const change&) { ++heard; })).value();
    REQUIRE(eventually(10s, [&] { return heard >= 2; }));
    const pid_t child = fork();
    if (child == 0) { // no test macros here: they belong to the parent
        alarm(60);    // a hang ends so
        int wrong = 0;
        const auto forked = [&](const auto& answer) {
            wrong += answer || answer.error().code != errc::forked;
        };
        const stash_options how{.ack = ack_level::copies(2), .within = endless};
        forked(nodes.one.stash("key", "new", how));
        forked(nodes.one.stash(pairs, how));
        forked(nodes.one.stash_async("key", "new", how).get());
        forked(nodes.one.confirm(written->written, ack_level::copies(2), endless));
        forked(nodes.one.pickup("nothing", {.within = endless}));
        forked(nodes.one.siblings("key"));
        forked(nodes.one.resolve("key", "new", {written->written}));
        forked(nodes.one.claim("nothing", {.within = endless}));
        forked(nodes.one.merge_with("k", [](const auto&) { return std::string(); }));
        forked(nodes.one.drop("key"));
        forked(nodes.one.watch("", [](const change&) {}));
        forked(nodes.one.event_fd());
        forked(nodes.one.leave());
        forked(mine.commit("new"));
        forked(mine.renew());
        forked(mine.release());
        wrong += !mine.lost() || !mine.tentative() || mine.taken_over().value != "v";
        forked(nodes.one.add("counter", 1, {.ack = ack_level::copies(2), .within = endless}));
        forked(nodes.one.erase("set", "element"));
        forked(nodes.one.keys());
        forked(nodes.one.keys("k"));
        forked(nodes.one.members());
        forked(nodes.one.cut());
        forked(nodes.one.digest());
        forked(nodes.one.stats());
        forked(nodes.one.keys_installed());
        forked(nodes.one.wait_synced(endless));
        forked(nodes.one.next_event(endless));
        nodes.one.end_leave_now();
        { // ends wait for no thread that is not there
            const auto handle = std::move(mine);
            const auto listening = std::move(watch);
            const auto gone = std::move(nodes.one), too = std::move(nodes.other);
        }
        _exit(wrong);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    CHECK_FALSE(mine.lost()); // the parent's
    CHECK(mine.commit("of the parent"));
    CHECK(eventually(10s, [&] { return value_at(nodes.other, "key") == "of the parent"; }));
    CHECK(eventually(10s, [&] { return heard >= 3; }));
}

TEST_CASE("misuse: inside a handler of a node that has left, calls answer as elsewhere", "[io][misuse]") {
    // The node leaves inside of the first call, or while a handler runs on.
    const bool inside = GENERATE(true, false);
    CAPTURE(inside);
    two nodes;
    const auto written = nodes.one.stash("k/1", "v");
    REQUIRE(written);
    std::vector<std::string> wrong;
    std::promise<void> entered, left, done;
    watch_handle own, inner;
    own =
        std::move(nodes.one.watch("k/", [&](const change& what) {
            if (what.kind != change_kind::initial_done) return;
            entered.set_value();
            if (inside) (void)nodes.one.leave();
            left.get_future().wait(); // and `own` is set
            const auto wants = [&](const char* call, bool good) {
                if (!good) wrong.emplace_back(call);
            };
            const auto leaving = [&](const char* call, const auto& answer) {
                wants(call, !answer && answer.error().code == errc::leaving);
            };
            const stash_options how{.ack = ack_level::copies(2), .within = endless};
            leaving("stash", nodes.one.stash("k/2", "v", how));
            leaving("stash_async", nodes.one.stash_async("k/2", "v", how).get());
            leaving("claim", nodes.one.claim("k/1", {.within = endless}));
            leaving("drop", nodes.one.drop("k/1"));
            wants("confirm", nodes.one.confirm(written->written, ack_level::copies(3), endless).has_value());
            wants("pickup", nodes.one.pickup("k/1", {.within = endless})->found());
            wants("absent", !nodes.one.pickup("nothing", {.within = endless})->found());
            wants("leave", nodes.one.leave()->outcome == leave_outcome::safe);
            wants("keys", nodes.one.keys("k/")->size() == 1);
            auto more = nodes.one.watch("k/", [](const change&) {});
            wants("watch", more.has_value());
            if (more) inner = std::move(more).value();
            inner.unwatch();
            own.unwatch();
            done.set_value();
        })).value();
    REQUIRE(entered.get_future().wait_for(patience(10s)) == std::future_status::ready);
    if (!inside) CHECK(nodes.one.leave()->outcome == leave_outcome::safe);
    left.set_value();
    REQUIRE(done.get_future().wait_for(patience(10s)) == std::future_status::ready);
    CHECK(wrong == std::vector<std::string>{});
}

namespace {

struct last_words {
    int status = 0;
    std::string text; ///< on standard error
};
/// What a forked process writes, and how it ends.
last_words ended_by(const std::function<void()>& work) {
    std::array<int, 2> ends{};
    REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
    const pid_t child = fork();
    if (child == 0) { // no test macros here: they belong to the parent
        std::signal(SIGABRT, SIG_DFL);
        std::set_terminate([] { std::abort(); });
        alarm(120); // whatever it does, it does not outlive its test
        dup2(ends[1], STDERR_FILENO);
        work();
        _exit(0);
    }
    close(ends[1]);
    last_words said;
    std::array<char, 4096> piece{};
    for (ssize_t got = 0; (got = read(ends[0], piece.data(), piece.size())) > 0;)
        said.text.append(piece.data(), static_cast<std::size_t>(got));
    close(ends[0]);
    waitpid(child, &said.status, 0);
    return said;
}

} // namespace

TEST_CASE("misuse: a value that is not there ends the program with the error's sentence", "[io][misuse]") {
    const result<int> failed = error{errc::key_too_long, "the key has 513 bytes"};
    const auto by_value = ended_by([&] { static_cast<void>(failed.value()); });
    CHECK(WIFSIGNALED(by_value.status));
    CHECK(by_value.text.find("key_too_long: the key has 513 bytes") != std::string::npos);
    const auto by_star = ended_by([] {
        const auto none = node::start([] {
            auto settings = options::loopback();
            settings.seeds = {"nowhere"};
            return settings;
        }());
        static_cast<void>(none->name());
    });
    CHECK(WIFSIGNALED(by_star.status));
    CHECK(by_star.text.find("seed 'nowhere' is not HOST:PORT") != std::string::npos);
    const auto by_error = ended_by([] { static_cast<void>(result<void>{}.error()); });
    CHECK(WIFSIGNALED(by_error.status));
    CHECK(by_error.text.find("holds none") != std::string::npos);
}

#ifndef BATON_SANITIZED // sanitizers need memory of their own
TEST_CASE("misuse: where no thread can be had merge_with and watch say so, and can be called again",
          "[io][misuse]") {
    const auto end = ended_by([] {
        const mesh net;
        auto one = started(net.options("one"));
        std::size_t pages = 0;
        std::ifstream("/proc/self/statm") >> pages;
        rlimit usual{}, tight{};
        getrlimit(RLIMIT_AS, &usual);
        tight = usual;
        tight.rlim_cur =
            pages * static_cast<std::size_t>(getpagesize()) + (std::size_t{4} << 20); // half a stack
        setrlimit(RLIMIT_AS, &tight);
        std::promise<void> over;
        const auto never = over.get_future().share();
        std::vector<std::thread> all; // they take the stacks that are kept for reuse
        try {
            for (int i = 0; i < 1000; ++i) all.emplace_back([never] { never.wait(); });
        } catch (const std::exception&) {
        }
        const auto first = [](const std::vector<std::string_view>& siblings) {
            return std::string(siblings[0]);
        };
        const auto ignore = [](const change&) {};
        const auto refused = one.merge_with("k/", first);
        const auto unwatched = one.watch("k/", ignore);
        setrlimit(RLIMIT_AS, &usual);
        if (refused || refused.error().code != errc::network) _exit(1);
        if (!one.merge_with("k/", first)) _exit(2);
        if (unwatched || unwatched.error().code != errc::network) _exit(3);
        if (!one.watch("k/", ignore)) _exit(4);
        _exit(0); // the threads wait for ever
    });
    CAPTURE(end.text);
    CHECK(WIFEXITED(end.status));
    CHECK(WEXITSTATUS(end.status) == 0);
}
#endif
