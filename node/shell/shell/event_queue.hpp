// event_queue: the events that the program has not read yet, up to a bound; beyond it the oldest are dropped,
// and the reader learns how many. On demand it makes a descriptor that is readable while an event waits.
//
// Owned by a node's io_thread and used under its lock. push and next are O(1).
#pragma once

#include "shell/ready_descriptor.hpp"

#include <baton/event.hpp>
#include <baton/result.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace baton::shell {

class event_queue {
  public:
    explicit event_queue(std::size_t most)
        : most_(most) {}

    void push(event told);
    /// An event has been pushed, or dropped.
    [[nodiscard]] bool has_some() const { return !events_.empty() || dropped_ != 0; }
    /// The oldest event; before it the event `dropped`, if some have been dropped since the last call.
    [[nodiscard]] std::optional<event> next();
    /// Made at the first call, closed with the queue. Errors: network, with what the system says.
    [[nodiscard]] result<int> fd();

  private:
    std::size_t most_;
    std::deque<event> events_;
    std::uint64_t dropped_ = 0;
    ready_descriptor readable_;
};

} // namespace baton::shell
