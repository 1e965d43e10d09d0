// Proves who owns a key, how ownership ends, and that it ends alike on every node. World::claim, commit and
// release also tell the oracle, so each step below is compared with the oracle, too.
#include "scene.hpp"

#include <algorithm>

using namespace baton;
using namespace baton::sim;

namespace {

constexpr std::size_t key = 1;

struct claims : scene {
    explicit claims(std::size_t count, settings how = with_keys(20))
        : scene(std::move(how))
        , count_(count) {
        gather(count);
        stash(0, key, "first");
        settle();
    }
    void part(bool on = true) {
        for (slot_number a = 0; a < count_; ++a) {
            for (slot_number b = a + 1; b < count_; ++b) sever(a, b, on);
        }
        run_for(10ms);
    }
    void meet() {
        part(false);
        settle();
        run_for(600ms);
        settle();
    }
    /// The owner; nullopt if the key is free or absent.
    [[nodiscard]] std::optional<process_number> owner(process_number seen_by) {
        const auto now = mesh(seen_by).state().read(key_name(key));
        if (!now || !is_claim(now->epoch)) return std::nullopt;
        for (process_number who = 0; who < processes(); ++who) {
            if (at(who).id == now->id.replica) return who;
        }
        return std::nullopt;
    }
    [[nodiscard]] std::vector<std::string> values_at(process_number who) {
        std::vector<record_view> found;
        mesh(who).state().siblings(key_name(key), found);
        std::vector<std::string> all;
        for (const auto& each : found) all.emplace_back(each.value);
        return all;
    }
    [[nodiscard]] std::vector<event> lost(process_number who) {
        std::vector<event> all;
        for (const auto& e : at(who).events) {
            if (e.kind == event_kind::claim_lost) all.push_back(e);
        }
        return all;
    }
    [[nodiscard]] std::optional<errc> try_commit(process_number who) {
        return code_of(
            mesh(who).registers().commit(moment_at(who), key_name(key), at(who).claims[key], "late"));
    }
    [[nodiscard]] std::optional<errc> try_claim(process_number who, std::string_view name) {
        const auto got = mesh(who).registers().claim(moment_at(who), name, {});
        return got ? std::nullopt : std::optional(got.error().code);
    }
    /// A smaller id than all others: the one that would act for all.
    [[nodiscard]] process_number smallest() {
        const auto all = alive();
        return *std::min_element(all.begin(), all.end(), [&](auto a, auto b) { return at(a).id < at(b).id; });
    }

  private:
    std::size_t count_;
};

using values = std::vector<std::string>;

} // namespace

TEST_CASE("claims: a claim is read everywhere, committed and released", "[core][scenario]") {
    claims s(3);
    REQUIRE(s.claim(1, key));
    s.settle();
    for (process_number who = 0; who < 3; ++who) CHECK(s.owner(who) == 1);
    REQUIRE(s.commit(1, key, "second"));
    REQUIRE(s.commit(1, key, "third"));
    s.settle();
    CHECK(s.values_at(2) == values{"third"});
    CHECK(s.owner(2) == 1);
    REQUIRE(s.release(1, key));
    CHECK_FALSE(s.owns(1, key));
    CHECK(s.try_commit(1) == errc::claim_lost);
    s.settle();
    CHECK_FALSE(s.owner(0));
    CHECK(s.pickup(0, key) == "third");
    s.stash(0, key, "free again");
    s.settle();
    CHECK(s.values_at(1) == values{"free again"});
    CHECK(s.lost(1).empty());
    CHECK(s.mesh(1).stats().claims == 1);
    CHECK(s.mesh(1).stats().claims_lost == 0);
}

