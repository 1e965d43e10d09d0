// Claims by real nodes in this process and by the program: handles that outlive, move, are destroyed and used
// from two threads; and what scripts read.
#include "nodes.hpp"

#include <baton/watch.hpp>

#include <atomic>
#include <mutex>
#include <thread>

using namespace baton;
using namespace io;

namespace {

struct two {
    mesh surroundings;
    node one, other;

    two()
        : one(started(surroundings.options("one")))
        , other(started(surroundings.options("other"))) {
        REQUIRE(meet(one, other));
    }
};

claim_handle claimed(node& by, std::string_view key, claim_options how = {}) {
    auto got = by.claim(key, how);
    if (!got) throw std::runtime_error(got.error().what);
    return std::move(got).value();
}

/// True if no node owns the key: a stash replaces the value.
bool is_free(node& seen_by, std::string_view key) {
    return eventually(10s, [&] {
        const auto written = seen_by.stash(key, "taken");
        return written && seen_by.siblings(key)->size() == 1;
    });
}

} // namespace

TEST_CASE("claim: the owner writes, others stand beside, and who loses is told", "[io]") {
    two nodes;
    REQUIRE(nodes.one.stash("k", "first"));
    auto mine = claimed(nodes.other, "k", {.within = 10s});
    CHECK(mine.key() == "k");
    CHECK(mine.taken_over().value == "first");
    CHECK(mine.values_found().size() == 1);
    CHECK(mine.epoch().is_owned());
    CHECK_FALSE(mine.lost());
    CHECK(eventually(10s, [&] { return !mine.tentative(); })); // the other one knows of it
    REQUIRE(mine.commit("second"));
    CHECK(eventually(10s, [&] { return value_at(nodes.one, "k") == "second"; }));
    REQUIRE(nodes.one.stash("k", "beside"));
    CHECK(value_at(nodes.one, "k") == "second");
    CHECK(nodes.one.siblings("k")->size() == 2);

    auto theirs = claimed(nodes.one, "k"); // a higher claim
    CHECK(theirs.epoch() > mine.epoch());
    const auto told = next_event(nodes.other, event_kind::claim_lost);
    REQUIRE(told);
    CHECK(told->key == "k");
    CHECK(told->id == nodes.one.id());
    CHECK(mine.lost());
    CHECK(mine.commit("late").error().code == errc::claim_lost);
    CHECK(mine.release().error().code == errc::claim_lost);
    CHECK(mine.renew().error().code == errc::claim_lost);
    CHECK(eventually(10s, [&] { return !theirs.tentative(); }));
    CHECK(theirs.release().value().number == theirs.epoch().number + 1);
    CHECK(is_free(nodes.other, "k"));
}

TEST_CASE("claim: everybody sees who owns a key, and only what is free goes to who asks for that", "[io]") {
    // One node claims. The other sees that by reading and by a watch, and is refused. The first gives up, by
    // a release and by its leave; the other sees that and gets the key.
    two nodes;
    std::mutex mutex;
    std::optional<replica_id> told_owner;
    const auto watching = nodes.other.watch("k", [&](const change& what) {
        const std::lock_guard lock(mutex);
        if (what.kind == change_kind::put) told_owner = what.owner();
    });
    REQUIRE(watching);
    const auto other_knows = [&](std::optional<replica_id> owner) {
        return eventually(10s, [&] {
            const std::lock_guard lock(mutex);
            return nodes.other.pickup("k")->found() && nodes.other.pickup("k")->owner() == owner &&
                   told_owner == owner;
        });
    };
    REQUIRE(nodes.one.stash("k", "v"));
    CHECK(other_knows(std::nullopt));
    CHECK_FALSE(nodes.other.pickup("k")->epoch);
    {
        auto mine = claimed(nodes.one, "k", {.if_free = true});
        CHECK_FALSE(mine.taken_over().epoch);
        CHECK(nodes.one.claim("k", {.if_free = true}).error().code == errc::conflict); // not even itself
        CHECK_FALSE(mine.lost());
        CHECK(other_knows(nodes.one.id()));
        CHECK(nodes.other.siblings("k")->front().epoch == mine.epoch());
        CHECK(nodes.other.claim("k", {.if_free = true}).error().code == errc::conflict);
        REQUIRE(mine.commit("w"));
        CHECK(other_knows(nodes.one.id()));
    }
    CHECK(other_knows(std::nullopt));
    auto theirs = claimed(nodes.other, "k", {.if_free = true});
    CHECK(theirs.taken_over().value == "w");
    REQUIRE(eventually(10s, [&] { return nodes.one.pickup("k")->owner() == nodes.other.id(); }));
    REQUIRE(theirs.release());
    REQUIRE(eventually(10s, [&] { return !nodes.one.pickup("k")->owner(); }));
    const auto again = claimed(nodes.one, "k", {.if_free = true});
    CHECK(other_knows(nodes.one.id()));
    REQUIRE(nodes.one.leave());
    CHECK(other_knows(std::nullopt));
    CHECK_FALSE(claimed(nodes.other, "k", {.if_free = true}).lost());
}

