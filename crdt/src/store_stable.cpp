// Forgets what every member has seen: removal records, residues of counters, entries of archived origins.
// Keeps the floor: what a receiver must have seen for a server to walk its logs.
#include "crdt/assert.hpp"
#include "crdt/splice.hpp"
#include "crdt/store.hpp"

#include <algorithm>
#include <functional>

namespace baton::crdt {

// I7: only stable removal records go. The floor rises with them, so that a receiver that has not seen them is
// not served by walking the logs (I8).
bool store::collect(const cut& stable, std::size_t steps) {
    if (fold_) return false;
    for (auto& from : origins_) {
        const auto limit = std::min(stable.of(from.id), from.counter);
        auto& heap = from.removals;
        while (!heap.empty() && heap.front() <= limit) {
            if (steps-- == 0) return true;
            const auto counter = heap.front();
            std::pop_heap(heap.begin(), heap.end(), std::greater<>{});
            heap.pop_back();
            const auto h = from.log.at(counter);
            if (h == 0 || !at(h).is(block::kind::removal)) continue; // superseded already
            splice(at(h).slot(), 0, [&](const block& b) { return &b == &at(h); });
            if (broken_ != mutation::i7_drop_unstable) from.floor = std::max(from.floor, counter);
        }
        if (heap.empty() && heap.capacity() > 64) heap.shrink_to_fit();
    }
    return false;
}

void store::forget_residues(const replica_id& id, std::size_t first) {
    const auto known = find_origin(id);
    if (!known || fold_) return;
    auto& from = origins_[*known];
    first = std::min(first, from.residues.size());
    for (std::size_t i = 0; i < first; ++i) {
        const auto h = from.log.at(from.residues[i]);
        if (h == 0 || !at(h).is(block::kind::record) || is_visible(at(h))) continue; // replaced already
        splice(at(h).slot(), 0, [&](const block& b) { return &b == &at(h); });
    }
    from.residues.erase(from.residues.begin(), from.residues.begin() + static_cast<std::ptrdiff_t>(first));
    if (from.residues.empty()) from.residues.shrink_to_fit();
}

// A residue is needed only while an older record of its origin can still arrive. That is over if the origin
// has left and all its events are here.
void store::forget_closed_residues(std::size_t most) {
    for (std::size_t i = 1; i < origins_.size() && most != 0; ++i) {
        const auto count = std::min(most, origins_[i].residues.size());
        if (count == 0 || !is_closed_for_good(origins_[i].id)) continue;
        forget_residues(origins_[i].id, count);
        most -= count;
    }
}

bool store::may_walk(const cut& receiver_seen) const {
    if (broken_ == mutation::i8_skip_floor_check || is_disjoint(receiver_seen)) return true;
    const auto passes = [&](const dot& floor) { return floor.counter <= receiver_seen.of(floor.replica); };
    const auto low = floor();
    return std::all_of(low.entries().begin(), low.entries().end(), passes) &&
           std::all_of(archive_.entries().begin(), archive_.entries().end(), passes);
}

void store::tidy() {
    BATON_ASSERT(!fold_ && staged_slots() == 0);
    for (std::uint32_t i = 1; i < origins_.size(); ++i) {
        auto& each = origins_[i];
        if (each.id.is_nil() || !each.log.empty() || (each.counter != 0 && !each.archived)) continue;
        origin_index_.erase(each.id);
        each = {};
        free_origins_.push_back(i);
    }
    last_origin_ = 0;
}

} // namespace baton::crdt
