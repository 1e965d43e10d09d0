#include "crdt/cut.hpp"

#include "crdt/assert.hpp"

#include <algorithm>

namespace baton::crdt {

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
    auto from = entries_.begin();
    for (const dot& id : other.entries_) {
        from = std::lower_bound(from, entries_.end(), id.replica,
                                [](const dot& entry, const replica_id& w) { return entry.replica < w; });
        if (from == entries_.end() || from->replica != id.replica || from->counter < id.counter) return false;
    }
    return true;
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

// The first pass updates the replicas that both cuts have. If `other` has new replicas, the second pass moves
// every entry once, from the back.
void cut::merge(const cut& other, bool highest) {
    std::size_t fresh = 0;
    auto from = entries_.begin();
    for (const dot& id : other.entries_) {
        from = std::lower_bound(from, entries_.end(), id.replica,
                                [](const dot& entry, const replica_id& w) { return entry.replica < w; });
        if (from == entries_.end() || from->replica != id.replica) {
            ++fresh;
        } else if (!highest || id.counter > from->counter) {
            from->counter = id.counter;
        }
    }
    if (fresh == 0) return;
    auto mine = entries_.size();
    if (mine + fresh > entries_.capacity()) entries_.reserve(mine + fresh + (mine + fresh) / 4 + 4);
    entries_.resize(mine + fresh);
    auto to = entries_.size();
    for (auto theirs = other.entries_.size(); to != mine;) { // until every new entry has its place
        if (mine != 0 && entries_[mine - 1].replica >= other.entries_[theirs - 1].replica) {
            if (entries_[mine - 1].replica == other.entries_[theirs - 1].replica) --theirs;
            entries_[--to] = entries_[--mine];
        } else {
            entries_[--to] = other.entries_[--theirs];
        }
    }
}

cut cut::of_dots(std::vector<dot> dots) {
    std::sort(dots.begin(), dots.end());
    cut all;
    for (const dot& id : dots) {
        if (id.counter == 0) continue;
        if (!all.entries_.empty() && all.entries_.back().replica == id.replica) {
            all.entries_.back().counter = id.counter;
        } else {
            all.entries_.push_back(id);
        }
    }
    return all;
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

} // namespace baton::crdt
