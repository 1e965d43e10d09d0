// told: bounds what this node keeps of the cut that a member reports.
//
// A reported cut may name any replica, and no node can distinguish a replica that is gone from one that never
// existed. The replicas that this node knows, by an event or as a peer, are bounded by its own state. Of
// unknown ones it keeps `limits.unknown_ids_max` per member. An honest cut names far fewer: members, and
// origins that were archived just now. The bound loses nothing: a COMMIT brings all that its server has seen,
// known here or not.
//
// Pure functions.
#pragma once

#include "crdt/cut.hpp"

#include <cstddef>

namespace baton::core {

/// Returns every entry of a known replica, and the first `unknown_max` of the others; adds the number of
/// omitted entries to `left_out`. O(entries × known).
template <class Known>
[[nodiscard]] cut heed(const cut& reported, std::size_t unknown_max, Known known, std::size_t& left_out) {
    cut kept;
    std::size_t unknown = 0;
    for (const dot& id : reported.entries()) {
        if (known(id.replica) || unknown++ < unknown_max) {
            kept.push_back(id);
        } else {
            ++left_out;
        }
    }
    return kept;
}

/// Call after `reported` has been joined into `seen`. If `seen` has more than `unknown_max` unknown replicas,
/// this drops those that `reported` does not name. A member that archives an origin stops naming it; the
/// entry of the archiving origin shows the same. O(entries × known), and O(1) for a cut of at most
/// `unknown_max` entries.
template <class Known>
void trim(cut& seen, const cut& reported, std::size_t unknown_max, Known known) {
    if (seen.size() <= unknown_max) return;
    std::size_t unknown = 0;
    for (const dot& id : seen.entries()) unknown += known(id.replica) ? 0 : 1;
    if (unknown <= unknown_max) return;
    seen.erase_if([&](const dot& id) { return reported.of(id.replica) == 0 && !known(id.replica); });
}

} // namespace baton::core
