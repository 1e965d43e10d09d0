// threads: how the node starts its own, and how it knows that it is in a forked child, where there are none.
#pragma once

#include <csignal>
#include <thread>
#include <utility>

namespace baton::shell {

/// How often this process has come out of a fork() as the child, since the first node was started. Any
/// thread.
[[nodiscard]] int forks() noexcept;

/// A thread that no signal disturbs: they are for the program's own threads. Those that report a fault of the
/// thread itself stay. Throws std::system_error.
template <class Run>
std::thread start_thread(Run run) {
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGPROF})
        sigdelset(&blocked, fault);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    std::thread started;
    try {
        started = std::thread(std::move(run));
    } catch (...) {
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        throw;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return started;
}

} // namespace baton::shell
