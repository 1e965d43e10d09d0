// Watches of clients: the same as those of nodes, and they go on at another member.
#include "client_settings.hpp"
#include "watching.hpp"

#include <baton/client.hpp>

#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace io;
using baton::ack_level, baton::change, baton::change_kind, baton::client, baton::errc, baton::value_kind;

namespace {

/// Writes of one writer, on keys k/0 … k/19 of every type that a report shows.
void write(baton::node& by, std::mt19937& draw) {
    const auto number = std::to_string(draw() % 20);
    if (draw() % 4 == 0) {
        CHECK(by.drop("k/" + number));
    } else if (draw() % 4 == 0) {
        CHECK(by.add("k/sum" + number, static_cast<int>(draw() % 9) - 4));
    } else {
        CHECK(by.stash("k/" + number, std::to_string(draw())));
    }
}

} // namespace

TEST_CASE("client watch: what is there, then what changes", "[io][client]") {
    const mesh net;
    auto node = started(net.options("node"));
    REQUIRE(node.stash("k/a", "1"));
    REQUIRE(node.add("k/sum", 3));
    REQUIRE(node.insert("k/set", "x"));
    REQUIRE(node.stash("other", "1"));
    auto self = joined(net, node);
    const listener seen(self, "k/");
    REQUIRE(seen.eventually_done());
    CHECK(seen.holds() == listener::state{{"k/a", "1"}, {"k/set", ""}, {"k/sum", "3"}});
    CHECK(seen.kinds() ==
          std::vector{change_kind::put, change_kind::put, change_kind::put, change_kind::initial_done});
    CHECK(seen.last_of("k/set").type == value_kind::set);

    const auto done = node.stash("k/b", "2");
    REQUIRE(node.drop("k/a"));
    REQUIRE(node.add("k/sum", -5));
    CHECK(seen.eventually_holds({{"k/b", "2"}, {"k/set", ""}, {"k/sum", "-2"}}));
    CHECK(seen.last_of("k/b").written == done->written);
    CHECK_FALSE(seen.last_of("k/b").owner());
    REQUIRE(node.insert("k/set", "y"));
    CHECK(eventually(10s, [&] { return seen.times("k/set") == 2; }));
    REQUIRE(node.stash("k/brief", "x", {.ttl = 50ms}));
    CHECK(eventually(10s, [&] { return seen.last_of("k/brief").kind == change_kind::removed; }));
    auto mine = node.claim("k/b");
    CHECK(eventually(10s, [&] { return seen.last_of("k/b").owner() == node.id(); }));
    CHECK(seen.wrong().empty());
}

TEST_CASE("client watch: many under one connection, next to calls, while nodes write", "[io][client]") {
    const mesh net;
    auto one = started(net.options("one")), two = started(net.options("two"));
    REQUIRE(meet(one, two));
    auto self = joined(net, one);
    std::vector<std::unique_ptr<listener>> all;
    for (int i = 0; i < 20; ++i) all.push_back(std::make_unique<listener>(self, i % 2 == 0 ? "k/" : "k/1"));
    std::mt19937 draw(7);
    for (int i = 0; i < 3000; ++i) {
        write(two, draw);
        if (i % 100 == 0) CHECK(self.stash("mine", std::to_string(i), {.ack = ack_level::local()}));
    }
    REQUIRE(agree(one, two));
    for (std::size_t i = 0; i < all.size(); ++i) {
        CHECK(all[i]->eventually_holds(state_of(two, i % 2 == 0 ? "k/" : "k/1")));
        CHECK(all[i]->wrong().empty());
    }
    all.resize(1); // the others end, and this one goes on
    REQUIRE(two.stash("k/last", "x"));
    CHECK(eventually(10s, [&] { return all.front()->times("k/last") == 1; }));
}

