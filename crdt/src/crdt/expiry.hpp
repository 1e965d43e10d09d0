// expiry: when values with a time to live expire, by this node's clock. It keeps a timer for each such value.
// The store knows which values make up a register, and whether all of them have expired.
//
// Owned by a store; same thread contract. A value waits for its deadline, or it is *postponed*: its deadline
// has passed, but its register has another value that has not expired. add, remove and each step of a search
// are O(log values). Call next_deadline() for the moment to call again.
#pragma once

#include "crdt/arena.hpp"
#include "crdt/time.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <utility>

namespace baton::crdt {

class expiry {
  public:
    using timer = std::pair<instant, handle>;
    static constexpr std::size_t timer_bytes = 48; ///< a node of a tree

    /// The moment by which reads decide; it never goes back.
    void set_now(instant now) { now_ = std::max(now_, now); }
    [[nodiscard]] instant now() const { return now_; }

    void add(instant deadline, handle value) { timers_.emplace(deadline, value); }
    void remove(instant deadline, handle value);
    /// Adds all of `staged`; afterwards `staged` has the timers that are no longer needed.
    void adopt(std::set<timer>& staged);
    [[nodiscard]] bool empty() const { return timers_.empty() && postponed_.empty(); }
    [[nodiscard]] std::size_t size() const { return timers_.size() + postponed_.size(); }
    /// Every deadline has passed.
    [[nodiscard]] bool all_passed() const { return timers_.empty() || timers_.rbegin()->first <= now_; }
    /// The first deadline after now.
    [[nodiscard]] std::optional<instant> next_deadline() const;

    /// Calls `note(handle)` for values whose deadlines have passed since the last time, up to `steps` of
    /// them; true when more are left.
    template <class Note>
    bool note_passed(std::size_t steps, Note note) {
        const timer until{now_, ~handle{0}};
        for (auto next = timers_.upper_bound(noted_); next != timers_.end() && *next <= until; ++next) {
            if (steps-- == 0) return true;
            note(next->second);
            noted_ = *next;
        }
        noted_ = std::max(noted_, until);
        return false;
    }
    /// Skips the deadlines that have passed by now: they are not noted.
    void skip_passed() { noted_ = {now_, ~handle{0}}; }

    /// The first value with a deadline up to `until` for which `over(handle)` holds; it stays, and the next
    /// call finds it again. Values passed on the way are postponed. Looks at `steps` values; if `steps` is 0
    /// afterwards, call again.
    template <class Over>
    [[nodiscard]] std::optional<handle> next_over(instant until, std::size_t& steps, Over over) {
        while (steps != 0 && !timers_.empty() && timers_.begin()->first <= until) {
            --steps;
            const auto value = timers_.begin()->second;
            if (over(value)) return value;
            timers_.erase(timers_.begin());
            postponed_.insert(value);
        }
        return std::nullopt;
    }
    /// The same among the postponed values, continuing each time; after one full round `steps` is not 0.
    template <class Over>
    [[nodiscard]] std::optional<handle> next_postponed(std::size_t& steps, Over over) {
        for (; steps != 0 && !postponed_.empty(); --steps) {
            const auto next = postponed_.upper_bound(last_postponed_);
            if (next == postponed_.end()) {
                last_postponed_ = 0;
                break;
            }
            last_postponed_ = *next;
            if (over(*next)) return *next;
        }
        return std::nullopt;
    }

  private:
    instant now_{};
    std::set<timer> timers_;     ///< of every value with a deadline, but those that are
    std::set<handle> postponed_; ///< expired, with a sibling that is not
    timer noted_{};              ///< up to where note_passed() has come
    handle last_postponed_ = 0;
};

} // namespace baton::crdt