TEST_CASE("claims: after a withdrawal the next claim is above it, on a clock that is behind the slot, too",
          "[core][scenario]") {
    claims s(3);
    s.step_clock(0, 3'600'000);
    s.stash(0, key, "later");
    s.settle();
    const auto epoch_at = [&](process_number who) {
        return s.mesh(who).state().read(s.key_name(key))->epoch;
    };
    REQUIRE(s.claim(1, key));
    const auto first = epoch_at(1);
    REQUIRE(s.is_tentative(1, key));
    REQUIRE(s.release(1, key)); // no other node has seen the claim yet
    REQUIRE(epoch_at(1) < first);
    s.settle();
    const process_number next = GENERATE(1, 2);
    REQUIRE(s.claim(next, key));
    CHECK(epoch_at(next) > first);
    s.settle();
}

TEST_CASE("claims: what is no register, or not here, cannot be claimed", "[core][scenario]") {
    claims s(1);
    s.add(0, "counter", 1), s.put(0, field("map", "f"), "v"), s.put(0, flag("flag"));
    CHECK(s.try_claim(0, "counter") == errc::wrong_type);
    CHECK(s.try_claim(0, "map") == errc::wrong_type);
    CHECK(s.try_claim(0, "flag") == errc::wrong_type);
    CHECK(s.try_claim(0, "nothing") == errc::absent);
    CHECK(s.try_claim(0, "") == errc::key_empty);
    s.drop(0, key);
    CHECK(s.try_claim(0, world::key_name(key)) == errc::absent);
}

TEST_CASE("claims: a stash by somebody else is a sibling, and goes when it is shown", "[core][scenario]") {
    claims s(3);
    REQUIRE(s.claim(1, key));
    s.settle();
    s.stash(2, key, "beside");
    s.stash(2, key, "beside, again");
    s.settle();
    for (process_number who = 0; who < 3; ++who) {
        CHECK(s.values_at(who) == values{"first", "beside, again"});
        CHECK(s.owner(who) == 1);
    }
    REQUIRE(s.commit(1, key, "of the owner")); // its handle has not been shown the later value
    s.settle();
    CHECK(s.values_at(0) == values{"of the owner", "beside, again"});
    REQUIRE(s.claim(1, key)); // now it is
    REQUIRE(s.commit(1, key, "of both"));
    s.settle();
    CHECK(s.values_at(0) == values{"of both"});
    s.stash(1, key, "a stash of the owner");
    s.settle();
    CHECK(s.owner(2) == 1);
    CHECK(s.owns(1, key));
}

TEST_CASE("claims: claimed on both sides of a partition, one owner is left, and the other is told",
          "[core][scenario]") {
    // Each side commits. After the heal every node reads the later claim. The value of the earlier claim
    // becomes its sibling, its handle is lost, and its commits are refused.
    claims s(4);
    s.part();
    s.sever(0, 1, false), s.sever(2, 3, false);
    s.run_for(20ms);
    REQUIRE(s.claim(0, key));
    s.run_for(5ms);
    REQUIRE(s.claim(3, key));
    REQUIRE(s.commit(0, key, "left"));
    REQUIRE(s.commit(3, key, "right"));
    CHECK(s.owns(0, key));
    CHECK(s.owns(3, key));
    s.run_for(100ms);
    CHECK(s.owner(1) == 0);
    CHECK(s.owner(2) == 3);
    s.meet();
    for (process_number who = 0; who < 4; ++who) {
        CHECK(s.owner(who) == 3);
        CHECK(s.values_at(who) == values{"right", "left"});
    }
    CHECK(s.unowned() == "");
    CHECK_FALSE(s.owns(0, key));
    CHECK(s.try_commit(0) == errc::claim_lost);
    REQUIRE(s.lost(0).size() == 1);
    CHECK(s.lost(0)[0].key == world::key_name(key));
    CHECK(s.lost(0)[0].id == s.at(3).id);
    CHECK(s.lost(0)[0].reason == "claimed by another");
    CHECK(s.lost(3).empty());
    CHECK(s.mesh(0).stats().claims_lost == 1);
    // A stash takes away neither; a claim that has seen both, and commits, does.
    s.stash(1, key, "beside");
    s.settle();
    CHECK(s.values_at(2) == values{"right", "left", "beside"});
    REQUIRE(s.claim(2, key));
    s.settle();
    CHECK(s.lost(3).size() == 1);
    REQUIRE(s.commit(2, key, "all three"));
    s.settle();
    CHECK(s.values_at(0) == values{"all three"});
}