TEST_CASE("claim: errors are named", "[io]") {
    auto alone = started(mesh().options("alone"));
    CHECK(alone.claim("k").error().code == errc::absent);
    CHECK(alone.claim("").error().code == errc::key_empty);
    CHECK(alone.claim("k", {.lease = 0ms}).error().code == errc::bad_option);
    REQUIRE(alone.add("count", 1));
    CHECK(alone.claim("count").error().code == errc::wrong_type);
    const stopwatch start;
    CHECK(alone.claim("k", {.within = 100ms}).error().code == errc::absent);
    CHECK(start.elapsed() >= 100ms);
}

TEST_CASE("claim: it waits for the key to come", "[io]") {
    two nodes;
    std::thread writer([&] {
        std::this_thread::sleep_for(100ms); // so that the other call is waiting by then
        REQUIRE(nodes.one.stash("k", "v"));
    });
    const auto mine = claimed(nodes.other, "k", {.within = 20s});
    CHECK(mine.taken_over().value == "v");
    writer.join();
}

TEST_CASE("claim: a handle that is destroyed, moved from or replaced gives up what it held", "[io]") {
    two nodes;
    for (const auto* key : {"a", "b", "c"}) REQUIRE(nodes.one.stash(key, "v"));
    {
        const auto mine = claimed(nodes.one, "a");
        auto moved = claimed(nodes.one, "b");
        const auto to = std::move(moved); // and the moved-from handle ends nothing
        CHECK_FALSE(to.lost());
        auto replaced = claimed(nodes.one, "c");
        replaced = claimed(nodes.one, "c");
        CHECK_FALSE(replaced.lost());
        CHECK(eventually(10s, [&] {
            (void)nodes.other.stash("a", "beside");
            return nodes.other.siblings("a")->size() == 2;
        }));
    }
    for (const auto* key : {"b", "c"}) CHECK(is_free(nodes.other, key));
    CHECK(is_free(nodes.other, "a"));
}

TEST_CASE("claim: a lease ends it on time", "[io]") {
    two nodes;
    REQUIRE(nodes.one.stash("k", "v"));
    const stopwatch claiming;
    const auto mine = claimed(nodes.one, "k", {.lease = 150ms});
    CHECK(eventually(5s, [&] { return mine.lost(); }));
    CHECK(claiming.elapsed() >= 150ms);
    const auto told = next_event(nodes.one, event_kind::claim_lost);
    REQUIRE(told);
    CHECK(told->reason == "its lease is over");
}

TEST_CASE("claim: a handle survives the move of its node, and outlives it", "[io]") {
    mesh surroundings;
    auto other = started(surroundings.options("other"));
    std::optional<claim_handle> mine;
    {
        auto one = started(surroundings.options("one"));
        REQUIRE(meet(one, other));
        REQUIRE(one.stash("k", "v"));
        mine = claimed(one, "k");
        const node moved = std::move(one);
        REQUIRE(mine->commit("after the move"));
        CHECK_FALSE(mine->lost());
    }
    CHECK(mine->lost());
    CHECK(mine->tentative());
    CHECK(mine->commit("too late").error().code == errc::leaving);
    CHECK(mine->renew().error().code == errc::leaving);
    CHECK(mine->release().error().code == errc::leaving);
    mine.reset();
    CHECK(value_at(other, "k") == "after the move");
    CHECK(is_free(other, "k")); // its leave gave it up
}

