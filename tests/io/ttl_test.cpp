// Proves on nodes of this process over loopback what stash_options::ttl promises users: what is over is
// absent by every call that could show it, watchers are told once, and the options' bounds are kept.
#include "watching.hpp"

#include <array>

using namespace io;
using baton::change_kind;
using baton::errc;
using baton::pickup_outcome;

TEST_CASE("ttl: what is over is absent on every node, and a watch sees it go once", "[io][ttl]") {
    const mesh net;
    auto one = started(net.options("one")), other = started(net.options("other"));
    REQUIRE(meet(one, other));
    const listener heard(other, "");
    REQUIRE(heard.eventually_done());
    constexpr auto brief = 3s; // long enough to read everything even on a busy machine
    REQUIRE(one.stash("k/brief", "v", {.ttl = brief}));
    REQUIRE(one.stash("k/stays", "v"));
    REQUIRE(one.stash("k/renewed", "v", {.ttl = 1ms}));
    const std::array<std::pair<std::string_view, std::string_view>, 2> several{
        {{"k/several/1", "v"}, {"k/several/2", "v"}}};
    REQUIRE(one.stash(several, {.ttl = brief}));
    REQUIRE(one.stash_async("k/async", "v", {.ttl = brief}).get());
    REQUIRE(one.stash("k/renewed", "again"));
    REQUIRE(heard.eventually_holds({{"k/async", "v"},
                                    {"k/brief", "v"},
                                    {"k/renewed", "again"},
                                    {"k/several/1", "v"},
                                    {"k/several/2", "v"},
                                    {"k/stays", "v"}}));
    CHECK(other.pickup("k/brief")->found());

    CHECK(heard.eventually_holds({{"k/renewed", "again"}, {"k/stays", "v"}}, 2 * brief));
    CHECK(heard.last_of("k/brief").kind == change_kind::removed);
    CHECK(heard.times("k/brief") == 2);
    for (auto* const node : {&one, &other}) {
        const std::vector<std::string> left{"k/renewed", "k/stays"};
        CHECK(eventually(1s, [&] { return node->keys("k/") == left; })); // `one` applied it first, by a bit
        CHECK(node->keys() == left);
        CHECK(node->siblings("k/brief")->empty());
        CHECK_FALSE(node->drop("k/brief")->changed);
        CHECK(node->pickup("k/brief", {.within = 5s, .until = baton::pickup_until::known})->outcome ==
              pickup_outcome::absent_confirmed);
        CHECK(node->stats()->keys == 6); // until the values are removed
    }
    CHECK(eventually(15s, [&] { return one.stats()->keys == 2 && other.stats()->keys == 2; }));
    CHECK(one.stats()->expired + other.stats()->expired == 4);
    CHECK(heard.times("k/brief") == 2);
    CHECK(heard.wrong() == "");
}

TEST_CASE("ttl: what is over counts as absent for a conditional write", "[io][ttl]") {
    const mesh net;
    auto node = started(net.options("node"));
    REQUIRE(node.stash("k", "v", {.ttl = 1s}));
    CHECK(node.stash("k", "w", {.if_version = baton::version{}}).error().code == errc::conflict);
    CHECK(eventually(3s, [&] { return !node.pickup("k")->found(); }));
    CHECK(node.stash("k", "w", {.ttl = 1h, .if_version = baton::version{}}));
    CHECK(node.pickup("k")->value == "w");
    CHECK(node.pickup("k")->siblings == 0);
}

TEST_CASE("ttl: out of bounds is refused, and nothing is written", "[io][ttl]") {
    const mesh net;
    auto node = started(net.options("node"));
    for (const auto ttl :
         {0ms, -1ms, milliseconds{std::chrono::hours{24 * 36500}} + 1ms, milliseconds::max()}) {
        CHECK(node.stash("k", "v", {.ttl = ttl}).error().code == errc::bad_argument);
        CHECK(node.stash_async("k", "v", {.ttl = ttl}).get().error().code == errc::bad_argument);
    }
    CHECK(node.keys()->empty());
    REQUIRE(node.stash("k", "v", {.ttl = std::nullopt})); // none
    CHECK(node.pickup("k")->found());
}

TEST_CASE("ttl: who has nothing but what is over leaves safely", "[io][ttl]") {
    const mesh net;
    auto node = started(net.options("node"));
    REQUIRE(node.stash("k", "v", {.ttl = 50ms}));
    CHECK(eventually(2s, [&] { return node.keys()->empty(); }));
    const auto report = node.leave({.within = 2s});
    REQUIRE(report);
    CHECK(report->outcome == baton::leave_outcome::safe);
}