TEST_CASE("claims: equal epochs are told apart the same way everywhere", "[core][scenario]") {
    // Both sides claim in the same millisecond, with the same knowledge.
    claims s(2);
    s.part();
    REQUIRE(s.claim(0, key));
    REQUIRE(s.claim(1, key));
    s.meet();
    CHECK(s.owner(0) == s.owner(1));
    CHECK(s.owns(0, key) != s.owns(1, key));
    CHECK(s.unowned() == "");
}

TEST_CASE("claims: an owner that crashes is released, one that is suspect is not", "[core][scenario]") {
    claims s(3, slow_to_close(with_keys(20)));
    REQUIRE(s.claim(1, key));
    REQUIRE(s.commit(1, key, "of the owner"));
    s.settle();
    s.crash(1, false);
    REQUIRE(s.run_until([&] { return s.sees(0, 1, member_state::suspect); }, 5s));
    s.run_for(1s);
    REQUIRE(s.sees(0, 1, member_state::suspect));
    CHECK(s.owner(0) == 1);
    CHECK(s.mesh(0).registers().owned.is_tentative());
    REQUIRE(s.run_until([&] { return !s.owner(0) && !s.owner(2); }, 10s));
    CHECK(s.pickup(0, key) == "of the owner");
    s.settle();
    CHECK(s.values_at(2) == values{"of the owner"}); // released once
    s.stash(0, key, "next");
    s.settle();
    CHECK(s.values_at(2) == values{"next"});
}

TEST_CASE("claims: an owner that leaves gives up what it owns, and its successor reads it",
          "[core][scenario]") {
    claims s(2);
    REQUIRE(s.claim(0, key));
    REQUIRE(s.commit(0, key, "handed over"));
    s.leave(0);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 5s));
    CHECK(s.at(0).met != 0);
    CHECK_FALSE(s.owner(1));
    REQUIRE(s.claim(1, key));
    CHECK(s.pickup(1, key) == "handed over");
    CHECK(s.owns(1, key));
    CHECK_FALSE(s.mesh(1).registers().owned.is_tentative()); // it has left, so no member is out of reach
}

TEST_CASE("claims: an owner taken for dead loses to the release when it is back", "[core][scenario]") {
    // The others released the claim for the owner; its later commit stays readable.
    claims s(3, slow_to_close(with_keys(20)));
    REQUIRE(s.claim(1, key));
    s.settle();
    s.sever(1, 0, true), s.sever(1, 2, true);
    REQUIRE(s.run_until([&] { return !s.owner(0); }, 15s));
    REQUIRE(s.commit(1, key, "while away"));
    CHECK(s.mesh(1).registers().owned.is_tentative());
    s.meet();
    for (process_number who = 0; who < 3; ++who) CHECK(s.values_at(who) == values{"first", "while away"});
    CHECK_FALSE(s.owns(1, key));
    REQUIRE(s.lost(1).size() == 1);
    CHECK(s.lost(1)[0].reason == "released by another");
}

TEST_CASE("claims: whoever releases for another does not give up a value of its own for it",
          "[core][scenario]") {
    // The member with the smallest id has stashed a sibling of the claim, so another member writes the
    // release. If every member has done so, no member writes it until one claims the key.
    claims s(3);
    const auto acts = s.smallest();
    const process_number owner = acts == 0 ? 1 : 0, third = 3 - acts - owner;
    REQUIRE(s.claim(owner, key));
    s.settle();
    s.stash(acts, key, "beside");
    s.settle();
    s.crash(owner);
    REQUIRE(s.run_until([&] { return !s.owner(acts); }, 10s));
    s.settle();
    CHECK(s.values_at(acts) == values{"first", "beside"});
    REQUIRE(s.claim(third, key));
    s.settle();
    s.stash(acts, key, "beside, again");
    s.settle();
    s.crash(third);
    s.run_for(15s);
    CHECK(s.owner(acts) == third);
    CHECK(s.values_at(acts) == values{"first", "beside, again"});
    REQUIRE(s.claim(acts, key));
    CHECK(s.owner(acts) == acts);
}

