#include "crdt/expiry.hpp"

namespace baton::crdt {

void expiry::remove(instant deadline, handle value) {
    if (timers_.erase({deadline, value}) == 0) postponed_.erase(value);
}

void expiry::adopt(std::set<timer>& staged) {
    staged.insert(timers_.begin(), timers_.end());
    timers_.swap(staged);
}

std::optional<instant> expiry::next_deadline() const {
    const auto next = timers_.upper_bound({now_, ~handle{0}});
    return next == timers_.end() ? std::nullopt : std::optional(next->first);
}

} // namespace baton::crdt
