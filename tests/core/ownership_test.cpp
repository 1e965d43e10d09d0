// Proves ownership under backlogs, suspensions, ties, wrong clocks, and owners that are gone. After an owner
// is gone, the value that is read is its last write that a living node holds. Two owners of one key are never
// both certain of it.
#include "scene.hpp"

#include <algorithm>

using namespace baton;
using namespace baton::sim;

namespace {

constexpr std::size_t key = 1;

struct owners : scene {
    explicit owners(std::size_t count, settings how = with_keys(20))
        : scene(std::move(how)) {
        gather(count);
        stash(0, key, "first");
        settle();
    }
    [[nodiscard]] bool is_claimed(process_number seen_by) {
        const auto now = mesh(seen_by).state().read(key_name(key));
        return now && is_claim(now->epoch);
    }
    /// The one that acts for all.
    [[nodiscard]] process_number smallest() {
        const auto all = alive();
        return *std::min_element(all.begin(), all.end(), [&](auto a, auto b) { return at(a).id < at(b).id; });
    }
    [[nodiscard]] bool sure(process_number who) { return owns(who, key) && !is_tentative(who, key); }
};

world::settings seeded(world::settings how, std::uint64_t seed) {
    how.seed = seed;
    return how;
}

world::settings with_rule(mutation broken, world::settings how) {
    how.node.broken = broken;
    return how;
}

/// Under a name that the oracle does not follow.
std::optional<core::claim_grant> claimed(scene& s, process_number who, std::string_view name,
                                         std::optional<mesh_clock::duration> lease = {}) {
    auto got =
        s.write(who, [&](core::mesh& m, const moment& at) { return m.registers().claim(at, name, {lease}); });
    return got ? std::optional(*got) : std::nullopt;
}

} // namespace

// ---------------------------------------------------------------- tentative

TEST_CASE("ownership: a claim is tentative until every member in view has shown that it knows it",
          "[core][scenario]") {
    owners s(3);
    REQUIRE(s.claim(0, key));
    CHECK(s.is_tentative(0, key));
    CHECK(s.run_until([&] { return !s.is_tentative(0, key); }, 200ms)); // it asks the members
    REQUIRE(s.commit(0, key, "second"));
    CHECK_FALSE(s.is_tentative(0, key)); // for the claim, not for each write
    const auto late = s.start(3);
    REQUIRE(s.run_until([&] { return s.sees(0, late, member_state::up); }, 5s));
    CHECK(s.is_tentative(0, key)); // it may have owned the key on its side
    CHECK(s.run_until([&] { return !s.is_tentative(0, key); }, 1s));
}

TEST_CASE("ownership: two that claim at once are not both sure of it", "[core][scenario]") {
    owners s(2);
    REQUIRE(s.claim(0, key));
    REQUIRE(s.claim(1, key));
    CHECK(s.owns(0, key));
    CHECK(s.owns(1, key));
    CHECK_FALSE(s.run_until([&] { return s.sure(0) && s.sure(1); }, 1s));
    CHECK(s.sure(0) != s.sure(1));
}

TEST_CASE("ownership: of two owners at least one is tentative while a backlog is worked off after a heal",
          "[core][scenario]") {
    scene s(with_keys(20));
    s.gather(2);
    s.put(0, "k", "v");
    s.settle();
    s.sever(0, 1, true);
    s.run_for(20s);
    const auto a = claimed(s, 0, "k"), b = claimed(s, 1, "k");
    REQUIRE(a);
    REQUIRE(b);
    for (int i = 0; i < 3000; ++i) s.put(0, "more " + std::to_string(i), "v");
    s.faults().slices = 1000; // every slice of work apart
    s.sever(0, 1, false);
    const auto sure = [&](process_number who, const core::claim_grant& by) {
        return s.mesh(who).registers().owned.owns(s.moment_at(who), "k", by.number) &&
               !s.mesh(who).registers().owned.is_tentative("k", by.number);
    };
    const auto owns = [&](process_number who, const core::claim_grant& by) {
        return s.mesh(who).registers().owned.owns(s.moment_at(who), "k", by.number);
    };
    CHECK_FALSE(s.run_until([&] { return sure(0, *a) && sure(1, *b); }, 10s));
    CHECK(owns(0, *a) != owns(1, *b));
    CHECK(s.run_until([&] { return sure(0, *a) || sure(1, *b); }, 2s));
}

// ---------------------------------------------------------------- leases

