// Registers with a time to live: when their values are over, what then is hidden, and what is to be removed.
#include "crdt/assert.hpp"
#include "crdt/chain.hpp"
#include "crdt/store.hpp"

namespace baton {

std::optional<std::chrono::milliseconds> store::ttl_of(const block& b) const {
    if (b.ttl == 0) return std::nullopt;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(b.deadline() - now_);
    return std::max(left, std::chrono::milliseconds{0});
}

bool store::all_over(handle head, instant at) const {
    bool any = false, over = true;
    each(head, [&](handle h) {
        const auto& b = block_at(memory_, h);
        if (!is_visible(b)) return;
        any = true;
        over = over && is_over(b, at);
    });
    return any && over;
}

std::optional<std::chrono::milliseconds> store::time_left(std::string_view key) {
    std::optional<std::chrono::milliseconds> longest{};
    if (!has_deadlines() && !fold_) return longest;
    bool endless = false;
    each(head_of({value_type::reg, key, {}}), [&](handle h) {
        const auto& b = at(h);
        if (!is_visible(b)) return;
        if (b.ttl == 0) endless = true;
        longest = std::max(longest, ttl_of(b));
    });
    return endless ? std::nullopt : longest;
}

// Every value with a deadline has a timer, or is postponed, as long as it is in the state.
void store::keep_time(handle h, bool on) {
    const auto deadline = at(h).deadline();
    if (on) {
        timers_.emplace(deadline, h);
    } else if (timers_.erase({deadline, h}) == 0) {
        postponed_.erase(h);
    }
}

std::optional<instant> store::next_deadline() const {
    const auto next = timers_.upper_bound({now_, ~handle{0}});
    return next == timers_.end() ? std::nullopt : std::optional(next->first);
}

bool store::is_all_hidden() const {
    return !fold_ && has_deadlines() && timers_.size() + postponed_.size() == live_records_ &&
           (timers_.empty() || timers_.rbegin()->first <= now_);
}

bool store::note_over(std::size_t steps) {
    const timer until{now_, ~handle{0}};
    if (!notes_.wanted()) noted_ = until;
    for (auto next = timers_.upper_bound(noted_); next != timers_.end() && *next <= until; ++next) {
        if (steps-- == 0) return true;
        notes_.note(at(next->second).key());
        noted_ = *next;
    }
    noted_ = std::max(noted_, until);
    return false;
}

std::optional<std::string> store::next_over(instant until, std::size_t& steps) {
    while (steps != 0 && !timers_.empty() && timers_.begin()->first <= until) {
        --steps;
        const auto h = timers_.begin()->second;
        const auto key = at(h).key();
        if (all_over(head_of({value_type::reg, key, {}}), until)) return std::string(key);
        timers_.erase(timers_.begin());
        postponed_.insert(h);
    }
    return std::nullopt;
}

std::optional<std::string> store::next_postponed(instant until, std::size_t& steps) {
    for (; steps != 0 && !postponed_.empty(); --steps) {
        const auto next = postponed_.upper_bound(last_postponed_);
        if (next == postponed_.end()) {
            last_postponed_ = 0;
            break; // once around
        }
        last_postponed_ = *next;
        const auto key = at(*next).key();
        if (all_over(head_of({value_type::reg, key, {}}), until)) return std::string(key);
    }
    return std::nullopt;
}

written store::remove_over(std::string_view key, timestamp stamp, write_buffers& buffers) {
    return write({value_type::reg, key, {}}, {}, {true, stamp, 0, {}, {}}, buffers);
}

void store::reset_staged() {
    if (old_timers_.empty()) old_timers_.swap(staged_.timers);
    staged_ = {};
}

} // namespace baton
