// Proves what watch() promises on nodes of this process over loopback: a snapshot, then every change, with no
// gap and never backwards, while others write as fast as they can; that a slow handler ends with the right
// state and keeps nobody else waiting beyond its own calls; and that changes come through syncs.
#include "watching.hpp"

#include <algorithm>
#include <atomic>
#include <thread>

using namespace io;
using baton::change;
using baton::change_kind;
using baton::value_kind;

namespace {

struct pair {
    pair() { REQUIRE(meet(one, other)); }
    mesh net;
    baton::node one = started(net.options("one")), other = started(net.options("other"));
};

} // namespace

TEST_CASE("watch: first what is there, then initial_done, then what changes", "[io][watch]") {
    pair p;
    REQUIRE(p.one.stash("a/1", "old"));
    REQUIRE(p.one.stash("a/2", "gone soon"));
    REQUIRE(p.one.stash("b/1", "of no interest"));
    REQUIRE(agree(p.one, p.other));
    const listener heard(p.other, "a/");
    REQUIRE(heard.eventually_done());
    CHECK(heard.kinds() == std::vector{change_kind::put, change_kind::put, change_kind::initial_done});
    CHECK(heard.holds() == listener::state{{"a/1", "old"}, {"a/2", "gone soon"}});
    CHECK(heard.last_of("a/1").written == p.other.pickup("a/1")->written);

    REQUIRE(p.one.stash("a/1", "new"));
    REQUIRE(p.one.stash("a/3", ""));
    REQUIRE(p.one.drop("a/2")->changed);
    REQUIRE(p.one.drop("b/1")->changed);
    CHECK(heard.eventually_holds({{"a/1", "new"}, {"a/3", ""}}));
    REQUIRE(p.other.stash("a/1", "own"));
    CHECK(heard.eventually_holds({{"a/1", "own"}, {"a/3", ""}}));
    CHECK(heard.last_of("a/2").kind == change_kind::removed);
    CHECK(heard.wrong() == "");
}

TEST_CASE("watch: keys of every type are told, and what there is to say of each", "[io][watch]") {
    pair p;
    const listener heard(p.other, "");
    REQUIRE(heard.eventually_done());
    CHECK(heard.kinds() == std::vector{change_kind::initial_done}); // the store was empty
    REQUIRE(p.one.add("counter", 5));
    REQUIRE(p.one.add("counter", -7));
    REQUIRE(p.one.insert("set", "element"));
    REQUIRE(p.one.set_field("map", "field", "value"));
    REQUIRE(p.one.enable("flag"));
    CHECK(heard.eventually_holds({{"counter", "-2"}, {"flag", ""}, {"map", ""}, {"set", ""}}));
    CHECK(heard.last_of("counter").type == value_kind::counter);
    CHECK(heard.last_of("set").type == value_kind::set);
    CHECK(heard.last_of("map").type == value_kind::map);
    CHECK(heard.last_of("flag").type == value_kind::flag);
    const auto times = heard.times("set");
    REQUIRE(p.one.insert("set", "another"));
    CHECK(eventually(10s, [&] { return heard.times("set") > times; }));
    for (const auto* key : {"counter", "set", "map", "flag"}) REQUIRE(p.one.drop(key)->changed);
    CHECK(heard.eventually_holds({}));

    // Two nodes that cannot have seen the write of the other create the key with two types at once: both are
    // reported.
    std::thread race([&] { (void)p.other.stash("both", "register"); });
    (void)p.one.add("both", 3);
    race.join();
    REQUIRE(agree(p.one, p.other));
    const listener late(p.other, "both");
    REQUIRE(late.eventually_done());
    const auto puts = late.kinds().size() - 1;
    CHECK(puts ==
          std::size_t(p.other.pickup("both")->found()) + std::size_t(p.other.count("both")->has_value()));
    CHECK(heard.wrong() == "");
}

