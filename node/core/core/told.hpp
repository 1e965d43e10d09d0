// told: what a member reports that it has seen, kept within a bound.
//
// A reported cut may name any replica, and nobody can tell one that is gone from one that never was. What is
// known here, by an event or as a peer, is bounded by this node's own state; of the others a member may name
// `limits.unknown_ids_max`. An honest cut names members and those that were archived just now: far fewer.
// Nothing is lost by the bound: a COMMIT brings what its server has seen, known here or not.
//
// Pure functions.
#pragma once

#include "crdt/cut.hpp"

#include <cstddef>

namespace baton::core {

/// Every entry of a replica that is known, and the first `unknown_max` of the others; how many were left out.
/// O(entries × known).
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

/// After `reported` has been joined into `seen`: if more than `unknown_max` unknown replicas are in it, those
/// go that `reported` does not name. A member that archives an origin stops naming it, and what it reports
/// of the archiving one says as much. O(entries × known), and O(1) for a cut of at most `unknown_max`
/// entries.
template <class Known>
void trim(cut& seen, const cut& reported, std::size_t unknown_max, Known known) {
    if (seen.size() <= unknown_max) return;
    std::size_t unknown = 0;
    for (const dot& id : seen.entries()) unknown += known(id.replica) ? 0 : 1;
    if (unknown <= unknown_max) return;
    seen.erase_if([&](const dot& id) { return reported.of(id.replica) == 0 && !known(id.replica); });
}

} // namespace baton::core
