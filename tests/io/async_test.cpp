// Calls of real nodes that complete in a queue. Proves that each returns at once and completes with its tag
// and the result of the synchronous call; what the calls wait for; and how they end when the node, the queue
// or the process ends first.
#include "nodes.hpp"

#include <baton/async.hpp>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <set>
#include <thread>

using namespace baton;
using namespace io;

namespace {

struct one_node {
    io::mesh net;
    node of;
    completion_queue queue;
    async calls{of, queue};

    explicit one_node(bool founding = false)
        : of(started(settings(net, founding))) {}
    static options settings(const io::mesh& net, bool founding) {
        auto all = net.options("one");
        all.founding = founding;
        return all;
    }
};

struct two_nodes {
    io::mesh net;
    node one = started(net.options("one")), other = started(net.options("other"));
    completion_queue queue;
    async calls{one, queue};

    two_nodes() { REQUIRE(meet(one, other)); }
};

/// The completion of that tag, which is the next one.
template <class T>
result<T> ended(completion_queue& queue, std::uint64_t tag, milliseconds within = 10s) {
    auto done = queue.next(patience(within));
    REQUIRE(done);
    CHECK(done->tag == tag);
    auto* const what = done->get<T>();
    REQUIRE(what != nullptr);
    return std::move(*what);
}

bool is_readable(int fd) {
    pollfd one{fd, POLLIN, 0};
    return ::poll(&one, 1, 0) == 1;
}

} // namespace

TEST_CASE("async: a call whose result is known completes at once, with its tag", "[io][async]") {
    one_node alone;
    auto& [net, node, queue, calls] = alone;
    const auto fd = queue.fd();
    REQUIRE(fd);
    CHECK_FALSE(is_readable(*fd));
    REQUIRE(calls.stash(7, "key", "value"));
    CHECK(is_readable(*fd));
    CHECK(queue.under_way() == 1);
    REQUIRE(calls.pickup(8, "key"));
    REQUIRE(calls.pickup(9, "other"));
    REQUIRE(calls.pickup(10, ""));

    const auto written = ended<write_result>(queue, 7, 0ms);
    REQUIRE(written);
    CHECK(written->met);
    CHECK(ended<pickup_result>(queue, 8, 0ms)->value == "value");
    CHECK(ended<pickup_result>(queue, 9, 0ms)->outcome == pickup_outcome::absent_unsynced);
    CHECK(ended<pickup_result>(queue, 10, 0ms).error().code == errc::key_empty);
    CHECK_FALSE(is_readable(*fd));
    CHECK(queue.under_way() == 0);
    CHECK(queue.next().error().code == errc::timeout);
    CHECK(node.pickup("key")->written == written->written);
}

TEST_CASE("async: every write does what the synchronous call does", "[io][async]") {
    one_node alone;
    auto& [net, node, queue, calls] = alone;
    REQUIRE(calls.add(1, "counter", -3));
    REQUIRE(calls.insert(2, "set", "a"));
    REQUIRE(calls.insert(3, "set", "b"));
    REQUIRE(calls.erase(4, "set", "a"));
    REQUIRE(calls.erase(5, "set", "none"));
    REQUIRE(calls.set_field(6, "map", "f", "1"));
    REQUIRE(calls.set_field(7, "map", "g", "2"));
    REQUIRE(calls.erase_field(8, "map", "f"));
    REQUIRE(calls.enable(9, "flag"));
    REQUIRE(calls.enable(10, "off"));
    REQUIRE(calls.disable(11, "off"));
    REQUIRE(calls.stash(12, "gone", "x"));
    REQUIRE(calls.drop(13, "gone"));
    REQUIRE(calls.add(14, "flag"));
    REQUIRE(calls.stash(15, "key", "v", {.if_version = version{{node.id(), 99}}}));
    REQUIRE(calls.resolve(16, "key", "v", {version{{node.id(), 99}}}));
    for (std::uint64_t tag = 1; tag <= 13; ++tag) {
        CAPTURE(tag);
        CHECK(ended<write_result>(queue, tag)->changed == (tag != 5));
    }
    CHECK(ended<write_result>(queue, 14).error().code == errc::wrong_type);
    CHECK(ended<write_result>(queue, 15).error().code == errc::conflict);
    CHECK(ended<write_result>(queue, 16).error().code == errc::conflict);
    CHECK(*node.count("counter") == -3);
    CHECK(*node.elements("set") == std::vector<std::string>{"b"});
    CHECK(*node.fields("map") == std::vector<std::string>{"g"});
    CHECK(*node.enabled("flag"));
    CHECK_FALSE(*node.enabled("off"));
    CHECK_FALSE(node.pickup("gone")->found());
}