TEST_CASE("ownership: after a suspension a lease that is over is not used", "[core][scenario]") {
    // The program continues before a timer has run, and another node has taken over the key.
    scene s;
    s.gather(2);
    s.put(0, "k", "v");
    s.settle();
    const auto mine = claimed(s, 0, "k", 1s);
    REQUIRE(mine);
    s.settle();
    s.freeze(0, true);
    s.run_for(60s);
    REQUIRE(claimed(s, 1, "k", 10s));
    auto& m = s.mesh(0);
    const auto now = s.moment_at(0);
    switch (GENERATE(0, 1, 2, 3)) {
    case 0:
        CHECK(m.registers().renew(now, "k", mine->number).error().code == errc::claim_lost);
        break;
    case 1:
        CHECK(m.registers().commit(now, "k", mine->number, "late").error().code == errc::claim_lost);
        break;
    case 2:
        CHECK_FALSE(m.registers().owned.owns(now, "k", mine->number));
        break;
    default:
        CHECK(m.registers().owned.release(now, "k", mine->number).error().code == errc::claim_lost);
    }
    s.freeze(0, false);
    s.run_until([&] { return s.settled(); }, 20s);
    CHECK(s.get(0, "k") == "v");
    const auto read = s.mesh(0).state().read("k");
    CHECK(read->id.replica == s.at(1).id);
    CHECK(is_claim(read->epoch));
}

TEST_CASE("ownership: a claim that is to be free finds an own lease over", "[core][scenario]") {
    scene s;
    s.gather(1);
    s.put(0, "k", "v");
    REQUIRE(claimed(s, 0, "k", 1s));
    CHECK(s.mesh(0).registers().claim(s.moment_at(0), "k", {.if_free = true}).error().code == errc::conflict);
    s.freeze(0, true);
    s.run_for(2s);
    CHECK(s.mesh(0).registers().claim(s.moment_at(0), "k", {.if_free = true}));
    s.freeze(0, false);
}

TEST_CASE("ownership: a claim may name the epoch that it is to find", "[core][scenario]") {
    scene s;
    s.gather(1);
    s.put(0, "k", "v");
    const auto claim_at = [&](std::uint64_t epoch) {
        return s.mesh(0).registers().claim(s.moment_at(0), "k", {.if_epoch = epoch});
    };
    CHECK(claim_at(1).error().code == errc::conflict); // it was never claimed
    const auto first = claimed(s, 0, "k");
    REQUIRE(first);
    const auto again = claim_at(first->epoch); // over itself
    REQUIRE(again);
    REQUIRE(s.mesh(0).registers().owned.release(s.moment_at(0), "k", again->number));
    CHECK(claim_at(first->epoch).error().code == errc::conflict); // claimed and released since
    CHECK(claim_at(again->epoch + 2).error().code == errc::conflict);
    CHECK(claim_at(again->epoch)); // its release
}

// ---------------------------------------------------------------- which history wins

TEST_CASE("ownership: a stale claim does not beat a tenure that it has not seen", "[core][scenario]") {
    // Clocks do not matter: the node that claims late is an hour ahead.
    owners s(3, slow_to_close(with_keys(20)));
    const auto ahead = GENERATE(0, 3'600'000);
    s.step_clock(2, ahead);
    s.sever(2, 0, true), s.sever(2, 1, true);
    s.run_for(5ms);
    REQUIRE(s.claim(0, key));
    REQUIRE(s.commit(0, key, "ten moves"));
    REQUIRE(s.release(0, key));
    s.run_for(50ms);
    REQUIRE(s.claim(2, key)); // as it was before all that
    CHECK(s.is_tentative(2, key));
    s.sever(2, 0, false), s.sever(2, 1, false);
    s.settle(), s.run_for(1s), s.settle();
    for (process_number who = 0; who < 3; ++who) CHECK(s.pickup(who, key) == "ten moves");
    CHECK_FALSE(s.owns(2, key));
}

TEST_CASE("ownership: a second tenure is not lost to a clock that is an hour ahead", "[core][scenario]") {
    owners s(3, slow_to_close(with_keys(20)));
    s.step_clock(0, -3'600'000), s.step_clock(2, 3'600'000);
    s.sever(2, 0, true), s.sever(2, 1, true);
    s.run_for(5ms);
    REQUIRE(s.claim(1, key));
    REQUIRE(s.commit(1, key, "one"));
    REQUIRE(s.release(1, key));
    s.run_for(50ms);
    REQUIRE(s.claim(0, key)); // its clock is behind what it takes over
    REQUIRE(s.commit(0, key, "two"));
    REQUIRE(s.claim(2, key));
    s.sever(2, 0, false), s.sever(2, 1, false);
    s.settle(), s.run_for(1s), s.settle();
    CHECK(s.owns(0, key));
    CHECK_FALSE(s.owns(2, key));
    CHECK(s.pickup(2, key) == "two");
}