TEST_CASE("watch: a snapshot and what follows have no gap while others write at full speed", "[io][watch]") {
    // One thread writes each key, so its versions have an order. Watches begin in the middle, on both nodes;
    // in the end they hold exactly what the nodes hold.
    pair p;
    std::atomic<bool> over{false};
    const auto write = [&](int part) {
        for (int i = 0; !over; ++i) {
            const auto key = "k/" + std::to_string(part) + '/' + std::to_string(i * 7 % 1500);
            if (i % 5 == 4) {
                (void)p.one.drop(key);
            } else {
                (void)p.one.stash(key, std::to_string(i));
            }
        }
    };
    std::thread first(write, 0), second(write, 1);
    std::vector<std::unique_ptr<listener>> all;
    for (int round = 0; round < 6; ++round) {
        std::this_thread::sleep_for(30ms);
        all.push_back(std::make_unique<listener>(round % 2 == 0 ? p.one : p.other, round < 4 ? "k/" : ""));
    }
    for (const auto& each : all) CHECK(each->eventually_done());
    std::this_thread::sleep_for(100ms);
    over = true;
    first.join();
    second.join();
    REQUIRE(agree(p.one, p.other, 30s));
    const auto expected = state_of(p.one, "k/");
    CHECK(expected.size() > 1000);
    for (const auto& each : all) {
        CHECK(each->eventually_holds(expected));
        CHECK(each->wrong() == "");
    }
}

TEST_CASE("watch: of a hundred, one that is slow lags, ends right, and delays nobody beyond its calls",
          "[io][watch]") {
    // A call of the slow handler lasts until 4 changes wait for the others, and 20 may wait for it. A value
    // is the number of its calls at the time of writing, so a delay is counted in calls, not in time.
    constexpr int keys = 100, changes = 600, per_call = 4, ahead = 8, waiting = 20;
    const mesh net;
    auto settings = net.options("one");
    settings.limits.watch_keys_max = waiting;
    auto node = started(settings);
    for (int i = 0; i < keys; ++i) REQUIRE(node.stash("k/" + std::to_string(i), "0"));
    std::atomic<int> written = 0, told = 0, slow_calls = 0;
    std::atomic<bool> begun = false, writes = false;
    const listener slow(node, "k/", [&](const change&) {
        if (!begun) return;
        ++slow_calls;
        while (writes && written - told < per_call) std::this_thread::sleep_for(1ms);
        std::this_thread::sleep_for(4ms); // longer than a turn, so that each turn has few calls
    });
    const let_go when_over{writes};
    std::mutex mutex;
    std::vector<int> delays;
    const auto note_delay = [&](const change& what) {
        if (!begun) return;
        ++told;
        if (what.kind != change_kind::put) return;
        const std::lock_guard lock(mutex);
        delays.push_back(slow_calls - std::stoi(what.value));
    };
    std::vector<std::unique_ptr<listener>> fast;
    fast.push_back(std::make_unique<listener>(node, "k/", note_delay));
    while (fast.size() < 99) fast.push_back(std::make_unique<listener>(node, "k/"));
    for (const auto& each : fast) REQUIRE(each->eventually_done());
    REQUIRE(slow.eventually_done());
    begun = writes = true;
    for (int i = 0; i < changes; ++i) {
        const auto key = "k/" + std::to_string(i % keys);
        if (i >= changes - keys && i % 2 == 0) {
            REQUIRE(node.drop(key)->changed);
        } else {
            REQUIRE(node.stash(key, std::to_string(slow_calls)));
        }
        ++written;
        // Quicker than the slow one, not quicker than the others.
        REQUIRE(eventually(10s, [&] { return written - told < ahead; }));
    }
    writes = false;
    const auto expected = state_of(node, "k/");
    CHECK(expected.size() == keys / 2);
    for (const auto& each : fast) {
        CHECK(each->eventually_holds(expected));
        CHECK(each->wrong() == "");
    }
    {
        const std::lock_guard lock(mutex);
        REQUIRE(delays.size() == changes - keys / 2);
        std::ranges::sort(delays);
        CAPTURE(delays[delays.size() / 2], delays.back());
        CHECK(delays[delays.size() / 2] <= per_call);
    }
    CHECK(slow.eventually_holds(expected, 30s));
    CHECK(slow.wrong() == "");
    CHECK(slow.lagged() > 0);
    CHECK(slow.told() < fast.front()->told());
}