TEST_CASE("async: thousands of pickups wait at the same time, each for its key", "[io][async]") {
    two_nodes nodes;
    auto& [net, one, other, queue, calls] = nodes;
    constexpr std::uint64_t count = 5000;
    for (std::uint64_t i = 0; i < count; ++i)
        REQUIRE(calls.pickup(i, "key/" + std::to_string(i), {.within = 10min}));
    CHECK(queue.under_way() == count);
    CHECK(queue.next().error().code == errc::timeout);
    // By a write of this node, and by one of another member.
    for (std::uint64_t i = 0; i < count; ++i)
        REQUIRE((i % 2 == 0 ? one : other).stash("key/" + std::to_string(i), std::to_string(i)));
    std::set<std::uint64_t> seen;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto done = queue.next(patience(10s));
        REQUIRE(done);
        const auto* const got = done->get<pickup_result>();
        REQUIRE(got != nullptr);
        REQUIRE((*got)->value == std::to_string(done->tag));
        seen.insert(done->tag);
    }
    CHECK(seen.size() == count);
}

TEST_CASE("async: a pickup ends when every member has answered that it has no such key", "[io][async]") {
    two_nodes nodes;
    auto& [net, one, other, queue, calls] = nodes;
    REQUIRE(one.wait_synced(patience(10s)));
    REQUIRE(other.wait_synced(patience(10s)));
    for (std::uint64_t i = 0; i < 100; ++i)
        REQUIRE(calls.pickup(i, std::to_string(i), {.within = 10min, .until = pickup_until::known}));
    for (std::uint64_t i = 0; i < 100; ++i) {
        const auto done = queue.next(patience(10s));
        REQUIRE(done);
        CHECK((*done->get<pickup_result>())->outcome == pickup_outcome::absent_confirmed);
    }
    REQUIRE(calls.pickup(1, "never", {.within = 50ms}));
    CHECK(ended<pickup_result>(queue, 1)->outcome == pickup_outcome::absent_confirmed);
    // A key of another type is not absent, but no register either.
    REQUIRE(one.add("counter"));
    REQUIRE(calls.pickup(2, "counter", {.within = 50ms, .until = pickup_until::known}));
    CHECK(ended<pickup_result>(queue, 2)->outcome == one.pickup("counter")->outcome);
}

TEST_CASE("async: writes complete when enough members hold them, or when their time is over", "[io][async]") {
    two_nodes nodes;
    auto& [net, one, other, queue, calls] = nodes;
    constexpr std::uint64_t count = 2000;
    for (std::uint64_t i = 0; i < count; ++i)
        REQUIRE(calls.stash(i, "key", std::to_string(i), {.ack = ack_level::copies(2), .within = 1min}));
    for (std::uint64_t i = 0; i < count; ++i) CHECK(ended<write_result>(queue, i)->copies == 2);
    CHECK(value_at(other, "key") == std::to_string(count - 1));

    REQUIRE(calls.stash(1, "key", "v", {.ack = ack_level::copies(3), .within = 20ms}));
    const auto weak = ended<write_result>(queue, 1);
    REQUIRE(weak);
    CHECK_FALSE(weak->met);
    REQUIRE(calls.confirm(2, weak->written, ack_level::all_up(), 1min));
    CHECK(ended<write_result>(queue, 2)->met);
    REQUIRE(calls.confirm(3, version{{one.id(), 1'000'000}}, ack_level::copies(2), 1min));
    CHECK(ended<write_result>(queue, 3).error().code == errc::unknown_version);
    REQUIRE(calls.stash(4, "key", "v", {.ack = ack_level::majority()}));
    CHECK(ended<write_result>(queue, 4).error().code == errc::bad_argument);
}

