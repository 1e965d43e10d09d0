// threads: how the node starts its own, and how it knows that it is in a forked child, where there are none.
#pragma once

#include <csignal>
#include <thread>
#include <utility>

namespace baton::shell {

/// How often this process has come out of a fork() as the child, since the first node was started. Any
/// thread.
[[nodiscard]] int forks() noexcept;

/// No signal disturbs this thread, nor those that it starts, while the object lives: what waits is delivered
/// then. Signals are for the program's own threads; those that report a fault of the thread itself stay.
class undisturbed {
  public:
    /// `profiled`: a profiler's signal comes through, so that its samples have this thread, too. Whoever is
    /// disturbed by it has to call again (`uninterrupted`, EINTR).
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

/// Whether `count` more threads can be had now. libzmq ends the process when it cannot start its own.
[[nodiscard]] bool can_start_threads(int count) noexcept;

} // namespace baton::shell