TEST_CASE("ownership: a claim given up at once takes nothing from one made at the same time",
          "[core][scenario]") {
    const auto taken = [](mutation broken) {
        std::size_t count = 0;
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            for (const bool wins : {false, true}) {
                auto how = with_rule(broken, seeded(with_keys(20), seed));
                how.check = broken == mutation::none; // otherwise the loss is reported at once
                owners s(2, how);
                REQUIRE(s.claim(0, key));
                REQUIRE(s.claim(1, key)); // in the same millisecond: the ids decide
                const process_number first = s.at(0).id < s.at(1).id ? 1 : 0,
                                     quits = wins ? first : 1 - first;
                REQUIRE(s.release(quits, key));
                s.settle(), s.run_for(1s), s.settle();
                count += !wins && !s.owns(1 - quits, key);
                // The other node may have lost to the claim before it heard that the claim has ended: then
                // the key is free.
                CHECK(s.is_claimed(quits) == s.owns(1 - quits, key));
            }
        }
        return count;
    };
    CHECK(taken(mutation::none) == 0);
    CHECK(taken(mutation::withdraw_above) == 20);
}

TEST_CASE("ownership: a claim that was held ends above its epoch, one that nobody may know of below",
          "[core][scenario]") {
    owners s(2);
    const auto epoch = [&] { return s.mesh(0).state().read(world::key_name(key))->epoch; };
    REQUIRE(s.claim(0, key));
    const auto first = epoch();
    REQUIRE(s.release(0, key));
    CHECK(epoch() == first - 1);
    REQUIRE(s.claim(0, key));
    const auto second = epoch();
    CHECK(second > first); // above the epoch that it takes over
    REQUIRE(s.run_until([&] { return s.sure(0); }, 1s));
    REQUIRE(s.release(0, key));
    CHECK(epoch() == second + 1);
    REQUIRE(s.claim(0, key));
    const auto third = epoch();
    REQUIRE(s.commit(0, key, "used"));
    REQUIRE(s.release(0, key));
    CHECK(epoch() == third + 1);
}

// ---------------------------------------------------------------- owners that are gone

TEST_CASE("ownership: a member that could not hear an owner's last words does not release over them",
          "[core][scenario]") {
    // The owner leaves safely while the one that would write releases cannot reach it.
    int runs = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        owners s(4, seeded(slow_to_close(with_keys(20)), seed));
        const auto acts = s.smallest();
        const process_number owner = acts == 0 ? 1 : 0;
        REQUIRE(s.claim(owner, key));
        s.settle();
        s.run_for(duration(std::chrono::milliseconds(seed * 7)));
        s.sever(s.at(owner).slot, s.at(acts).slot, true);
        s.run_for(20ms);
        if (!s.run_until([&] { return s.sees(acts, owner, member_state::suspect); }, 6s)) continue;
        REQUIRE(s.commit(owner, key, "second"));
        s.leave(owner);
        if (!s.run_until([&] { return s.at(owner).left; }, 8s)) continue;
        ++runs;
        s.run_for(3s);
        s.settle();
        INFO("seed " << seed);
        for (const auto who : s.alive()) {
            CHECK(s.pickup(who, key) == "second");
            CHECK_FALSE(s.is_claimed(who));
        }
    }
    CHECK(runs >= 15);
}

TEST_CASE("ownership: what another member holds of an owner that crashed is asked for before the release",
          "[core][scenario]") {
    const auto older_is_read = [](mutation broken) {
        std::size_t count = 0;
        for (std::uint64_t seed = 1; seed <= 20; ++seed) {
            owners s(3, with_rule(broken, seeded(with_keys(20), seed)));
            const auto acts = s.smallest();
            const process_number owner = acts == 0 ? 1 : 0, holder = 3 - acts - owner;
            REQUIRE(s.claim(owner, key));
            s.settle();
            s.run_for(duration(std::chrono::milliseconds(seed * 7)));
            s.sever(s.at(owner).slot, s.at(acts).slot, true);
            s.sever(s.at(holder).slot, s.at(acts).slot, true);
            REQUIRE(s.commit(owner, key, "second"));
            REQUIRE(s.run_until([&] { return s.pickup(holder, key) == "second"; }, 1s));
            s.crash(owner);
            s.run_for(900ms);
            s.sever(s.at(holder).slot, s.at(acts).slot, false);
            INFO("seed " << seed);
            CHECK(s.run_until([&] { return !s.is_claimed(acts) && !s.is_claimed(holder); }, 8s));
            s.settle();
            CHECK(s.pickup(acts, key) == s.pickup(holder, key));
            count += s.pickup(acts, key) != "second";
        }
        return count;
    };
    CHECK(older_is_read(mutation::none) == 0);
    CHECK(older_is_read(mutation::release_unasked) != 0);
}

