// Proves that concurrent values are reported, cut down to a bound by the member that acts for all, and handed
// out to be merged; and that registers that are over are removed by one member, a while later.
#include "core/conflicts.hpp"
#include "core/expired_removal.hpp"
#include "machines/writing.hpp"

using namespace baton;
using namespace baton::core;

namespace {
struct watching : claiming_node {
    conflicts watch{here, write, members, owned, {2, 256, 256}};

    /// Another replica, which has seen nothing, writes the key.
    void concurrently(std::uint8_t number, std::string_view value) {
        store other(replica(number), number);
        write_buffers buffers;
        const auto theirs = other.put(register_of("key"), value, timestamp::at(wall + number), buffers);
        REQUIRE(here.apply(theirs.id, theirs.event) == store::applied::yes);
    }
    void work(mesh_clock::duration since = 0ms, bool takes_writes = true) {
        while (watch.work(takes_writes, {start + since, wall}, box)) {
        }
    }
    [[nodiscard]] std::size_t siblings() { return here.sibling_count(register_of("key")); }
};
} // namespace

TEST_CASE("conflicts: siblings are reported, a key once a second", "[core][machine]") {
    watching s;
    s.concurrently(2, "a"), s.concurrently(3, "b");
    s.work(2s);
    REQUIRE(s.box.events.size() == 1);
    CHECK(s.box.events[0].kind == event_kind::conflict);
    CHECK(s.box.events[0].key == "key");
    CHECK(s.box.events[0].count == 2);
    CHECK(s.watch.counted().found == 1);
    CHECK(s.siblings() == 2); // no more siblings than the bound
}

TEST_CASE("conflicts: above the bound the member that acts for all keeps the one that is read",
          "[core][machine]") {
    watching s;
    s.concurrently(2, "a"), s.concurrently(3, "b"), s.concurrently(4, "c");
    const std::string read(s.here.read("key")->value);
    s.work(0ms, false); // full or leaving: not this node
    CHECK(s.siblings() == 3);
    s.watch.tend(true, {start, wall}, s.box);
    s.work();
    CHECK(s.siblings() == 1);
    CHECK(s.here.read("key")->value == read);
    CHECK(s.watch.counted().resolved == 2);
}

TEST_CASE("conflicts: what is to be merged is handed out, and replaced as it was shown", "[core][machine]") {
    watching s;
    s.concurrently(2, "a"), s.concurrently(3, "b");
    s.watch.merge_under("k");
    s.work();
    CHECK(s.box.merges_ready);
    const auto task = s.watch.next_merge(true);
    REQUIRE(task);
    CHECK(task->values.size() == 2);
    CHECK_FALSE(s.watch.next_merge(false));
    s.concurrently(4, "c");
    REQUIRE(s.watch.resolve("key", "ab", task->shown, wall)); // the third value stays as a sibling
    CHECK(s.siblings() == 2);
    CHECK(s.watch.resolve("key", "again", task->shown, wall).error().code == errc::conflict);
}

TEST_CASE("conflicts: equal siblings are not merged", "[core][machine]") {
    watching s;
    s.concurrently(2, "same"), s.concurrently(3, "same");
    s.watch.merge_under("k");
    s.work();
    CHECK_FALSE(s.watch.next_merge(true));
}

TEST_CASE("expiry: what is over is removed a while after it was hidden, by whoever is to",
          "[core][machine]") {
    watching s;
    expired_removal over{s.here, s.write, {256, 100ms}};
    s.here.set_now(start);
    s.write.put(register_of("key"), "v", s.write.tick(wall), 10ms);
    const auto work = [&](mesh_clock::duration since, bool may_write = true) {
        s.here.set_now(start + since);
        while (over.work({start + since, wall}, may_write)) {
        }
    };
    over.tend(true);
    work(50ms);
    CHECK_FALSE(s.here.read("key"));
    CHECK(over.removed() == 0); // hidden only
    over.tend(false);
    work(200ms);
    CHECK(over.removed() == 0); // another member's
    over.tend(true);
    work(200ms, false);
    CHECK(over.removed() == 0); // the cut is frozen
    work(200ms);
    CHECK(over.removed() == 1);
    CHECK_FALSE(s.here.has_deadlines());
}
