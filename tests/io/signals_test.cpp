// Proves that a program that asks for it leaves by SIGTERM and SIGINT: real child processes, forked from this
// one while it has no node, that do what <baton/signals.hpp> says first in main().
#include "nodes.hpp"

#include <baton/signals.hpp>

#include <sys/resource.h>
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <functional>
#include <thread>

using namespace baton;
using namespace io;

namespace {

/// A forked process that ends with the result of `work`; it writes a byte to a pipe when it is ready.
class child {
  public:
    using ready_call = std::function<void()>;
    explicit child(const std::function<int(const ready_call&)>& work) {
        std::array<int, 2> ends{};
        if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
        pid_ = fork();
        if (pid_ == 0) { // no test macros in there: they belong to the parent
            alarm(120);  // should the parent be killed
            _exit(work([&] { static_cast<void>(!::write(ends[1], "r", 1)); }));
        }
        close(ends[1]);
        ready_ = ends[0];
    }
    child(const child&) = delete;
    ~child() {
        if (!status_) {
            kill(pid_, SIGKILL);
            waitpid(pid_, nullptr, 0);
        }
        close(ready_);
    }
    [[nodiscard]] bool is_ready() const {
        pollfd wait{ready_, POLLIN, 0};
        return poll(&wait, 1, static_cast<int>(patience(20s).count())) == 1 && (wait.revents & POLLIN) != 0;
    }
    void signal(int number) const { kill(pid_, number); }
    /// The exit status, or 128 and the signal; -1 if it has not ended in time.
    int status(milliseconds within = 20s) {
        int raw = 0;
        if (!eventually(within, [&] { return waitpid(pid_, &raw, WNOHANG) == pid_; })) return -1;
        status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
        return *status_;
    }

  private:
    pid_t pid_ = -1;
    int ready_ = -1;
    std::optional<int> status_;
};

/// The exit status of a child after a leave.
int status_of(const result<leave_report>& report) {
    return report ? 10 + static_cast<int>(report->outcome) : 1;
}
int status_of(leave_outcome outcome) { return 10 + static_cast<int>(outcome); }

} // namespace

TEST_CASE("signals: SIGTERM and SIGINT hand everything over, whatever the program's threads do",
          "[io][signals]") {
    // The child has threads of its own besides those of the node, and one of them writes when the signal
    // arrives.
    const int number = GENERATE(SIGTERM, SIGINT);
    const mesh net;
    child leaver([&](const auto& ready) {
        auto stop = stop_signals::block();
        if (!stop || stop->stopping() || stop->wait(0ms)) return 2;
        auto node = started(net.options("leaver"));
        if (!node.wait_synced(patience(20s))) return 3;
        std::atomic<bool> done = false;
        std::vector<std::thread> threads;
        threads.emplace_back([&] {
            for (int i = 0; i < 1000; ++i) (void)node.stash("k/" + std::to_string(i), "v");
            ready();
            while (!done) std::this_thread::sleep_for(1ms);
        });
        threads.emplace_back([&] {
            while (!done) std::this_thread::yield();
        });
        const auto report = leave_on_signal(node, *stop);
        done = true;
        for (auto& each : threads) each.join();
        return stop->stopping() ? status_of(report) : 4;
    });
    auto survivor = started(net.options("survivor"));
    REQUIRE(leaver.is_ready());
    leaver.signal(number);
    CHECK(leaver.status() == status_of(leave_outcome::safe));
    CHECK(survivor.keys("k/")->size() == 1000);
    CHECK(next_event(survivor, event_kind::left));
}

TEST_CASE("signals: one that comes before the program waits for it is not lost", "[io][signals]") {
    const mesh net;
    child early([&](const auto& ready) {
        auto stop = stop_signals::block();
        ready();
        if (!stop || !stop->wait(patience(10s))) return 2;
        auto node = started(net.options("early")); // the node was still starting
        return status_of(leave_on_signal(node, *stop));
    });
    REQUIRE(early.is_ready());
    early.signal(SIGTERM);
    CHECK(early.status() == status_of(leave_outcome::safe)); // the node holds nothing
}

TEST_CASE("signals: a second one ends a leave that nobody answers", "[io][signals]") {
    // The child sends the first signal itself, and reports when its leave has begun.
    const mesh net;
    child alone([&](const auto& ready) {
        auto stop = stop_signals::block();
        auto node = started(net.options("alone"));
        (void)node.stash("key", "value");
        kill(getpid(), SIGTERM);
        std::thread watcher([&] {
            while (node.stash("key", "value")) std::this_thread::sleep_for(1ms);
            ready();
        });
        const auto report = leave_on_signal(node, *stop, {.within = 1h});
        watcher.join();
        return status_of(report);
    });
    REQUIRE(alone.is_ready());
    alone.signal(SIGINT);
    CHECK(alone.status() == status_of(leave_outcome::unsafe));
}

TEST_CASE("signals: event loops poll a descriptor, and what is ignored stays ignored", "[io][signals]") {
    const mesh net;
    child loop([&](const auto& ready) {
        std::signal(SIGINT, SIG_IGN); // as by nohup
        auto blocked = stop_signals::block();
        if (!blocked) return 2;
        auto stop = std::move(*blocked); // the object may be moved
        auto node = started(net.options("loop"));
        kill(getpid(), SIGINT);
        pollfd wanted{stop.fd(), POLLIN, 0};
        if (poll(&wanted, 1, 50) != 0 || stop.stopping() || stop.wait(1ms)) return 3;
        std::atomic<int> more = 0;
        stop.on_second([&] { ++more; });
        ready();
        if (poll(&wanted, 1, 60000) != 1 || !stop.stopping() || more != 0) return 4;
        kill(getpid(), SIGTERM);
        if (!eventually(10s, [&] { return more == 1; })) return 5;
        if (poll(&wanted, 1, 0) != 1 || !stop.wait(0ms)) return 6; // the descriptor stays readable
        stop.on_second(nullptr);
        { // in a forked child, the destructor waits for no thread
            const pid_t forked = fork();
            if (forked == 0) {
                { const auto mine = std::move(stop); }
                _exit(0);
            }
            int raw = 0;
            if (waitpid(forked, &raw, 0) != forked || raw != 0) return 7;
        }
        { const auto over = std::move(stop); }
        kill(getpid(), SIGTERM); // still blocked: it does not end the program now
        return status_of(node.leave());
    });
    REQUIRE(loop.is_ready());
    loop.signal(SIGTERM);
    CHECK(loop.status() == status_of(leave_outcome::safe));
}

TEST_CASE("signals: without a descriptor to be had nothing is blocked", "[io][signals]") {
    child poor([&](const auto&) {
        rlimit files{};
        getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = 3;
        setrlimit(RLIMIT_NOFILE, &files);
        const auto none = stop_signals::block();
        sigset_t now;
        pthread_sigmask(SIG_SETMASK, nullptr, &now);
        return !none && none.error().code == errc::network && sigismember(&now, SIGTERM) == 0 ? 0 : 1;
    });
    CHECK(poor.status() == 0);
}