TEST_CASE("async: a claim waits for its key, and its owner commits", "[io][async]") {
    two_nodes nodes;
    auto& [net, one, other, queue, calls] = nodes;
    REQUIRE(calls.claim(1, "absent"));
    CHECK(ended<claim_handle>(queue, 1).error().code == errc::absent);
    REQUIRE(calls.claim(2, "key", {.within = 10min}));
    REQUIRE(other.stash("key", "first"));
    auto mine = ended<claim_handle>(queue, 2);
    REQUIRE(mine);
    CHECK(mine->taken_over().value == "first");
    REQUIRE(calls.commit(3, *mine, "second", {.ack = ack_level::copies(2), .within = 1min}));
    CHECK(ended<write_result>(queue, 3)->met);
    CHECK(other.pickup("key")->value == "second");
    REQUIRE(calls.claim(4, "key", {.within = 10min, .if_free = true}));
    CHECK(ended<claim_handle>(queue, 4).error().code == errc::conflict);
    REQUIRE(mine->release());
    REQUIRE(calls.commit(5, *mine, "third"));
    CHECK(ended<write_result>(queue, 5).error().code == errc::claim_lost);

    // A claim that nobody takes out of the queue ends with the queue.
    {
        completion_queue short_lived;
        REQUIRE(async(one, short_lived).claim(6, "key"));
        CHECK(one.pickup("key")->owner() == one.id());
    }
    CHECK_FALSE(one.pickup("key")->owner());
    // So does one that is granted when the queue is gone.
    {
        completion_queue short_lived;
        REQUIRE(async(one, short_lived).claim(7, "late", {.within = 10min}));
    }
    REQUIRE(other.stash("late", "v"));
    REQUIRE(value_at(one, "late"));
    CHECK(eventually(10s, [&] {
        const auto got = nodes.one.pickup("late");
        return got->epoch && !got->owner();
    }));
}

TEST_CASE("async: it waits for a sync and for the end of a leave", "[io][async]") {
    one_node alone;
    auto& [net, node, queue, calls] = alone;
    REQUIRE(calls.wait_synced(1, 20ms)); // there is nobody
    CHECK(ended<void>(queue, 1).error().code == errc::timeout);
    REQUIRE(calls.wait_synced(2, 1min));
    auto other = started(net.options("other"));
    CHECK(ended<void>(queue, 2, 30s));

    REQUIRE(node.stash("key", "value"));
    REQUIRE(calls.pickup(3, "never", {.within = 10min}));
    REQUIRE(calls.stash(4, "key", "v", {.ack = ack_level::copies(9), .within = 10min}));
    REQUIRE(calls.claim(5, "never", {.within = 10min}));
    REQUIRE(calls.leave(6, {.within = 10s, .copies = 1}));
    std::map<std::uint64_t, completion> done;
    for (int i = 0; i < 4; ++i) {
        auto each = queue.next(patience(20s));
        REQUIRE(each);
        const auto tag = each->tag;
        done.emplace(tag, *std::move(each));
    }
    CHECK((*done.at(3).get<pickup_result>())->outcome != pickup_outcome::found);
    CHECK_FALSE((*done.at(4).get<write_result>())->met);
    CHECK(done.at(5).get<claim_handle>()->error().code == errc::leaving);
    CHECK((*done.at(6).get<leave_report>())->outcome == leave_outcome::safe);

    // Afterwards calls end at once.
    REQUIRE(calls.stash(7, "key", "v"));
    CHECK(ended<write_result>(queue, 7, 0ms).error().code == errc::leaving);
    REQUIRE(calls.pickup(8, "key", {.within = 10min}));
    CHECK(ended<pickup_result>(queue, 8, 0ms)->value == "v");
    REQUIRE(calls.leave(9));
    CHECK(ended<leave_report>(queue, 9, 0ms)->outcome == leave_outcome::safe);
    REQUIRE(calls.wait_synced(10, 10min));
    REQUIRE(queue.next());
}

