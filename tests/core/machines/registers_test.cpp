// Proves that claims, conflicts and expiry share one gate of writes, and write to a slot once in a slice:
// what was written in it is looked at in the next one.
#include "core/registers.hpp"
#include "machines/alone.hpp"

using namespace baton;
using namespace baton::core;

namespace {
struct keeping : lone_node {
    static constexpr moment at{start + 1h, wall};

    schedule time{at};
    room space{1 << 20};
    handover leave{settings, here, members, mail};
    std::set<replica_id> listeners;
    own_writes writes{settings, here, listeners, space, leave, counters};
    quest_map quests;
    proofs asked{here, members, mail, quests, counters, {}};
    registers all{settings, here, writes, members, asked, mail, time};
    outbox out;

    keeping() { time.clear(); }
    void put(std::string_view value) { REQUIRE(writes.put(at, register_of("key"), value, {})); }
    void concurrently(std::uint8_t number, std::string_view value) {
        store other(replica(number), number);
        write_buffers buffers;
        const auto theirs = other.put(register_of("key"), value, timestamp::at(wall + number), buffers);
        REQUIRE(here.apply(theirs.id, theirs.event) == store::applied::yes);
    }
};
} // namespace

TEST_CASE("registers: a claim wakes the node at the end of its lease", "[core][machine]") {
    keeping s;
    s.put("value");
    REQUIRE(s.all.claim(keeping::at, "key", {5s, true}));
    CHECK(s.time.wake_at() == keeping::at.now + 5s);
}

TEST_CASE("registers: a node that leaves claims, commits and merges nothing", "[core][machine]") {
    keeping s;
    s.put("value");
    const auto grant = s.all.claim(keeping::at, "key", {.if_free = true});
    REQUIRE(grant);
    s.leave.begin(1, 1, keeping::at.now);
    CHECK(s.all.claim(keeping::at, "key", {}).error().code == errc::leaving);
    CHECK(s.all.commit(keeping::at, "key", grant->number, "late").error().code == errc::leaving);
    CHECK(s.all.resolve(keeping::at, "key", "merged", {}).error().code == errc::leaving);
}

TEST_CASE("registers: a commit is counted as a write, and its value is checked", "[core][machine]") {
    keeping s;
    s.settings.limits.value_bytes_max = 16;
    s.put("value");
    const auto grant = s.all.claim(keeping::at, "key", {.if_free = true});
    REQUIRE(grant);
    CHECK(s.all.commit(keeping::at, "key", grant->number, std::string(17, 'v')).error().code ==
          errc::value_too_long);
    CHECK(s.all.commit(keeping::at, "key", grant->number, "v", 0ms).error().code == errc::bad_argument);
    CHECK(s.counters.stashes == 1);
    REQUIRE(s.all.commit(keeping::at, "key", grant->number, "mine"));
    CHECK(s.counters.stashes == 2);
}

TEST_CASE("registers: a merge that makes nothing longer may be longer than the options allow",
          "[core][machine]") {
    keeping s;
    s.settings.limits.value_bytes_max = 4;
    s.concurrently(2, "longer"), s.concurrently(3, "longest");
    std::vector<record_view> found;
    s.here.siblings(register_of("key"), found);
    REQUIRE(found.size() == 2);
    const std::vector<version> shown{version{found[0].id}, version{found[1].id}};
    CHECK(s.all.resolve(keeping::at, "key", "the longest", shown).error().code == errc::value_too_long);
    CHECK(s.all.resolve(keeping::at, "key", "longest", shown));
    CHECK(s.here.sibling_count(register_of("key")) == 1);
}

TEST_CASE("registers: siblings wait while the slice has written", "[core][machine]") {
    keeping s;
    s.concurrently(2, "a"), s.concurrently(3, "b");
    CHECK(s.all.work(true, false, s.out)); // once more
    CHECK(s.all.contested.counted().found == 0);
    while (s.all.work(false, false, s.out)) {
    }
    CHECK(s.all.contested.counted().found == 1);
}
