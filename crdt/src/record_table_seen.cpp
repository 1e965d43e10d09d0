// What a record_table has seen: its origins, the last event of each, which origins are archived, and their
// claims.
#include "crdt/record_table.hpp"

#include <algorithm>

namespace baton::crdt {

// ---------------------------------------------------------------- origins and dots

std::optional<std::uint32_t> record_table::find_origin(const replica_id& id) const {
    if (origins_[last_origin_].id == id) return last_origin_;
    const auto found = origin_index_.find(id);
    if (found == origin_index_.end()) return std::nullopt;
    last_origin_ = found->second;
    return last_origin_;
}

// nullopt if there are more replicas than the origin field of a block can number.
std::optional<std::uint32_t> record_table::intern(const replica_id& id) {
    if (const auto known = find_origin(id)) return known;
    std::uint32_t number = 0;
    if (!free_origins_.empty()) {
        number = free_origins_.back();
        free_origins_.pop_back();
    } else {
        if (origins_.size() > origins_max) return std::nullopt;
        number = static_cast<std::uint32_t>(origins_.size());
        origins_.emplace_back();
    }
    auto& fresh = origins_[number];
    fresh.id = id;
    fresh.counter = fresh.floor = archive_.of(id);
    fresh.archived = fresh.counter != 0;
    origin_index_.emplace(id, number);
    last_origin_ = number;
    return number;
}

std::uint64_t record_table::counter_of(const replica_id& replica) const {
    const auto known = find_origin(replica);
    return known ? origins_[*known].counter : archive_.of(replica);
}

bool record_table::covers(const cut& other) const {
    return std::all_of(other.entries().begin(), other.entries().end(),
                       [this](const dot& id) { return has_seen(id); });
}

std::uint64_t record_table::lacks(const cut& other) const {
    std::uint64_t missing = 0;
    for (const dot& id : other.entries()) {
        const auto known = counter_of(id.replica);
        if (id.counter > known) missing += id.counter - known;
    }
    return missing;
}

cut record_table::seen() const {
    cut all;
    for (const auto& [id, number] : origin_index_) {
        const auto& each = origins_[number];
        if (each.counter != 0 && !each.archived) all.push_back({id, each.counter});
    }
    return all;
}

// ---------------------------------------------------------------- events and the archive

// I3: called after all effects of the event. An archived origin that writes again returns to the cut (I9).
void record_table::note_event(std::uint32_t number, std::uint64_t counter) {
    auto& from = origins_[number];
    from.counter = counter;
    if (from.archived) reopen(cut::of_dots({{from.id, archive_.of(from.id)}}));
    ++generation_;
}

// Takes origins out of the archive. Every entry of `all` must be in it.
void record_table::reopen(const cut& all) {
    archive_.erase_if([&](const dot& id) { return all.of(id.replica) != 0; });
    for (const dot& id : all.entries()) {
        archive_digest_ -= hash_record({id.replica, id.counter, 0, 0, 0}, {}, {}, {});
        auto& from = origins_[*find_origin(id.replica)];
        from.archived = from.for_good = false;
    }
}

// I9: an archived origin leaves the cut that nodes exchange; its records stay, under their own dots. A
// counter that is not the current one is out of date: the origin has written since.
void record_table::set_archived(const replica_id& id, std::uint64_t counter, bool for_good) {
    if (counter == 0 || counter != counter_of(id)) return;
    if (const auto known = find_origin(id); known && for_good) origins_[*known].for_good = true;
    if (archive_.of(id) == counter) return;
    cut one;
    one.push_back({id, counter});
    enter_archive(one);
}

// Precondition: no entry is in the archive, and each has exactly the counter seen here, or no event of its
// origin has been seen.
void record_table::enter_archive(const cut& all) {
    archive_.join(all);
    for (const dot& id : all.entries()) {
        archive_digest_ += hash_record({id.replica, id.counter, 0, 0, 0}, {}, {}, {});
        const auto known = find_origin(id.replica);
        if (!known) continue;
        origins_[*known].archived = true;
        origins_[*known].log.compact();
        origins_[*known].floor = id.counter;
    }
    ++generation_;
}

// ---------------------------------------------------------------- closed, and forgotten

bool record_table::is_closed_for_good(const replica_id& id) const {
    const auto known = find_origin(id);
    return known && origins_[*known].archived && origins_[*known].for_good;
}

cut record_table::closed_for_good() const {
    cut all;
    for (const auto& [id, number] : origin_index_) {
        if (is_closed_for_good(id)) all.push_back({id, origins_[number].counter});
    }
    return all;
}

void record_table::close_for_good(const cut& entries) {
    for (const auto& id : entries.entries()) {
        if (archive_.of(id.replica) == id.counter) set_archived(id.replica, id.counter, true);
    }
}

cut record_table::floor() const {
    cut all;
    for (const auto& [id, number] : origin_index_) {
        if (origins_[number].floor != 0 && !origins_[number].archived)
            all.push_back({id, origins_[number].floor});
    }
    return all;
}

void record_table::raise_floor(const cut& server) {
    for (const auto& id : server.entries()) {
        if (const auto known = find_origin(id.replica))
            origins_[*known].floor = std::max(origins_[*known].floor, id.counter);
    }
}

std::size_t record_table::residues_of(const replica_id& id) const {
    const auto known = find_origin(id);
    return known ? origins_[*known].residues.size() : 0;
}

// True if neither side has seen an event of an origin that the other has seen.
bool record_table::is_disjoint(const cut& other) const {
    return std::none_of(other.entries().begin(), other.entries().end(),
                        [&](const dot& id) { return counter_of(id.replica) != 0; });
}

// ---------------------------------------------------------------- walking

log_walk record_table::walk_from(const cut& receiver) const {
    log_walk walk;
    walk.at.reserve(origins_.size());
    for (const auto& each : origins_) walk.at.push_back(std::min(receiver.of(each.id), each.counter));
    return walk;
}

std::optional<dot> record_table::next(log_walk& walk, std::size_t& steps) const {
    // An origin that appeared since the walk began is walked from its first event.
    walk.at.resize(origins_.size(), 0);
    if (walk.origin >= origins_.size()) walk.origin = 0;
    for (std::size_t round = 0; round <= origins_.size(); ++round) {
        const auto& each = origins_[walk.origin];
        auto& at = walk.at[walk.origin];
        if (at < each.counter) {
            if (const auto counter = each.log.next(at, each.counter, steps)) return dot{each.id, counter};
            if (steps == 0) return std::nullopt;
        }
        walk.origin = (walk.origin + 1) % origins_.size();
    }
    return std::nullopt;
}

std::optional<dot> record_table::next(dot_range& range, std::size_t& steps) const {
    const auto known = find_origin(range.origin);
    if (known && range.after < range.last) {
        const auto last = std::min(range.last, origins_[*known].counter);
        if (const auto counter = origins_[*known].log.next(range.after, last, steps))
            return dot{range.origin, counter};
        if (steps == 0) return std::nullopt;
    }
    range.after = range.last;
    return std::nullopt;
}

// ---------------------------------------------------------------- claims

std::vector<std::pair<replica_id, std::size_t>> record_table::claimants() const {
    std::vector<std::pair<replica_id, std::size_t>> all;
    if (epochs_ == 0) return all;
    for (const auto& each : origins_) {
        if (!each.claims.empty()) all.emplace_back(each.id, each.claims.size());
    }
    return all;
}

std::uint64_t record_table::next_claim(const replica_id& owner, std::uint64_t after) const {
    const auto from = find_origin(owner);
    if (!from) return 0;
    const auto& claims = origins_[*from].claims;
    const auto next = claims.upper_bound(after);
    return next == claims.end() ? 0 : *next;
}

} // namespace baton::crdt