TEST_CASE("watch: a handler that is held up is told what went meanwhile, or only what came of it",
          "[io][watch]") {
    // The handler stands still while every key changes. Within the bound it hears of each key once; above it,
    // of a new snapshot, and still of every removed key.
    const mesh net;
    auto settings = net.options("one");
    settings.limits.watch_keys_max = GENERATE(1000, 10);
    auto node = started(settings);
    for (int i = 0; i < 300; ++i) REQUIRE(node.stash("k/" + std::to_string(i), "first"));
    std::mutex held;
    listener heard(node, "k/", [&](const change&) { const std::lock_guard lock(held); });
    REQUIRE(heard.eventually_done());
    {
        const std::lock_guard hold(held);
        for (int again = 0; again < 3; ++again) {
            for (int i = 0; i < 300; ++i)
                REQUIRE(node.stash("k/" + std::to_string(i), std::to_string(again)));
        }
        for (int i = 0; i < 290; ++i) REQUIRE(node.drop("k/" + std::to_string(i))->changed);
        for (int i = 0; i < 300; ++i) REQUIRE(node.stash("new/" + std::to_string(i), "of no interest"));
        for (int i = 0; i < 300; ++i) {
            REQUIRE(node.stash("k/passing", "never seen"));
            REQUIRE(node.drop("k/passing")->changed);
        }
    }
    CHECK(heard.eventually_holds(state_of(node, "k/")));
    CHECK(heard.wrong() == "");
    CHECK((heard.lagged() != 0) == (settings.limits.watch_keys_max == 10));
    CHECK(heard.told() < 300 + 300 + 300 + 20);
    CHECK(heard.times("k/0") >= 2);
}

TEST_CASE("watch: a newcomer's first sync, and what was removed while apart, are told", "[io][watch]") {
    const mesh net;
    auto one = started(net.options("one"));
    for (int i = 0; i < 5000; ++i) REQUIRE(one.stash("k/" + std::to_string(i), std::to_string(i)));
    REQUIRE(one.insert("k/set", "element"));
    auto apart = net.options("newcomer");
    apart.beacon.enabled = false;
    auto newcomer = started(apart);
    REQUIRE(newcomer.stash("k/own", "own"));
    const listener heard(newcomer, "k/");
    REQUIRE(heard.eventually_holds({{"k/own", "own"}}));
    {
        auto between = net.options("between");
        between.seeds = {newcomer.endpoint()};
        auto bridge = started(std::move(between));
        REQUIRE(agree(one, newcomer, 30s));
        CHECK(heard.eventually_holds(state_of(one, "k/"), 30s));
        REQUIRE(one.leave());
    }
    // The bridge is gone: what changes on one side comes by a sync when another is there.
    for (int i = 0; i < 5000; i += 3) REQUIRE(newcomer.drop("k/" + std::to_string(i))->changed);
    REQUIRE(newcomer.stash("k/1", "changed"));
    auto later = net.options("later");
    later.seeds = {newcomer.endpoint()};
    auto third = started(std::move(later));
    const listener at_third(third, "k/");
    REQUIRE(agree(newcomer, third, 30s));
    CHECK(at_third.eventually_holds(state_of(newcomer, "k/"), 30s));
    CHECK(heard.eventually_holds(state_of(newcomer, "k/"), 30s));
    CHECK(heard.lagged() == 0);
    CHECK(heard.wrong() == "");
    CHECK(at_third.wrong() == "");
}

TEST_CASE("watch: values of 8 MiB are told whole", "[io][watch]") {
    const mesh net;
    auto node = started(net.options("one"));
    const std::string large(8 << 20, 'x');
    for (int i = 0; i < 4; ++i) REQUIRE(node.stash("k/" + std::to_string(i), large));
    const listener heard(node, "k/");
    REQUIRE(heard.eventually_done());
    for (int i = 0; i < 4; ++i)
        REQUIRE(node.stash("k/" + std::to_string(i), large + std::to_string(i)).error().code ==
                baton::errc::value_too_long);
    REQUIRE(node.stash("k/0", large.substr(1) + '0'));
    CHECK(heard.eventually_holds(state_of(node, "k/")));
    CHECK(heard.wrong() == "");
}
