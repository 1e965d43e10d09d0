// Proves that handlers may call whatever they like: watch and unwatch, reads and writes, leave, the end of
// the node itself; and that ends of handles and nodes on other threads wait for a call that is under way, and
// for nothing else. Everything here would hang, and be ended by the test's time limit, if it were wrong.
#include "watching.hpp"

#include <sys/epoll.h>
#include <sys/wait.h>

#include <algorithm>
#include <future>
#include <thread>

using namespace io;
using baton::change;
using baton::change_kind;
using baton::errc;

namespace {

baton::watch_handle watch(baton::node& node, const std::string& prefix, baton::change_handler handler) {
    auto made = node.watch(prefix, std::move(handler));
    if (!made) throw std::runtime_error(made.error().what);
    return std::move(made).value();
}

} // namespace

TEST_CASE("watch: what it cannot do is refused by name", "[io][watch]") {
    const mesh net;
    auto node = started(net.options("one"));
    const auto nothing = [](const change&) {};
    CHECK(node.watch("k", {}).error().code == errc::bad_option);
    CHECK(node.watch(std::string(513, 'k'), nothing).error().code == errc::key_too_long);
    auto handle = watch(node, "k", nothing);
    const pid_t child = fork();
    if (child == 0) { // no test macros here: they belong to the parent
        const bool good = node.watch("k", nothing).error().code == errc::forked &&
                          node.event_fd().error().code == errc::forked;
        { // ends of handles and nodes wait for no thread that is not there
            auto other = std::move(handle);
            auto mine = std::move(node);
        }
        _exit(good ? 0 : 1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

TEST_CASE("watch: a handler may end its own watch, another's, and begin new ones", "[io][watch]") {
    const mesh net;
    auto node = started(net.options("one"));
    REQUIRE(node.stash("k/1", "v"));
    std::atomic<int> own = 0, others = 0, within = 0;
    std::promise<void> ready;
    baton::watch_handle mine, other, inner;
    other = watch(node, "o/", [&](const change&) { ++others; });
    mine = watch(node, "k/", [&](const change& what) {
        ready.get_future().wait(); // `mine` is set
        ++own;
        CHECK(what.kind == change_kind::put);
        inner = watch(node, "k/", [&](const change&) { ++within; });
        other.unwatch();
        mine.unwatch();
        CHECK(node.stash("k/2", "v"));
        CHECK(node.keys("k/")->size() == 2);
        CHECK(node.pickup("k/1")->found());
    });
    REQUIRE(eventually(10s, [&] { return others == 1; }));
    ready.set_value();
    REQUIRE(eventually(10s, [&] { return within == 3; }));
    REQUIRE(node.stash("o/1", "v"));
    REQUIRE(node.stash("k/3", "v"));
    REQUIRE(eventually(10s, [&] { return within == 4; }));
    CHECK(own == 1);
    CHECK(others == 1);
    inner.unwatch();
    inner.unwatch(); // again: nothing
    CHECK_FALSE(inner);
}

TEST_CASE("watch: the end of a handle waits for the call under way, and no call follows", "[io][watch]") {
    const mesh net;
    auto node = started(net.options("one"));
    std::atomic<bool> writing{true};
    std::thread writer([&] {
        for (int i = 0; writing; ++i) (void)node.stash("k/" + std::to_string(i % 100), std::to_string(i));
    });
    for (int round = 0; round < 50; ++round) {
        std::atomic<bool> inside{false};
        std::atomic<int> calls{0};
        const auto kept = std::make_shared<int>(0);
        auto handle = watch(node, "k/", [&, kept](const change&) {
            inside = true;
            ++calls;
            if (round % 10 == 0) std::this_thread::sleep_for(1ms);
            inside = false;
        });
        while (calls == 0) std::this_thread::yield();
        handle.unwatch();
        CHECK_FALSE(inside);
        const int then = calls;
        CHECK(kept.use_count() == 1); // the handler is gone, too
        std::this_thread::sleep_for(1ms);
        CHECK(calls == then);
    }
    writing = false;
    writer.join();
}

TEST_CASE("watch: leave inside a handler gives its report; a watch works on and hears nothing new",
          "[io][watch]") {
    const mesh net;
    auto node = started(net.options("one")), other = started(net.options("other"));
    REQUIRE(meet(node, other));
    REQUIRE(node.stash("k/1", "v"));
    std::promise<baton::leave_outcome> left;
    std::promise<errc> refused;
    const auto handle = watch(node, "k/", [&](const change& what) {
        if (what.kind != change_kind::initial_done) return;
        left.set_value(node.leave()->outcome);
        refused.set_value(node.stash("k/2", "v").error().code);
    });
    CHECK(left.get_future().get() == baton::leave_outcome::safe);
    CHECK(refused.get_future().get() == errc::leaving);
    const listener later(node, "k/"); // what there is can still be read
    CHECK(later.eventually_holds({{"k/1", "v"}}));
    REQUIRE(other.stash("k/1", "not for those who have left"));
    std::this_thread::sleep_for(50ms);
    CHECK(later.holds() == listener::state{{"k/1", "v"}});
}

TEST_CASE("watch: a node may end while a handler runs, and inside one; handles may outlive it",
          "[io][watch]") {
    const mesh net;
    auto node = std::make_unique<baton::node>(started(net.options("one")));
    REQUIRE(node->stash("k/1", "v"));
    std::promise<void> called;
    std::atomic<bool> returned{false};
    baton::watch_handle handle, idle = watch(*node, "x/", [](const change&) {});
    SECTION("on another thread, which waits for the handler, which may use the node till then") {
        handle = watch(*node, "k/", [&, raw = node.get()](const change& what) {
            if (what.kind != change_kind::put) return;
            called.set_value();
            std::this_thread::sleep_for(100ms);
            CHECK(raw->pickup("k/1")->found());
            returned = true;
        });
        called.get_future().wait();
        node.reset();
        CHECK(returned);
    }
    SECTION("inside the handler") {
        handle = watch(*node, "k/", [&](const change&) {
            node.reset();
            returned = true;
            called.set_value();
        });
        called.get_future().wait();
        CHECK(returned);
    }
    SECTION("by moving another one into it") {
        handle = watch(*node, "k/", [&](const change& what) {
            if (what.kind == change_kind::put) called.set_value();
        });
        called.get_future().wait();
        *node = started(net.options("two"));
        CHECK(node->name() == "two");
    }
    handle.unwatch();
    idle.unwatch();
}

TEST_CASE("watch: event_fd is readable while there are events, also for epoll", "[io][watch]") {
    const mesh net;
    auto node = started(net.options("one"));
    const auto fd = node.event_fd();
    REQUIRE(fd);
    CHECK(*node.event_fd() == *fd);
    const int waiter = epoll_create1(EPOLL_CLOEXEC);
    epoll_event wanted{EPOLLIN, {}}, got{};
    REQUIRE(epoll_ctl(waiter, EPOLL_CTL_ADD, *fd, &wanted) == 0);
    const auto readable = [&](milliseconds within) {
        return epoll_wait(waiter, &got, 1, static_cast<int>(within.count())) == 1;
    };
    CHECK_FALSE(readable(20ms));
    auto other = started(net.options("other"));
    CHECK(readable(patience(10s)));
    CHECK(node.wait_synced(patience(10s)));
    std::size_t events = 0;
    while (readable(0ms)) {
        REQUIRE(node.next_event()); // at once
        ++events;
    }
    CHECK(events >= 2); // joined, synced
    CHECK_FALSE(node.next_event());
    REQUIRE(other.leave());
    CHECK(readable(patience(10s)));
    close(waiter);
}
