#include "scene.hpp"

#include <algorithm>

using namespace baton;
using namespace baton::sim;

namespace {

world::settings merging(std::string prefix = "key-") {
    auto how = with_keys(20);
    how.merged = std::move(prefix);
    return how;
}

/// Two sides that write without hearing of each other.
struct sides : scene {
    explicit sides(std::size_t count, settings how = merging())
        : scene(std::move(how))
        , count_(count) {
        gather(count);
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
        run_for(600ms); // the merges are done
        settle();
    }
    [[nodiscard]] std::vector<version> versions(process_number who, std::string_view key) {
        std::vector<record_view> found;
        mesh(who).state().siblings(key, found);
        std::vector<version> all;
        for (const auto& each : found) all.push_back(version{each.id});
        return all;
    }
    [[nodiscard]] std::optional<errc> try_resolve(process_number who, std::string_view key,
                                                  std::vector<version> shown) {
        return code_of(write(who, [&](core::mesh& m, const moment& at) {
            return m.registers().resolve(at, key, "resolved", shown);
        }));
    }

  private:
    std::size_t count_;
};

} // namespace

TEST_CASE("merge: what was written on both sides becomes one value", "[core][scenario]") {
    // Every node has the merge function. One of them writes, or two that come up at different moments; and no
    // node writes if there is nothing to merge.
    sides s(3);
    s.stash(0, 2, "alone");
    s.part();
    for (process_number who = 0; who < 3; ++who) s.stash(who, 1, std::to_string(who));
    for (process_number who = 0; who < 3; ++who) s.stash(who, 3, "the same");
    s.meet();
    for (process_number who = 0; who < 3; ++who) {
        CHECK(s.pickup(who, 1) == "2");
        CHECK(s.values(who, 1) == 1);
        CHECK(s.pickup(who, 2) == "alone");
        CHECK(s.values(who, 3) == 3); // no value to merge
    }
    std::uint64_t writes = 0;
    for (process_number who = 0; who < 3; ++who) writes += s.mesh(who).stats().stashes;
    CHECK(writes >= 1 + 3 + 3 + 1);
    CHECK(writes <= 1 + 3 + 3 + 2);
}

TEST_CASE("merge: both sides of a partition merge, and the two results become one", "[core][scenario]") {
    // Each side of a partition sees two of four values and merges them. After the heal one value is left, and
    // it does not change any more.
    sides s(4);
    s.part();
    for (process_number who = 0; who < 4; ++who) s.stash(who, 1, std::to_string(who));
    s.sever(0, 1, false), s.sever(2, 3, false);
    s.run_for(3s);
    CHECK(s.pickup(0, 1) == "1");
    CHECK(s.values(0, 1) == 1);
    CHECK(s.pickup(3, 1) == "3");
    s.meet();
    CHECK(s.pickup(0, 1) == "3");
    CHECK(s.values(0, 1) == 1);
    const auto cut = s.at(0).cut;
    s.run_for(5s);
    CHECK(s.at(0).cut == cut);
}

TEST_CASE("merge: more keys than are kept waiting are merged, and whoever does not merge rests",
          "[core][scenario]") {
    auto how = merging();
    how.keys = 600;
    sides s(3, how);
    s.part();
    for (process_number who = 0; who < 3; ++who) {
        for (std::size_t key = 0; key < 600; ++key) s.stash(who, key, std::to_string(who));
    }
    s.meet();
    s.run_for(5s);
    s.settle();
    for (process_number who = 0; who < 3; ++who) {
        for (std::size_t key = 0; key < 600; ++key)
            CHECK(s.versions(who, "key-" + std::to_string(key)).size() == 1);
    }
}

TEST_CASE("merge: siblings that need no merging take no room from those that do", "[core][scenario]") {
    auto how = merging();
    how.keys = 900;
    sides s(2, how);
    s.part();
    for (process_number who = 0; who < 2; ++who) {
        for (std::size_t key = 0; key < 900; ++key)
            s.stash(who, key, key % 3 == 0 ? std::to_string(who) : "the same");
    }
    s.meet();
    s.run_for(5s);
    for (std::size_t key = 0; key < 900; ++key)
        CHECK(s.versions(0, world::key_name(key)).size() == (key % 3 == 0 ? 1 : 2));
}

TEST_CASE("merge: equal siblings of which one changes are merged then", "[core][scenario]") {
    // One node sees two equal values, which need no merge, and then a different value in place of one of
    // them: the number of values stays the same. Each of the three nodes takes that part once, so once it is
    // the one that merges.
    for (process_number sees = 0; sees < 3; ++sees) {
        const process_number one = (sees + 1) % 3, other = (sees + 2) % 3;
        sides s(3);
        s.sever(one, other, true);
        s.stash(one, 1, "the same");
        s.stash(other, 1, "the same");
        s.run_for(2ms);
        s.stash(one, 1, "another");
        s.run_for(2ms);
        s.sever(one, other, false);
        s.meet();
        for (process_number who = 0; who < 3; ++who) CHECK(s.versions(who, "key-1").size() == 1);
    }
}