TEST_CASE("async: a queue refuses what is over its bound, and calls of a node that is gone", "[io][async]") {
    io::mesh net;
    completion_queue queue(2);
    auto of = std::make_optional(started(net.options("one")));
    async calls(*of, queue);
    REQUIRE(calls.pickup(1, "a", {.within = 10min}));
    REQUIRE(calls.pickup(2, "b", {.within = 10min}));
    CHECK(calls.pickup(3, "c").error().code == errc::busy);
    auto moved = *std::move(of); // the object is not what calls go to
    REQUIRE(moved.stash("a", "v"));
    CHECK(ended<pickup_result>(queue, 1)->value == "v");
    REQUIRE(calls.stash(4, "c", "v"));
    CHECK(ended<write_result>(queue, 4));
    { const auto gone = std::move(moved); }
    CHECK(ended<pickup_result>(queue, 2)->outcome != pickup_outcome::found);
    CHECK(calls.stash(5, "c", "v").error().code == errc::leaving);
    CHECK(queue.under_way() == 0);
}

TEST_CASE("async: closing a queue ends whoever waits for it", "[io][async]") {
    one_node alone;
    auto& [net, node, queue, calls] = alone;
    REQUIRE(calls.pickup(1, "never", {.within = 10min}));
    std::thread waiting([&q = queue] { CHECK(q.next(10min).error().code == errc::leaving); });
    queue.close();
    waiting.join();
    CHECK(queue.next().error().code == errc::leaving);
    CHECK(calls.stash(2, "key", "v").error().code == errc::leaving);
    CHECK(node.stash("never", "v")); // ends the call, whose result is dropped
}

TEST_CASE("async: many threads begin calls and read completions", "[io][async]") {
    two_nodes nodes;
    constexpr std::uint64_t each = 300;
    std::atomic<std::uint64_t> read = 0;
    std::vector<std::thread> threads;
    for (std::uint64_t t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (std::uint64_t i = 0; i < each; ++i) {
                const auto key = std::to_string(t) + '/' + std::to_string(i);
                if (!nodes.calls.pickup(i, key, {.within = 10min}) ||
                    !nodes.calls.stash(i, key, "v", {.ack = ack_level::copies(2), .within = 1min}) ||
                    !nodes.calls.claim(i, key, {.within = 10min}) || !nodes.other.stash(key, "w"))
                    return;
            }
        });
        threads.emplace_back([&] {
            while (read < 4 * 3 * each && nodes.queue.next(patience(10s))) ++read;
        });
    }
    for (std::size_t i = 0; i < threads.size(); i += 2) threads[i].join();
    CHECK(eventually(20s, [&] { return read == 4 * 3 * each; }));
    nodes.queue.close();
    for (std::size_t i = 1; i < threads.size(); i += 2) threads[i].join();
}

TEST_CASE("async: in a forked child every function answers forked, and the parent goes on", "[io][async]") {
    one_node alone;
    auto& [net, node, queue, calls] = alone;
    REQUIRE(calls.pickup(1, "key", {.within = 10min}));
    REQUIRE(queue.fd());
    const pid_t child = fork();
    if (child == 0) { // no test macros here: they belong to the parent
        alarm(60);    // a hang ends so
        int wrong = 0;
        const auto forked = [&](const auto& answer) {
            wrong += answer || answer.error().code != errc::forked;
        };
        forked(calls.stash(2, "key", "v"));
        forked(calls.pickup(2, "key", {.within = 10min}));
        forked(calls.leave(2));
        forked(queue.next(10min));
        forked(queue.fd());
        queue.close();
        wrong += queue.under_way() != 0;
        _exit(wrong);
    }
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
    REQUIRE(node.stash("key", "value"));
    CHECK(ended<pickup_result>(queue, 1)->value == "value");
}