TEST_CASE("claims: a drop ends a claim, here and elsewhere", "[core][scenario]") {
    claims s(2);
    REQUIRE(s.claim(0, key));
    s.settle();
    s.drop(1, key);
    s.settle();
    CHECK_FALSE(s.pickup(0, key));
    CHECK_FALSE(s.owns(0, key));
    REQUIRE(s.lost(0).size() == 1);
    CHECK(s.lost(0)[0].reason == "dropped");
    CHECK(s.try_commit(0) == errc::claim_lost);
    s.stash(0, key, "anew");
    REQUIRE(s.claim(0, key));
    s.drop(0, key);
    CHECK(s.try_commit(0) == errc::claim_lost);
    CHECK(s.lost(0).size() == 2);
}

TEST_CASE("claims: a lease ends a claim that is not renewed", "[core][scenario]") {
    claims s(2);
    REQUIRE(s.claim(0, key, 1s));
    for (int i = 0; i < 3; ++i) {
        s.run_for(700ms);
        REQUIRE(s.mesh(0).registers().renew(s.moment_at(0), world::key_name(key), s.at(0).claims[key]));
        s.at(0).leases[key].until = s.now() + 1s;
    }
    s.run_for(700ms);
    REQUIRE(s.commit(0, key, "renews too"));
    s.run_for(700ms);
    CHECK(s.owns(0, key));
    s.run_for(500ms);
    CHECK_FALSE(s.owns(0, key));
    REQUIRE(s.lost(0).size() == 1);
    CHECK(s.lost(0)[0].reason == "its lease is over");
    s.settle();
    CHECK_FALSE(s.owner(1));
    CHECK(s.pickup(1, key) == "renews too");
    CHECK_FALSE(s.mesh(0).registers().renew(s.moment_at(0), world::key_name(key), s.at(0).claims[key]));
}

TEST_CASE("claims: of two handles of one node the later one owns", "[core][scenario]") {
    claims s(2);
    REQUIRE(s.claim(0, key));
    const auto former = s.at(0).claims[key];
    REQUIRE(s.claim(0, key));
    CHECK_FALSE(s.mesh(0).registers().owned.owns(s.moment_at(0), world::key_name(key), former));
    CHECK_FALSE(s.mesh(0).registers().owned.release(s.moment_at(0), world::key_name(key), former));
    CHECK(s.owns(0, key));
    s.settle();
    CHECK(s.owner(1) == 0);
    CHECK(s.values_at(1) == values{"first"});
}

TEST_CASE("claims: a claim that was lost and is read again is given up by its node", "[core][scenario]") {
    // The second claim is read, and is dropped by a node that has not seen the first: the record of the first
    // is left.
    claims s(3);
    s.part();
    REQUIRE(s.claim(0, key));
    s.run_for(5ms);
    REQUIRE(s.claim(1, key));
    s.sever(1, 2, false);
    REQUIRE(s.run_until([&] { return s.owner(2) == 1; }, 5s));
    s.drop(2, key);
    s.sever(0, 1, false);
    REQUIRE(s.run_until([&] { return !s.owns(0, key) || s.owner(1) == 0; }, 5s));
    s.meet();
    REQUIRE(s.run_until([&] { return s.unowned().empty(); }, 5s));
    s.settle();
    CHECK(s.values_at(1) == values{"first"});
    CHECK(s.unowned() == "");
}

