#include "shell/descriptor.hpp"
#include "shell/threads.hpp"

#include <baton/signals.hpp>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace baton {
namespace {

using shell::descriptor;

int new_event() { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

void ring(const descriptor& event) {
    const std::uint64_t one = 1;
    // Fails only if the counter is full: the event is set then.
    static_cast<void>(!write(event.get(), &one, sizeof one));
}

/// Leaves out signals that are ignored.
sigset_t heeded(std::initializer_list<int> numbers) {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : numbers) {
        struct sigaction now {};
        if (sigaction(number, nullptr, &now) == 0 && now.sa_handler != SIG_IGN) sigaddset(&set, number);
    }
    return set;
}

} // namespace

struct stop_signals::listener {
    explicit listener(const sigset_t& set)
        : signals(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) {}
    listener(const listener&) = delete;
    ~listener() {
        if (!thread.joinable()) return;
        ring(end);
        thread.join();
    }

    [[nodiscard]] bool has_descriptors() const {
        return signals.get() >= 0 && first.get() >= 0 && end.get() >= 0;
    }
    /// Throws std::system_error if no thread can be started.
    void start() {
        thread = shell::start_thread([this] { listen(); });
    }

    /// Returns false if it was stopped already.
    bool stop() {
        if (stopping.exchange(true)) return false;
        ring(first);
        return true;
    }

    void listen() {
        std::array<pollfd, 2> wanted{{{signals.get(), POLLIN, 0}, {end.get(), POLLIN, 0}}};
        while (wanted[1].revents == 0) {
            if (poll(wanted.data(), wanted.size(), -1) < 0) continue; // EINTR, caused by a debugger
            signalfd_siginfo what{};
            if (read(signals.get(), &what, sizeof what) != sizeof what) continue;
            if (stop()) continue;
            const std::scoped_lock lock{mutex};
            if (on_second) on_second();
        }
    }

    descriptor signals;
    descriptor first{new_event()}, end{new_event()};
    std::atomic<bool> stopping = false;
    std::mutex mutex;
    std::function<void()> on_second; // guarded by mutex
    const pid_t process = getpid();
    std::thread thread;
};

void stop_signals::end_of_listener::operator()(listener* ended) const noexcept {
    if (ended->process == getpid()) delete ended; // a forked child has no thread to join
}

stop_signals::stop_signals(owned_listener made)
    : listener_(std::move(made)) {}
stop_signals::stop_signals(stop_signals&&) noexcept = default;
stop_signals& stop_signals::operator=(stop_signals&&) noexcept = default;
stop_signals::~stop_signals() = default;

result<stop_signals> stop_signals::block(std::initializer_list<int> numbers) {
    const auto set = heeded(numbers);
    sigset_t before;
    pthread_sigmask(SIG_BLOCK, &set, &before);
    const auto failed = [&](const std::string& why) {
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        return error{errc::network, "signals: " + why};
    };
    owned_listener made{new listener(set)};
    if (!made->has_descriptors()) return failed(std::string("no descriptor: ") + std::strerror(errno));
    try {
        made->start();
    } catch (const std::system_error& failure) {
        return failed(std::string{"no thread: "} + failure.what());
    }
    return stop_signals{std::move(made)};
}

bool stop_signals::stopping() const { return listener_->stopping; }

void stop_signals::stop() { listener_->stop(); }

bool stop_signals::wait(std::chrono::milliseconds within) const {
    using std::chrono::steady_clock, std::chrono::milliseconds;
    const auto start = steady_clock::now();
    for (;;) {
        const auto passed = std::chrono::floor<milliseconds>(steady_clock::now() - start);
        // poll() takes an int: a longer wait takes several rounds.
        const auto left = std::clamp(std::max(within, milliseconds{0}) - passed, milliseconds{0},
                                     milliseconds{std::numeric_limits<int>::max()});
        pollfd wanted{listener_->first.get(), POLLIN, 0};
        if (poll(&wanted, 1, static_cast<int>(left.count())) > 0) return true;
        if (left.count() == 0) return false;
    }
}

int stop_signals::fd() const { return listener_->first.get(); }

void stop_signals::on_second(std::function<void()> handler) {
    const std::scoped_lock lock{listener_->mutex};
    listener_->on_second = std::move(handler);
}

result<leave_report> leave_on_signal(node& leaver, stop_signals& stop, leave_options how) {
    struct second_signal { // no second signal reaches the node after this call
        second_signal(node& late, stop_signals& by)
            : signals(by) {
            signals.on_second([&late] { late.end_leave_now(); });
        }
        second_signal(const second_signal&) = delete;
        ~second_signal() { signals.on_second(nullptr); }
        stop_signals& signals;
    };
    stop.wait();
    const second_signal ends_it(leaver, stop);
    return leaver.leave(how);
}

} // namespace baton
