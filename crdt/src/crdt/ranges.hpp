// ranges: how far a log has been walked, and what a store reports of a range of dots in a comparison.
//
// Values.
#pragma once

#include "crdt/plain_names.hpp"

#include <baton/dot.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace baton::crdt {

/// How far a serving session has walked each origin's log, by origin index.
struct log_walk {
    std::vector<std::uint64_t> at;
    std::size_t origin = 0;
};

/// The counters in (after, last] of one replica.
struct dot_range {
    replica_id origin{};
    std::uint64_t after = 0, last = 0;
    friend bool operator==(const dot_range&, const dot_range&) = default;
};
/// How many records of a range are held, and the sum of their hashes.
struct range_sum {
    std::uint64_t count = 0, hash = 0;
    friend bool operator==(const range_sum&, const range_sum&) = default;
};

struct held_dot {
    std::uint64_t counter = 0;
    std::uint64_t hash = 0;
    bool counts = false; ///< part of a counter: its value may change without its dot
};

} // namespace baton::crdt