TEST_CASE("claims: a newcomer knows who owns, and releases for who was gone before it came",
          "[core][scenario]") {
    // The survivor has a value of its own in the slot. The newcomer has none and has never met the owner.
    claims s(2);
    REQUIRE(s.claim(1, key));
    s.settle();
    s.stash(0, key, "beside");
    s.settle();
    s.crash(1);
    s.run_for(8s);
    CHECK(s.owner(0) == 1);
    const auto fresh = s.join(2);
    REQUIRE(s.run_until([&] { return !s.owner(0); }, 10s));
    s.settle();
    CHECK(s.values_at(fresh) == values{"first", "beside"});
    CHECK_FALSE(s.owner(fresh));
}

TEST_CASE("claims: in a minority of the mesh a claim is tentative", "[core][scenario]") {
    auto how = slow_to_close(with_keys(20));
    how.node.mesh_size = 5;
    claims s(3, how);
    CHECK_FALSE(s.mesh(0).registers().owned.is_tentative());
    s.leave(2);
    REQUIRE(s.run_until([&] { return s.at(2).left; }, 5s));
    s.settle();
    CHECK(s.mesh(0).registers().owned.is_tentative()); // two nodes of five, though none is out of reach
    s.join(3);
    CHECK_FALSE(s.mesh(0).registers().owned.is_tentative());
    s.crash(1);
    REQUIRE(s.run_until([&] { return s.sees(0, 1, member_state::crashed); }, 10s));
    CHECK(s.mesh(0).registers().owned.is_tentative());
}

TEST_CASE("claims: the bound on siblings keeps the claim", "[core][scenario]") {
    auto how = with_keys(20);
    how.node.limits.siblings_max = 2;
    claims s(4, how);
    REQUIRE(s.claim(1, key));
    s.settle();
    s.part();
    for (const process_number who : {0, 2, 3}) s.stash(who, key, std::to_string(who));
    s.meet();
    for (process_number who = 0; who < 4; ++who) {
        CHECK(s.values_at(who).size() <= 2);
        CHECK(s.values_at(who).front() == "first");
        CHECK(s.owner(who) == 1);
    }
    std::uint64_t resolved = 0;
    for (process_number who = 0; who < 4; ++who) resolved += s.mesh(who).stats().siblings_resolved;
    CHECK(resolved >= 2);
    CHECK(s.owns(1, key));
}

TEST_CASE("claims: a claimed key is not merged before it is free, nor resolved over", "[core][scenario]") {
    auto how = with_keys(20);
    how.merged = "key-";
    claims s(3, how);
    REQUIRE(s.claim(1, key));
    s.settle();
    s.stash(2, key, "zzz beside");
    s.settle();
    s.run_for(1s);
    CHECK(s.values_at(0) == values{"first", "zzz beside"});
    std::vector<version> shown;
    std::vector<record_view> found;
    s.mesh(0).state().siblings(world::key_name(key), found);
    for (const auto& each : found) shown.push_back(version{each.id});
    CHECK_FALSE(s.resolve(0, world::key_name(key), "by hand", shown));
    REQUIRE(s.release(1, key));
    s.run_for(1s);
    s.settle();
    CHECK(s.values_at(0) == values{"zzz beside"}); // the larger one
}

TEST_CASE("claims: many claims end with a leave, and with a crash", "[core][scenario]") {
    claims s(2, with_keys(700));
    s.fill(1, 700);
    s.settle();
    for (std::size_t each = 0; each < 700; ++each) REQUIRE(s.claim(0, each));
    s.settle();
    CHECK(s.owner(1) == 0);
    s.crash(0);
    REQUIRE(s.run_until([&] { return s.mesh(1).state().claimants().empty(); }, 20s));
    for (std::size_t each = 0; each < 700; ++each) REQUIRE(s.claim(1, each));
    s.join(2);
    s.leave(1);
    REQUIRE(s.run_until([&] { return s.at(1).left; }, 10s));
    CHECK(s.mesh(2).state().claimants().empty());
}
