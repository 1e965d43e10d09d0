// What monitor answers of real nodes on loopback: readiness, life, links, claims, and a sync while it runs.
#include "support/catch.hpp"

#include <baton/monitor.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

using namespace baton;
using namespace std::chrono_literals;

namespace {

bool comes_true(const std::function<bool()>& condition) {
    const char* const slowdown = std::getenv("BATON_TEST_SLOWDOWN");
    const auto until =
        std::chrono::steady_clock::now() + 60s * (slowdown != nullptr ? std::atoi(slowdown) : 1);
    while (std::chrono::steady_clock::now() < until) {
        if (condition()) return true;
        std::this_thread::sleep_for(1ms);
    }
    return false;
}

options alone(const std::string& name) {
    auto made = options::loopback();
    made.name = name;
    made.cluster = "monitor-" + std::to_string(::getpid());
    made.beacon.enabled = false;
    made.alone_after = 1h;
    return made;
}

node start(options how, const node* seed = nullptr) {
    if (seed != nullptr) how.seeds = {seed->endpoint()};
    auto started = node::start(std::move(how));
    REQUIRE(started);
    return std::move(*started);
}

} // namespace

TEST_CASE("monitor: ready when synced, alone or founding, and not while leaving", "[ops]") {
    auto a = start(alone("a"));
    const monitor of_a{a};
    CHECK(of_a.is_alive(30s));
    CHECK_FALSE(of_a.is_ready()); // it has met nobody, and may not be the first
    {
        auto b = start(alone("b"), &a);
        const monitor of_b{b};
        CHECK(comes_true([&] { return of_a.is_ready() && of_b.is_ready(); }));
        REQUIRE(b.leave());
        CHECK_FALSE(of_b.is_ready());
        CHECK_FALSE(of_b.is_alive(1s)); // its I/O thread has ended
        const auto view = of_b.view();
        REQUIRE(view);
        CHECK(view->leaving.has_value());
        CHECK(of_a.is_ready());
    }
    auto soon = alone("c");
    soon.alone_after = 50ms;
    const auto c = start(soon);
    CHECK(comes_true([&] { return monitor{c}.is_ready(); }));
    auto founder = alone("d");
    founder.founding = true;
    const auto d = start(founder);
    CHECK(monitor{d}.is_ready());
}

TEST_CASE("monitor: links, views and claims", "[ops]") {
    auto a = start(alone("a"));
    auto b = start(alone("b"), &a), c = start(alone("c"), &a);
    REQUIRE(b.stash("job", "x"));
    const auto owned = b.claim("job");
    REQUIRE(owned);
    REQUIRE(a.stash("free", "x"));
    mesh_view seen;
    CHECK(comes_true([&] {
        auto view = monitor{a}.view({.ask_within = 1s});
        if (!view) return false;
        seen = std::move(*view);
        return seen.claims.size() == 1 && seen.members.size() == 2 && seen.views.size() == 2 &&
               seen.views[0].named.size() == 1 && seen.views[1].named.size() == 1;
    }));
    REQUIRE(seen.claims.size() == 1);
    CHECK(seen.claims[0].key == "job");
    CHECK(seen.claims[0].owner == b.id());
    CHECK(seen.claims_known == 1);
    REQUIRE(seen.links.size() == 2);
    for (const auto& link : seen.links) {
        CHECK(link.hears);
        CHECK(link.is_heard);
    }
    // Each of the two has the other one in view; this node is not among those that they name.
    for (const auto& view : seen.views) CHECK(view.named[0] == (view.id == b.id() ? c.id() : b.id()));
    const auto fewer = monitor{a}.view({.claims_max = 0});
    REQUIRE(fewer);
    CHECK(fewer->claims.empty());
    CHECK(fewer->claims_known == 1);
}

TEST_CASE("monitor: a sync shows on both sides while it runs", "[ops]") {
    auto founder = alone("a");
    founder.founding = true;
    auto a = start(founder);
    constexpr std::size_t keys = 60000;
    for (std::size_t i = 0; i < keys; ++i)
        REQUIRE(a.stash("key-" + std::to_string(i), std::string(200, 'v')));
    // A session may be over between two looks: a newcomer comes as often as it takes.
    bool sent = false, received = false;
    double most = 0;
    for (int turn = 0; turn < 20 && !(sent && received && most > 0); ++turn) {
        auto b = start(alone("b"), &a);
        CHECK(comes_true([&] {
            for (const auto* who : {&a, &b}) {
                const auto view = monitor{*who}.view();
                if (!view || view->syncs.empty()) continue;
                const auto& sync = view->syncs.front();
                CHECK(sync.receives == (who == &b));
                CHECK(sync.name == (who == &b ? "a" : "b"));
                CHECK(sync.done() >= 0);
                CHECK(sync.done() <= 1);
                most = std::max(most, sync.done());
                (who == &b ? received : sent) = true;
            }
            return b.stats()->keys == keys;
        }));
        REQUIRE(b.leave({.within = 1s}));
    }
    CHECK(sent);
    CHECK(received);
    CHECK(most > 0);
}

TEST_CASE("monitor: in a forked child nothing lives", "[ops]") {
    auto founder = alone("a");
    founder.founding = true;
    const auto a = start(founder);
    const auto child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const monitor of{a};
        ::_exit(of.is_alive() || of.is_ready() || of.view() ? 1 : 0);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

TEST_CASE("stats: a histogram counts each wait in its bucket", "[ops]") {
    time_histogram all;
    all.note(100us); // the bound belongs to its bucket
    all.note(101us);
    all.note(1h);
    CHECK(all.counts[0] == 1);
    CHECK(all.counts[1] == 1);
    CHECK(all.counts.back() == 1);
    CHECK(all.sum == 1h + 201us);
}
