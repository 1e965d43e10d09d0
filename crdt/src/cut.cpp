#include "crdt/cut.hpp"

#include "crdt/assert.hpp"

#include <algorithm>

namespace baton {

namespace {
auto position(auto& entries, const replica_id& replica) {
    return std::lower_bound(
        entries.begin(), entries.end(), replica,
        [](const dot& entry, const replica_id& wanted) { return entry.replica < wanted; });
}
} // namespace

std::uint64_t cut::of(const replica_id& replica) const {
    const auto at = position(entries_, replica);
    return at != entries_.end() && at->replica == replica ? at->counter : 0;
}

bool cut::covers(const cut& other) const {
    return std::all_of(other.entries_.begin(), other.entries_.end(),
                       [this](const dot& id) { return has(id); });
}

void cut::set(const replica_id& replica, std::uint64_t counter) {
    const auto at = position(entries_, replica);
    const bool present = at != entries_.end() && at->replica == replica;
    if (counter == 0) {
        if (present) entries_.erase(at);
    } else if (present) {
        at->counter = counter;
    } else {
        const auto place = at - entries_.begin();
        if (entries_.size() == entries_.capacity())
            entries_.reserve(entries_.size() + entries_.size() / 4 + 4);
        entries_.insert(entries_.begin() + place, dot{replica, counter});
    }
}

void cut::raise(const dot& id) {
    if (id.counter > of(id.replica)) set(id.replica, id.counter);
}

void cut::join(const cut& other) {
    for (const dot& id : other.entries_) raise(id);
}

void cut::push_back(const dot& id) {
    BATON_ASSERT(id.counter != 0 && (entries_.empty() || entries_.back().replica < id.replica));
    entries_.push_back(id);
}

std::uint64_t events_missing(const cut& behind, const cut& ahead) {
    std::uint64_t missing = 0;
    for (const dot& id : ahead.entries()) {
        const auto known = behind.of(id.replica);
        if (id.counter > known) missing += id.counter - known;
    }
    return missing;
}

} // namespace baton
