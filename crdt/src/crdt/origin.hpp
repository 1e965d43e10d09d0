// origin: what a store knows of one replica that has written: the counter up to which its events are seen,
// and which of its events still have blocks here.
//
// Owned by a store; same thread contract. Blocks name their origin by its index in the store's list of
// origins.
#pragma once

#include "crdt/log.hpp"

#include <baton/dot.hpp>

#include <cstdint>
#include <set>
#include <vector>

namespace baton::crdt {

struct origin {
    replica_id id;
    std::uint64_t counter = 0; ///< its events up to here are seen (I2)
    std::uint64_t floor = 0;   ///< removal records up to here may have been forgotten (I8)
    bool archived = false, for_good = false;
    event_log log;
    std::vector<std::uint64_t> removals; ///< min-heap of counters; some may be gone already
    std::vector<std::uint64_t> residues; ///< counters, in the order in which they became residues
    std::set<std::uint64_t> claims;      ///< counters of claimed registers
};

} // namespace baton::crdt