TEST_CASE("claim: after a leave nothing is owned", "[io]") {
    two nodes;
    REQUIRE(nodes.one.stash("k", "v"));
    const auto mine = claimed(nodes.one, "k");
    CHECK(nodes.one.leave()->outcome == leave_outcome::safe);
    CHECK(mine.lost());
    CHECK(nodes.one.claim("k").error().code == errc::leaving);
    CHECK(is_free(nodes.other, "k"));
}

TEST_CASE("claim: one handle from several threads, while its node ends", "[io]") {
    // Commits, renewals and questions of three threads; the node is destroyed under them.
    std::optional<node> one(started(mesh().options("one")));
    REQUIRE(one->stash("k", "v"));
    auto mine = claimed(*one, "k", {.lease = 10s});
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> commits{0}, refused{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            while (!stop) {
                const auto done = mine.commit("of a thread");
                done ? ++commits : ++refused;
                (void)mine.renew();
                (void)mine.lost();
                (void)mine.tentative();
            }
        });
    }
    CHECK(eventually(10s, [&] { return commits > 100; }));
    one.reset();
    CHECK(eventually(10s, [&] { return refused > 100; }));
    stop = true;
    for (auto& each : threads) each.join();
    CHECK(mine.lost());
}

TEST_CASE("claim: two nodes that claim the same key again and again never both hold it for good", "[io]") {
    two nodes;
    REQUIRE(nodes.one.stash("k", "v"));
    REQUIRE(value_at(nodes.other, "k"));
    std::optional<claim_handle> of_one, of_other;
    const auto contend = [](node& by, std::optional<claim_handle>& held) {
        for (int i = 0; i < 200; ++i) {
            auto got = by.claim("k");
            if (!got) continue;
            held.emplace(std::move(got).value());
            (void)held->commit(by.name() + std::to_string(i));
        }
    };
    std::thread first([&] { contend(nodes.one, of_one); });
    contend(nodes.other, of_other);
    first.join();
    REQUIRE(agree(nodes.one, nodes.other));
    CHECK(of_one->lost() != of_other->lost());
    const auto& winner = of_one->lost() ? *of_other : *of_one;
    CHECK_FALSE(winner.lost());
}

TEST_CASE("claim: what scripts type and read", "[io][program]") {
    const mesh net;
    auto one = net.run("one"), other = net.run("other");
    meet(one, "one", other, "other");
    CHECK(one.ask("claim k").at("error") == "absent");
    one("stash k v1");
    const auto claim = other("claim k within=30s");
    CHECK(claim.at("key") == "k");
    CHECK(claim.at("value") == "v1");
    CHECK(claim.at("siblings") == 0);
    CHECK(claim.at("epoch").get<std::uint64_t>() % 2 == 1);
    const auto members = one("members").at("members");
    REQUIRE(members.size() == 1);
    CHECK(claim.at("owner") == members[0].at("id"));
    const auto commit = other("commit k v2 and more");
    CHECK(commit.at("epoch") == claim.at("epoch"));
    CHECK(commit.at("owner") == claim.at("owner"));
    CHECK(eventually(10s, [&] { return one("pickup k").at("value") == "v2 and more"; }));
    CHECK(one("pickup k").at("owner") == claim.at("owner"));
    CHECK(one("pickup k").at("epoch") == claim.at("epoch"));
    one("claim k");
    const auto lost = other.event("claim_lost");
    CHECK(lost.at("key") == "k");
    CHECK(lost.at("name") == "one");
    CHECK(other.ask("commit k v3").at("error") == "claim_lost");
    CHECK(other.ask("release k").at("error") == "claim_lost");
    const auto release = one("release k");
    CHECK(release.at("owner").is_null());
    CHECK(release.at("epoch").get<std::uint64_t>() % 2 == 0);
    CHECK(one("pickup k").at("owner").is_null());
    one("watch k");
    CHECK(one.change("put").at("epoch") == release.at("epoch"));
    one("stash free v");
    CHECK_FALSE(one("pickup free").contains("owner"));
    CHECK(one.ask("release k").at("error") == "claim_lost");
    CHECK(one.ask("claim k lease=soon").at("error") == "usage");
    CHECK(one.ask("claim k nothing=1").at("error") == "usage");
    CHECK(one.ask("commit k").at("error") == "usage");
}
