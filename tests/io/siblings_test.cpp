// Proves siblings between real nodes in one process: reported, merged by functions on their thread, and
// resolved by hand. Concurrent values are written before the nodes know of each other: a third node, which
// knows both, connects them after both have written.
#include "nodes.hpp"
#include "shell/merge_laws.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

using namespace baton;
using namespace io;

namespace {

/// Two nodes that have written the same keys before they meet.
struct late_meeting {
    explicit late_meeting(std::initializer_list<std::string_view> keys)
        : one(started(surroundings.options("one")))
        , other(started(alone())) {
        for (const auto key : keys) {
            REQUIRE(one.stash(key, "left"));
            REQUIRE(other.stash(key, "right"));
        }
    }
    /// Without a beacon they do not find each other.
    [[nodiscard]] options alone() const {
        auto settings = surroundings.options("other");
        settings.beacon.enabled = false;
        return settings;
    }
    mesh surroundings;
    node one, other;
    std::optional<node> between;

    /// A third one that knows both makes them meet.
    void meet() {
        auto settings = surroundings.options("between");
        settings.beacon.enabled = false;
        settings.seeds = {one.endpoint(), other.endpoint()};
        between.emplace(started(settings));
    }
};

std::string longest(const std::vector<std::string_view>& siblings) {
    const auto rank = [](std::string_view a, std::string_view b) {
        return std::pair(a.size(), a) < std::pair(b.size(), b);
    };
    return std::string(*std::max_element(siblings.begin(), siblings.end(), rank));
}

} // namespace

TEST_CASE("siblings: what both have written is told, kept, and resolved by hand", "[io]") {
    late_meeting m({"k"});
    m.meet();
    const auto told = next_event(*m.between, event_kind::conflict);
    REQUIRE(told);
    CHECK(told->key == "k");
    const auto found = m.between->siblings("k");
    REQUIRE(found);
    REQUIRE(found->size() == 2);
    const auto done = m.between->resolve("k", "both", {(*found)[0].written, (*found)[1].written});
    REQUIRE(done);
    CHECK(eventually(10s, [&] { return value_at(m.one, "k") == "both"; }));
    CHECK(m.one.siblings("k")->size() == 1);
    CHECK(m.between->resolve("k", "again", {(*found)[0].written}).error().code == errc::conflict);
    CHECK(m.one.resolve("k", "of nothing it has seen", {}));
    CHECK(m.one.stats()->conflicts + m.between->stats()->conflicts != 0);
}

TEST_CASE("siblings: a merge function makes one value, on a thread of its own", "[io]") {
    // The last function given counts, and that of the longest prefix; one that throws leaves the key as it
    // is. The first two do not know each other, so each may merge by itself: then both have written the same.
    late_meeting m({"merged:k", "merged:other:k", "merged:thrown:k", "kept:k"});
    std::atomic<int> calls{0};
    const auto here = std::this_thread::get_id();
    const auto merge = [&](const std::vector<std::string_view>& siblings) {
        calls += std::this_thread::get_id() != here;
        return longest(siblings);
    };
    const auto never = [](const std::vector<std::string_view>&) -> std::string {
        throw std::runtime_error("cannot");
    };
    std::atomic<int> thrown{0};
    const auto never_so = [&](const std::vector<std::string_view>&) -> std::string { throw ++thrown; };
    m.meet();
    for (auto* each : {&m.one, &m.other, &*m.between}) {
        REQUIRE(each->merge_with("merged:", never));
        REQUIRE(each->merge_with("merged:", merge)); // it replaces the former function
        REQUIRE(each->merge_with("merged:other:", never));
        REQUIRE(each->merge_with("merged:thrown:", never_so));
        REQUIRE_FALSE(each->merge_with(std::string(513, 'p'), merge));
    }
    CHECK(eventually(10s, [&] {
        const auto values = m.between->siblings("merged:k");
        return std::ranges::all_of(*values, [](const stored_value& each) { return each.value == "right"; });
    }));
    CHECK(eventually(10s, [&] { return m.one.siblings("merged:other:k")->size() == 2; }));
    CHECK(eventually(10s, [&] { return thrown != 0; }));
    CHECK(eventually(10s, [&] { return m.one.siblings("merged:thrown:k")->size() == 2; }));
    CHECK(eventually(10s, [&] { return m.one.siblings("kept:k")->size() == 2; }));
    CHECK(calls != 0);
    CHECK(eventually(10s, [&] { return value_at(m.one, "merged:k") == "right"; }));
}

TEST_CASE("siblings: a merge function that is none is found out by the values at hand", "[io]") {
    // Programs built without NDEBUG check every merge in this way.
    const auto obeys = [](const merge_function& merge, const std::vector<std::string_view>& values) {
        return shell::obeys_laws(merge, values, merge(values));
    };
    const std::vector<std::string_view> values{"b", "aa", "", "c"};
    CHECK(obeys(longest, values));
    CHECK(obeys([](const auto&) { return std::string("always"); }, {"always", "always"}));
    CHECK_FALSE(obeys([](const auto& all) { return std::string(all.front()); }, values)); // order
    CHECK_FALSE(obeys(
        [](const auto& all) { // how often
            std::size_t sum = 0;
            for (const auto each : all) sum += each.size();
            return std::string(sum, 'x');
        },
        {"x", "xx"}));
    CHECK_FALSE(obeys([](const auto& all) { return std::to_string(all.size()); }, values)); // grouping
}

TEST_CASE("siblings: a node ends while its merge function is busy", "[io]") {
    // The destructor waits for the call under way and begins no other.
    std::atomic<int> calls{0};
    std::promise<void> entered;
    {
        late_meeting m({"k1", "k2"});
        const auto slow = [&](const std::vector<std::string_view>& siblings) {
            if (++calls == 1) entered.set_value();
            std::this_thread::sleep_for(200ms); // like a slow function
            return longest(siblings);
        };
        m.meet();
        for (auto* each : {&m.one, &m.other, &*m.between}) REQUIRE(each->merge_with("k", slow));
        REQUIRE(entered.get_future().wait_for(10s) == std::future_status::ready);
    }
    CHECK(calls >= 1);
}
