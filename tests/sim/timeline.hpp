// timeline: the virtual clock and its events. Time moves only from one due event to the next.
//
// One thread. Events due at the same instant happen in the order in which they were added.
#pragma once

#include "crdt/time.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace baton::sim {

using namespace crdt;

using duration = std::chrono::nanoseconds;
using happening = std::function<void()>;

class timeline {
  public:
    [[nodiscard]] instant now() const { return now_; }
    void at(instant due, happening what) {
        queue_.push_back({std::max(due, now_), ++order_, std::move(what)});
        std::push_heap(queue_.begin(), queue_.end(), later);
    }
    void after(duration delay, happening what) { at(now_ + delay, std::move(what)); }
    /// Runs the next event if it is due by `limit`. Otherwise moves the clock there and returns false.
    bool advance(instant limit) {
        if (queue_.empty() || queue_.front().due > limit) {
            now_ = std::max(now_, limit);
            return false;
        }
        std::pop_heap(queue_.begin(), queue_.end(), later);
        auto next = std::move(queue_.back());
        queue_.pop_back();
        now_ = next.due;
        next.what();
        return true;
    }

  private:
    struct entry {
        instant due;
        std::uint64_t order;
        happening what;
    };
    static bool later(const entry& a, const entry& b) {
        return a.due != b.due ? a.due > b.due : a.order > b.order;
    }
    instant now_{};
    std::uint64_t order_ = 0;
    std::vector<entry> queue_;
};

} // namespace baton::sim
