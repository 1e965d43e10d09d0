// signals: SIGTERM and SIGINT as a request to leave, for programs that want that.
//
//     auto stop = baton::stop_signals::block();  // first of all, in main()
//     auto node = baton::node::start(settings);
//     ...                                        // work, until stop->wait() or stop->fd() says so
//     auto report = baton::leave_on_signal(*node, *stop);
//
// The signals are blocked, not handled: nothing is interrupted, and no code of the program runs in a signal
// handler. A thread of the object reads them from a descriptor. That works only while no thread of the
// program takes them: threads inherit what is blocked, so block() comes before the program starts its first
// (the threads of a node block everything by themselves, and may be there already). Programs that are
// started by exec inherit it too: give them back the usual mask (posix_spawnattr_setsigmask). The signals
// stay blocked when the object is gone, so that one more, during the last steps of main(), cannot change how
// the program ends. In a forked child the object hears nothing; it may only be destroyed there.
//
// Thread contract: block() and the end of the object by one thread; everything else by any thread. At most
// one object for a signal at a time: two would share what comes between them. Movable; a moved-from object
// may only be destroyed or assigned to. Linux only (signalfd).
#pragma once

#include <baton/node.hpp>

#include <chrono>
#include <csignal>
#include <functional>
#include <initializer_list>
#include <memory>

namespace baton {

class stop_signals {
  public:
    /// Blocks these signals in this thread, and hears them from now on; one that has come before and is
    /// still pending counts. One that is ignored, as a parent process may have wanted (nohup), stays so.
    /// Errors: network (no descriptor or thread to be had); then nothing is blocked.
    static result<stop_signals> block(std::initializer_list<int> numbers = {SIGTERM, SIGINT});

    stop_signals(stop_signals&&) noexcept;
    stop_signals& operator=(stop_signals&&) noexcept;
    ~stop_signals();

    /// One has come.
    [[nodiscard]] bool stopping() const;
    /// Waits until one has come; false when `within` passes first.
    bool wait(std::chrono::milliseconds within = std::chrono::milliseconds::max()) const;
    /// From now on it is as if a signal had come.
    void stop();
    /// For poll() and epoll: readable from the first signal on. Not to be read from; closed with the object.
    [[nodiscard]] int fd() const;
    /// Called on the object's thread at each signal after the first; replaces what was there before, and
    /// waits for a call of that which is under way. It must not call this, nor end the object.
    void on_second(std::function<void()> hurry);

  private:
    struct listener;
    struct end_of_listener {
        void operator()(listener* ended) const noexcept;
    };
    using owned_listener = std::unique_ptr<listener, end_of_listener>;
    explicit stop_signals(owned_listener made);
    owned_listener listener_;
};

/// Waits for a signal, if none has come yet, then leaves; a signal that comes meanwhile ends that at once,
/// with what it has reached (node::hurry). Kubernetes kills a program 30 s after its SIGTERM, which leaves
/// time for options::leave_within, 25 s, and for what comes after. Any thread, but one call at a time;
/// replaces what on_second() has set by nothing. Errors: those of node::leave.
result<leave_report> leave_on_signal(node& leaver, stop_signals& stop, leave_options how = {});

} // namespace baton
