// completions: the queue behind a completion_queue. Calls that are under way keep it alive; the program's
// queue may be gone before them.
//
// Any thread; a lock of its own, which is held for a moment only. In a forked child it touches nothing.
#pragma once

#include "shell/ready_descriptor.hpp"
#include "shell/threads.hpp"

#include <baton/completion.hpp>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

namespace baton::shell {

/// What a channel carries.
struct ended_call {
    completion done;
    /// The result of a call that is none of a node's, by whoever has begun it: `done` has its tag only.
    std::shared_ptr<void> result_elsewhere{};
};

class completion_channel {
  public:
    explicit completion_channel(std::size_t calls_max);

    /// Takes a place for a call. Errors: busy, leaving (closed), forked.
    result<void> reserve();
    /// The place is not needed: the call has not begun.
    void give_back();
    /// The result of a call that had a place. Dropped if the channel is closed.
    void push(completion done, std::shared_ptr<void> result_elsewhere = {});
    /// As completion_queue's.
    result<completion> next(std::chrono::milliseconds within);
    /// The same, for who begins calls with results elsewhere.
    result<ended_call> next_of_any(std::chrono::milliseconds within);
    result<int> fd();
    [[nodiscard]] std::size_t under_way() const;
    void close();
    [[nodiscard]] bool forked() const { return forks() != generation_; }

  private:
    [[nodiscard]] bool is_readable() const { return !done_.empty() || closed_; }

    const std::size_t calls_max_;
    const int generation_ = forks();
    mutable std::mutex mutex_;
    std::condition_variable news_;
    std::deque<ended_call> done_;
    std::size_t under_way_ = 0; ///< begun and not read
    ready_descriptor readable_;
    bool closed_ = false;
};

} // namespace baton::shell