TEST_CASE("client watch: it goes on at another member, and reports the differences", "[io][client]") {
    const mesh net;
    auto first = net.run("first");
    auto second = started(net.options("second"));
    REQUIRE(next_event(second, baton::event_kind::joined));
    auto self = connected(settings_of(net, {started_at(first)}));
    for (int i = 0; i < 1000; ++i) REQUIRE(second.stash("k/" + std::to_string(i), "1"));
    REQUIRE(second.stash("k/large", std::string(300'000, 'l')));
    listener seen(self, "k/");
    REQUIRE(seen.eventually_holds(state_of(second, "k/")));
    REQUIRE(seen.eventually_done());
    const auto before = seen.told();

    SECTION("after a crash") { first.signal(SIGKILL); }
    SECTION("after a leave") { first.write("leave"); }
    REQUIRE(second.stash("k/7", "2"));
    REQUIRE(second.drop("k/8"));
    REQUIRE(second.stash("k/new", "3"));
    CHECK(seen.eventually_holds(state_of(second, "k/"), 30s));
    CHECK(eventually(10s, [&] { return self.talks_to() == second.id(); }));
    CHECK(seen.told() <= before + 3); // these three, at most once each
    CHECK(seen.lagged() == 0);
    CHECK(seen.wrong().empty());
    REQUIRE(second.stash("k/7", "4"));
    CHECK(eventually(10s, [&] { return seen.holds().at("k/7") == "4"; }));
}

TEST_CASE("client watch: values that are larger than a page", "[io][client]") {
    const mesh net;
    auto node = started(net.options("node"));
    auto self = joined(net, node);
    const std::string large(std::size_t{3} << 20, 'l'), middle(100'000, 'm');
    REQUIRE(node.stash("k/large", large));
    for (int i = 0; i < 8; ++i) REQUIRE(node.stash("k/middle" + std::to_string(i), middle));
    const listener seen(self, "k/");
    REQUIRE(seen.eventually_done());
    CHECK(seen.holds() == state_of(node, "k/"));
    REQUIRE(node.stash("k/large", large + "x"));
    CHECK(eventually(10s, [&] { return seen.holds().at("k/large") == large + "x"; }));
    CHECK(seen.wrong().empty());
}

TEST_CASE("client watch: a handler that is too slow is told so, and what has changed", "[io][client]") {
    const mesh net;
    auto settings = net.options("node");
    settings.limits.watch_keys_max = 16; // a client's watch has at least 256
    auto node = started(settings);
    for (int i = 0; i < 10; ++i) REQUIRE(node.stash("k/old" + std::to_string(i), "1"));
    auto self = joined(net, node);
    std::atomic<bool> holds_on{false};
    const let_go in_any_case{holds_on};
    listener seen(self, "k/", [&](const change&) { holds_on.wait(true); });
    REQUIRE(seen.eventually_done());
    holds_on = true;
    for (int i = 0; i < 3000; ++i) REQUIRE(node.stash("k/" + std::to_string(i), "2"));
    REQUIRE(node.drop("k/old3"));
    holds_on = false;
    holds_on.notify_all();
    CHECK(seen.eventually_holds(state_of(node, "k/")));
    CHECK(seen.lagged() > 0);
    CHECK(eventually(10s, [&] { return seen.kinds().back() == change_kind::initial_done; }));
    CHECK(seen.times("k/old4") == 1); // it has not changed
    CHECK(seen.wrong().empty());
}

TEST_CASE("client watch: what a handler may do", "[io][client]") {
    const mesh net;
    auto node = started(net.options("node"));
    REQUIRE(node.stash("k/a", "1"));
    auto self = std::make_unique<client>(joined(net, node));
    std::atomic<int> told{0};
    SECTION("it calls its client, begins another watch, and ends its own") {
        baton::client_watch handle, other;
        std::atomic<bool> there{false};
        std::string read;
        auto made = self->watch("k/", [&](const change& now) {
            ++told;
            there.wait(false);
            read = self->pickup(now.key)->value;
            other = *self->watch("k/", [&](const change&) { ++told; });
            handle.unwatch();
        });
        REQUIRE(made);
        handle = *std::move(made);
        there = true;
        there.notify_all();
        CHECK(eventually(10s, [&] { return told == 3; })); // k/a; then k/a and initial_done by the other one
        CHECK(read == "1");
        REQUIRE(node.stash("k/b", "1"));
        CHECK(eventually(10s, [&] { return told == 4; }));
    }
    SECTION("it destroys its client") {
        baton::client_watch handle;
        auto made = self->watch("k/", [&](const change& now) {
            if (now.kind == change_kind::initial_done) self.reset();
            ++told;
        });
        REQUIRE(made);
        handle = *std::move(made);
        CHECK(eventually(10s, [&] { return told == 2; }));
        CHECK(eventually(10s, [&] { return handle.trouble().has_value(); }));
        CHECK(handle.trouble()->code == errc::unreachable);
    }
    SECTION("the end waits for it") {
        std::atomic<bool> holds_on{true}, ended{false};
        auto made = self->watch("k/", [&](const change&) {
            ++told;
            holds_on.wait(true);
        });
        REQUIRE(eventually(10s, [&] { return told == 1; }));
        std::thread ending([&] {
            made->unwatch();
            ended = true;
        });
        CHECK_FALSE(ended);
        holds_on = false;
        holds_on.notify_all();
        ending.join();
        const int before = told; // 2 if the handler was called once more before the end began
        REQUIRE(node.stash("k/b", "1"));
        const listener other(*self, "k/");
        CHECK(other.eventually_done());
        CHECK(told == before);
        CHECK_FALSE(*made);
        CHECK_FALSE(made->trouble());
    }
}

TEST_CASE("client watch: limits", "[io][client]") {
    const mesh net;
    auto settings = net.options("node");
    settings.limits.watches_max = 2;
    auto node = started(settings);
    auto self = joined(net, node), other = joined(net, node);
    auto ignore = [](const change&) {};
    auto one = self.watch("", ignore), two = other.watch("k/", ignore);
    REQUIRE(one);
    REQUIRE(two);
    CHECK(self.watch("k/", ignore).error().code == errc::too_many_watches);
    one->unwatch();
    CHECK(eventually(10s, [&] { return self.watch("k/", ignore).has_value(); })); // unwatch does not wait
    CHECK(self.watch(std::string(600, 'k'), ignore).error().code == errc::key_too_long);
}

TEST_CASE("client watch: what is lost is trouble until the client accepts it", "[io][client]") {
    const mesh net;
    const auto port = std::to_string(free_port(SOCK_STREAM));
    auto settings = settings_of(net, {"127.0.0.1:" + port});
    settings.patience = 200ms;
    auto former = net.run("former", {"--port", port});
    auto self = connected(settings);
    REQUIRE(self.stash("k/own", "1", {.ack = ack_level::local()}));
    std::atomic<int> removed{0};
    auto handle = self.watch("k/", [&](const change& now) {
        if (now.kind == change_kind::removed) ++removed;
    });
    REQUIRE(handle);
    CHECK_FALSE(handle->trouble());
    former.signal(SIGKILL);
    auto next = net.run("next", {"--port", port, "--founding"});
    const auto is = [&](errc code) {
        const auto trouble = handle->trouble();
        return trouble && trouble->code == code;
    };
    CHECK(eventually(30s, [&] { return is(errc::lost); }));
    CHECK(removed == 0);
    self.accept_loss();
    CHECK(eventually(30s, [&] { return removed == 1; }));
    CHECK_FALSE(handle->trouble());
}
