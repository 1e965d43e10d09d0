// threads: starts the node's threads, and detects a forked child, which has none of them.
#pragma once

#include <csignal>
#include <thread>
#include <utility>

namespace baton::shell {

/// From the first call on, forks() counts. Any thread.
void count_forks();
/// How often this process has become the child of a fork() since then. Any thread.
[[nodiscard]] int forks() noexcept;

/// While the object lives, this thread and the threads that it starts receive no signals; pending ones are
/// delivered afterwards. Signals are for the program's own threads. Signals that report a fault of the thread
/// itself are not blocked.
class undisturbed {
  public:
    /// `profiled`: a profiler's signal is not blocked, so that its samples include this thread. A call that
    /// it interrupts must be repeated (`uninterrupted`, EINTR).
    explicit undisturbed(bool profiled = false) {
        sigset_t blocked;
        sigfillset(&blocked);
        for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP})
            sigdelset(&blocked, fault);
        if (profiled) sigdelset(&blocked, SIGPROF);
        pthread_sigmask(SIG_SETMASK, &blocked, &before_);
    }
    undisturbed(const undisturbed&) = delete;
    ~undisturbed() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_{};
};

/// A thread of the node's own. Throws std::system_error.
template <class Run>
std::thread start_thread(Run run) {
    const undisturbed at_birth(true); // it inherits this
    return std::thread(std::move(run));
}

/// Whether `count` more threads can be started now. libzmq ends the process if it cannot start its own.
[[nodiscard]] bool can_start_threads(int count) noexcept;

} // namespace baton::shell