TEST_CASE("ownership: nothing is released for an owner whom another member sees", "[core][scenario]") {
    // The one that would release was cut off from both for so long that it calls them crashed; it finds only
    // the other one again.
    owners s(3, slow_to_close(with_keys(20)));
    const auto acts = s.smallest();
    const process_number owner = acts == 0 ? 1 : 0, other = 3 - acts - owner;
    REQUIRE(s.claim(owner, key));
    REQUIRE(s.commit(owner, key, "second"));
    s.settle();
    s.sever(s.at(acts).slot, s.at(owner).slot, true);
    s.sever(s.at(acts).slot, s.at(other).slot, true);
    REQUIRE(s.run_until([&] { return s.sees(acts, owner, member_state::crashed); }, 20s));
    s.sever(s.at(acts).slot, s.at(other).slot, false);
    REQUIRE(s.run_until([&] { return s.sees(acts, other, member_state::up); }, 20s));
    s.run_for(10s);
    CHECK(s.is_claimed(other));
    CHECK(s.owns(owner, key));
    s.sever(s.at(acts).slot, s.at(owner).slot, false);
    REQUIRE(s.run_until([&] { return s.settled(); }, 30s));
    CHECK(s.owns(owner, key));
}

TEST_CASE("ownership: where all have claimed at once and the owner crashes, the key is freed with its value",
          "[core][scenario]") {
    // The others' records are copies of what all three took over.
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        owners s(3, seeded(with_keys(20), seed));
        for (process_number who = 0; who < 3; ++who) REQUIRE(s.claim(who, key));
        s.settle();
        s.run_for(1s);
        std::optional<process_number> owner;
        for (process_number who = 0; who < 3; ++who) {
            if (s.owns(who, key)) owner = who;
        }
        REQUIRE(owner);
        REQUIRE(s.commit(*owner, key, "played"));
        s.settle();
        s.crash(*owner);
        const process_number other = *owner == 0 ? 1 : 0;
        INFO("seed " << seed);
        CHECK(s.run_until([&] { return !s.is_claimed(other); }, 10s));
        s.settle();
        CHECK(s.pickup(other, key) == "played");
        REQUIRE(s.claim(other, key));
        CHECK(s.pickup(other, key) == "played");
    }
}

TEST_CASE("ownership: what a loser committed is not given up for a release; who asks for a free key gets it",
          "[core][scenario]") {
    owners s(2);
    s.sever(0, 1, true);
    s.run_for(10ms);
    REQUIRE(s.claim(0, key));
    REQUIRE(s.claim(1, key));
    REQUIRE(s.commit(0, key, "left"));
    REQUIRE(s.commit(1, key, "right"));
    s.sever(0, 1, false);
    s.settle(), s.run_for(600ms), s.settle();
    const process_number owner = s.owns(0, key) ? 0 : 1, loser = 1 - owner;
    s.crash(owner);
    s.run_for(15s);
    CHECK(s.is_claimed(loser)); // no other node is there to release it
    CHECK(s.values(loser, key) == 2);
    auto& m = s.mesh(loser);
    const auto got = m.registers().claim(s.moment_at(loser), world::key_name(key), {.if_free = true});
    REQUIRE(got);
    CHECK(got->shown.size() == 2);
    CHECK(got->shown.front().value == (owner == 0 ? "left" : "right"));
}

TEST_CASE("ownership: releases for an owner that crashed are not held up by their number, nor by own claims",
          "[core][scenario]") {
    auto how = with_keys(20);
    how.check = false;
    scene s(how);
    s.gather(3);
    process_number acts = 0;
    for (process_number who = 1; who < 3; ++who) {
        if (s.at(who).id < s.at(acts).id) acts = who;
    }
    const process_number owner = acts == 0 ? 1 : 0;
    const std::size_t theirs = 3000, own = 3000;
    for (std::size_t i = 0; i < theirs; ++i) s.put(owner, "theirs " + std::to_string(i), "v");
    for (std::size_t i = 0; i < own; ++i) s.put(acts, "own " + std::to_string(i), "v");
    for (std::size_t i = 0; i < theirs; ++i) REQUIRE(claimed(s, owner, "theirs " + std::to_string(i)));
    for (std::size_t i = 0; i < own; ++i) REQUIRE(claimed(s, acts, "own " + std::to_string(i)));
    s.settle(30s);
    s.crash(owner);
    REQUIRE(s.run_until([&] { return s.sees(acts, owner, member_state::crashed); }, 10s));
    const auto left = [&] {
        for (const auto& [id, claims] : s.mesh(acts).state().claimants()) {
            if (id == s.at(owner).id) return claims;
        }
        return std::size_t{0};
    };
    CHECK(s.run_until([&] { return left() == 0; }, 1s));
    CHECK(s.mesh(acts).state().claimants().size() == 1);
}
