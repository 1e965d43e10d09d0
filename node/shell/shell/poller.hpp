// poller: which of a node's sockets and descriptors may have something to read.
//
// It uses epoll(7), so the cost of a wake-up depends on the sockets with news, not on all sockets. The
// descriptor of a ZeroMQ socket becomes readable when libzmq has work for the socket, and any use of the
// socket may do that work and reset the descriptor. So call touched() after every use of a socket, except
// after reading until nothing is left.
//
// One thread.
#pragma once

#include "shell/descriptor.hpp"

#include <chrono>
#include <cstdint>
#include <vector>

namespace baton::shell {

class poller {
  public:
    /// What a descriptor belongs to; several may have one.
    using name = std::uint32_t;

    /// Throws std::system_error, as add() and add_bell().
    poller();
    /// To be read until nothing is left, or the next wait() names it again.
    void add(int descriptor, name of);
    /// As add(), for a descriptor that is waited for until it can be written to, or has failed.
    void add_writer(int descriptor, name of);
    /// Adds a descriptor that is not read: each new event on it ends a wait.
    void add_bell(int descriptor);
    /// Before it is closed.
    void remove(int descriptor);

    /// Waits until a socket may have something to read, a bell rings, or the time is over. Does not wait
    /// while pending() names anything.
    void wait(std::chrono::milliseconds at_most);
    /// The names with something to read, perhaps, in ascending order.
    [[nodiscard]] const std::vector<name>& pending() const { return pending_; }
    [[nodiscard]] bool is_pending(name of) const;
    void touched(name of);
    /// Nothing is left to read.
    void drained(name of);

  private:
    void watch(int descriptor, std::uint32_t events, std::uint64_t data);

    descriptor epoll_;
    std::vector<name> pending_;
};

} // namespace baton::shell
