#include "scene.hpp"

#include <algorithm>

using namespace baton;
using namespace baton::sim;

namespace {

/// Nodes that can be separated, so that their writes are concurrent.
struct apart : scene {
    explicit apart(std::size_t count, settings how = {})
        : scene(std::move(how)) {
        gather(count);
        for (slot_number a = 0; a < count; ++a) {
            for (slot_number b = a + 1; b < count; ++b) cuts.emplace_back(a, b);
        }
    }
    void part(bool on = true) {
        for (const auto& [a, b] : cuts) sever(a, b, on);
        run_for(10ms);
    }
    void meet() {
        part(false);
        settle();
    }
    /// The one that acts for all.
    [[nodiscard]] process_number smallest() {
        const auto all = alive();
        return *std::min_element(all.begin(), all.end(), [&](auto a, auto b) { return at(a).id < at(b).id; });
    }
    [[nodiscard]] std::vector<event> conflicts(process_number who) {
        std::vector<event> all;
        for (const auto& e : at(who).events) {
            if (e.kind == event_kind::conflict) all.push_back(e);
        }
        return all;
    }
    std::vector<std::pair<slot_number, slot_number>> cuts;
};

world::settings siblings_max(std::size_t most) {
    auto how = with_keys(20);
    how.node.limits.siblings_max = most;
    return how;
}

} // namespace

TEST_CASE("siblings: a conflict is told where it comes from others, by name", "[core][scenario]") {
    // Written on both sides of a partition; then by a session to a newcomer. A write that has seen both
    // raises nothing.
    apart s(2);
    s.stash(0, 1, "before");
    s.settle();
    s.part();
    s.stash(0, 1, "left"), s.stash(1, 1, "right");
    s.meet();
    for (const process_number who : {0, 1}) {
        const auto told = s.conflicts(who);
        REQUIRE(told.size() == 1);
        CHECK(told[0].key == world::key_name(1));
        CHECK(told[0].id == s.at(1 - who).id);
        CHECK(told[0].count == 2);
        CHECK(told[0].reason == "2 siblings");
        CHECK(s.mesh(who).stats().conflicts == 1);
    }
    const auto fresh = s.join(2);
    s.run_for(500ms);
    REQUIRE(s.conflicts(fresh).size() == 1);
    CHECK(s.conflicts(fresh)[0].key == world::key_name(1));
    s.stash(0, 1, "seen both");
    s.settle();
    s.stash(1, 1, "and this");
    s.settle();
    for (const process_number who : {0, 1, 2}) CHECK(s.conflicts(who).size() == 1);
}

TEST_CASE("siblings: a field is a value of its own", "[core][scenario]") {
    apart s(2);
    s.part();
    s.put(0, field("m", "same"), "left"), s.put(1, field("m", "same"), "right");
    s.put(0, field("m", "other"), "alone");
    s.put(0, element("s", "e")), s.put(1, element("s", "e")); // a set has no conflicts
    s.meet();
    REQUIRE(s.conflicts(0).size() == 1);
    CHECK(s.conflicts(0)[0].key == "m");
    CHECK(s.conflicts(0)[0].reason == "2 siblings of field \"same\"");
}

TEST_CASE("siblings: many conflicts are told in a bounded number of events", "[core][scenario]") {
    // 600 conflicts at once, some keys twice: 256 are reported by name, and one event gives the number of the
    // others.
    apart s(2, with_keys(600));
    s.part();
    for (std::size_t key = 0; key < 600; ++key) s.stash(0, key, "left"), s.stash(1, key, "right");
    s.meet();
    s.run_for(3s);
    const auto told = s.conflicts(0);
    REQUIRE(told.size() == 257);
    CHECK(std::count_if(told.begin(), told.end(), [](const event& e) { return e.key.empty(); }) == 1);
    CHECK(told.back().count == 344);
    CHECK(s.mesh(0).stats().conflicts == 600);
}

TEST_CASE("siblings: a key written again and again on both sides is told once a second", "[core][scenario]") {
    apart s(2);
    for (int round = 0; round < 20; ++round) {
        s.stash(0, 1, "left" + std::to_string(round)), s.stash(1, 1, "right" + std::to_string(round));
        s.run_for(100ms);
    }
    s.settle();
    CHECK(s.mesh(0).stats().conflicts > 10);
    CHECK(s.conflicts(0).size() <= 3);
}

TEST_CASE("siblings: over the bound one member keeps the value that is read", "[core][scenario]") {
    // Of five concurrent values, the one that every node reads is left, and only one node writes.
    apart s(5, siblings_max(4));
    s.part();
    for (process_number who = 0; who < 5; ++who) {
        s.run_for(2ms);
        s.stash(who, 1, std::to_string(who)), s.stash(who, 2, std::to_string(who));
    }
    for (process_number who = 0; who < 4; ++who) s.stash(who, 3, std::to_string(who));
    s.meet();
    std::uint64_t resolved = 0;
    for (process_number who = 0; who < 5; ++who) {
        CHECK(s.pickup(who, 1) == "4");
        CHECK(s.values(who, 1) == 1);
        CHECK(s.values(who, 2) == 1);
        CHECK(s.values(who, 3) == 4); // at the bound
        resolved += s.mesh(who).stats().siblings_resolved;
    }
    CHECK(resolved == 8);
    CHECK(s.mesh(s.smallest()).stats().siblings_resolved == 8);
}

TEST_CASE("siblings: the winner may be the own value of the one that acts", "[core][scenario]") {
    apart s(3, siblings_max(2));
    s.part();
    const auto acts = s.smallest();
    for (process_number who = 0; who < 3; ++who) {
        if (who != acts) s.stash(who, 1, "other"), s.put(who, field("m", "f"), "other");
    }
    s.run_for(5ms);
    s.stash(acts, 1, "own"), s.put(acts, field("m", "f"), "own");
    s.meet();
    for (process_number who = 0; who < 3; ++who) {
        CHECK(s.pickup(who, 1) == "own");
        CHECK(s.values(who, 1) == 1);
        CHECK(s.get(who, field("m", "f")) == "own");
    }
}

TEST_CASE("siblings: one that leaves does not act for all", "[core][scenario]") {
    // The smallest announces its leaving while it is apart; the next one sees to it.
    apart s(4, siblings_max(2));
    const auto first = s.smallest();
    s.part();
    for (process_number who = 0; who < 4; ++who) {
        if (who != first) s.stash(who, 1, std::to_string(who));
    }
    s.leave(first, 1, 4s);
    s.part(false);
    REQUIRE(s.run_until([&] { return s.at(first).left; }, 8s));
    REQUIRE(s.run_until([&] { return s.settled() && s.values(s.smallest(), 1) == 1; }, 8s));
    std::uint64_t resolved = 0;
    for (const auto who : s.alive()) {
        CHECK(s.values(who, 1) == 1);
        resolved += s.mesh(who).stats().siblings_resolved;
    }
    CHECK(resolved == 2);
    CHECK(s.mesh(s.smallest()).stats().siblings_resolved == 2);
}

TEST_CASE("siblings: more keys over the bound than are remembered are found all the same",
          "[core][scenario]") {
    apart s(3, [] {
        auto how = siblings_max(2);
        how.keys = 900;
        return how;
    }());
    s.part();
    for (process_number who = 0; who < 3; ++who) s.fill(who, 900, 4 + who);
    s.meet();
    s.run_for(3s);
    s.settle();
    for (std::size_t key = 0; key < 900; ++key) REQUIRE(s.values(1, key) == 1);
}
