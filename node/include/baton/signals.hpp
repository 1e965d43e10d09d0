// signals: turns SIGTERM and SIGINT into a leave.
//
//     int serve(baton::options settings) {
//         auto stop = baton::stop_signals::block(); // before the program's first thread
//         auto node = baton::node::start(std::move(settings));
//         if (!stop || !node) return 1;
//         while (!stop->wait(std::chrono::seconds{1})) { // an event loop would poll stop->fd()
//             if (!node->add("seconds served")) return 1;
//         }
//         const auto report = baton::leave_on_signal(*node, *stop); // one more signal ends it at once
//         return report && report->outcome == baton::leave_outcome::safe ? 0 : 1;
//     }
//
// The object blocks the signals and reads them from a descriptor on a thread of its own. So no signal
// interrupts a call, and no code of the program runs in a signal handler. This works only if every thread of
// the program blocks them. Threads inherit the mask, so call block() before the program starts its first
// thread; the threads of a node block all signals themselves and may run already. Programs started by exec
// inherit the mask, too: restore it for them (posix_spawnattr_setsigmask). The signals stay blocked after the
// object is destroyed, so that a signal during the last steps of main() cannot change the exit status. In a
// forked child the object receives nothing and may only be destroyed.
//
// Thread contract: one thread calls block() and destroys the object; any thread makes the other calls. At
// most one object per signal at a time: two would each get a part of the signals. Movable; a moved-from
// object may only be destroyed or assigned to. Linux only (signalfd).
#pragma once

#include <baton/api.hpp>
#include <baton/node.hpp>

#include <chrono>
#include <csignal>
#include <functional>
#include <initializer_list>
#include <memory>

namespace baton {

/// Receives stop signals for the program.
class BATON_API stop_signals {
  public:
    /// Blocks the signals `numbers` in this thread and receives them from now on, including one that is
    /// pending already. A signal that the parent process has set to be ignored (nohup) stays ignored. Errors:
    /// network (no descriptor or thread is available); then no signal is blocked.
    static result<stop_signals> block(std::initializer_list<int> numbers = {SIGTERM, SIGINT});

    stop_signals(stop_signals&&) noexcept;            ///< takes the signals over
    stop_signals& operator=(stop_signals&&) noexcept; ///< ends this object and takes the signals over
    ~stop_signals();                                  ///< stops receiving; the signals stay blocked

    /// True once a signal has arrived, or stop() was called.
    [[nodiscard]] bool stopping() const;
    /// Waits until stopping() is true; false if `within` passes first.
    bool wait(std::chrono::milliseconds within = std::chrono::milliseconds::max()) const;
    /// Acts as if a signal had arrived.
    void stop();
    /// A descriptor for poll() and epoll, readable from the first signal on. Do not read from it. The object
    /// closes it.
    [[nodiscard]] int fd() const;
    /// Sets the function that the object's thread calls at each signal after the first. Replaces the former
    /// function and waits until a running call of it returns. `handler` must not call on_second and must not
    /// destroy the object.
    void on_second(std::function<void()> handler);

  private:
    struct BATON_LOCAL listener;
    struct BATON_LOCAL end_of_listener {
        void operator()(listener* ended) const noexcept;
    };
    using owned_listener = std::unique_ptr<listener, end_of_listener>;
    explicit stop_signals(owned_listener made);
    owned_listener listener_;
};

/// Waits for a signal unless one has arrived, then leaves. A second signal ends the leave at once with what
/// it has reached (node::end_leave_now). Kubernetes kills a program 30 s after its SIGTERM; the default
/// options::leave_within of 25 s fits into that. Any thread, one call at a time. Clears the function set by
/// on_second(). Errors: those of node::leave.
BATON_API result<leave_report> leave_on_signal(node& leaver, stop_signals& stop, leave_options how = {});

} // namespace baton