TEST_CASE("merge: siblings that were there before the function are merged too", "[core][scenario]") {
    sides s(2, with_keys(20));
    s.part();
    s.stash(0, 1, "a"), s.stash(1, 1, "b");
    s.meet();
    CHECK(s.values(0, 1) == 2);
    CHECK_FALSE(s.mesh(0).registers().next_merge());
    for (const process_number who : {0, 1}) s.mesh(who).registers().contested.merge_under("key-1");
    s.run_for(1s);
    const process_number acts = s.at(0).id < s.at(1).id ? 0 : 1;
    CHECK_FALSE(s.mesh(1 - acts).registers().next_merge());
    const auto task = s.mesh(acts).registers().next_merge();
    REQUIRE(task);
    CHECK(task->key == world::key_name(1));
    CHECK(task->values == std::vector<std::string>{"b", "a"}); // the one that is read first
    s.mesh(acts).registers().contested.give_up_merge(task->key);
    CHECK_FALSE(s.mesh(acts).registers().next_merge());
}

TEST_CASE("merge: siblings under a claim are merged when only the claim goes", "[core][scenario]") {
    // A claimed key is not merged. Then a node that has seen only the claim removes it. The node that merges
    // learns of that by repair, after the removal record is gone.
    sides s(5, with_keys(20));
    std::vector<process_number> all{0, 1, 2, 3, 4};
    std::sort(all.begin(), all.end(), [&](auto a, auto b) { return s.at(a).id < s.at(b).id; });
    const auto merges = all[0], owner = all[1], remover = all[2], b = all[3], c = all[4];
    const auto connect = [&](const std::vector<process_number>& group, bool on = true) {
        for (std::size_t x = 0; x < group.size(); ++x) {
            for (std::size_t y = 0; y < x; ++y) s.sever(s.at(group[x]).slot, s.at(group[y]).slot, !on);
        }
    };
    s.mesh(merges).registers().contested.merge_under("key-1");
    s.stash(owner, 1, "a");
    REQUIRE(s.claim(owner, 1));
    s.settle();
    connect(all, false);
    s.stash(b, 1, "b"), s.stash(c, 1, "c");
    connect({merges, owner, b, c});
    REQUIRE(s.run_until([&] { return s.versions(merges, "key-1").size() == 3; }, 10s));
    CHECK_FALSE(s.mesh(merges).registers().next_merge());

    connect({merges, owner, b, c}, false);
    REQUIRE(s.drop(remover, 1));
    connect({merges, owner}), connect({remover, b, c});
    s.run_for(20s); // the others are called crashed, and hold back nothing
    REQUIRE(s.versions(b, "key-1").size() == 2);
    REQUIRE(s.removals(b) == 0);
    for (const auto x : {merges, owner}) {
        for (const auto y : {remover, b, c}) s.sever(s.at(x).slot, s.at(y).slot, false);
    }
    s.settle(20s);
    REQUIRE(s.versions(merges, "key-1").size() == 2);
    CHECK(s.mesh(merges).registers().next_merge());
}

TEST_CASE("merge: resolving by hand takes what was shown and nothing else", "[core][scenario]") {
    // A value that arrived meanwhile stays. If a value went, or this node wrote one itself, the node reads
    // the siblings again.
    sides s(3, with_keys(20));
    s.part();
    for (process_number who = 0; who < 3; ++who) s.put(who, "k", std::to_string(who));
    s.sever(0, 1, false);
    REQUIRE(s.run_until([&] { return s.versions(0, "k").size() == 2; }, 5s));
    const auto shown = s.versions(0, "k");
    s.sever(0, 2, false), s.sever(1, 2, false);
    s.settle();
    REQUIRE(s.versions(0, "k").size() == 3);
    CHECK_FALSE(s.try_resolve(0, "k", shown));
    s.settle();
    CHECK(s.get(2, "k") == "resolved");
    CHECK(s.versions(2, "k").size() == 2);
    CHECK(s.try_resolve(1, "k", shown) == errc::conflict); // gone
    const auto now = s.versions(2, "k");
    s.put(2, "k", "written since");
    CHECK(s.try_resolve(2, "k", now) == errc::conflict);
    CHECK(s.try_resolve(2, "k", {}) == errc::conflict); // its own value is not among those shown
    CHECK_FALSE(s.try_resolve(2, "k", s.versions(2, "k")));
    CHECK(s.try_resolve(2, "", {}) == errc::key_empty);
    CHECK_FALSE(s.try_resolve(0, "new", {}));
}

TEST_CASE("merge: keys on which all say the same do not keep others from being merged", "[core][scenario]") {
    // Many more of them than are remembered at a time, and some between them that are to be merged.
    constexpr std::size_t same = 800, different = 40;
    auto how = merging();
    how.keys = same + different;
    sides s(2, how);
    s.part();
    for (const process_number who : {0, 1}) {
        for (std::size_t key = 0; key < same + different; ++key)
            s.stash(who, key, key % (same / different + 1) == 0 ? std::to_string(who) : "the same");
    }
    s.meet();
    s.run_for(3s);
    std::size_t left = 0;
    for (std::size_t key = 0; key < same + different; key += same / different + 1)
        left += s.values(0, key) != 1;
    CHECK(left == 0);
    CHECK(s.values(0, 1) == 2);
}
