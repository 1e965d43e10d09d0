// store_bounds: bounds of what a store remembers for later work. What does not fit is found again by a scan
// of everything.
//
// An aggregate with defaults; plain values. All are at least 1.
#pragma once

#include "crdt/arena.hpp"

#include <cstddef>
#include <cstdint>

namespace baton::crdt {

struct store_bounds {
    std::size_t disowned = 1024; ///< keys whose claim by this node has been replaced; a few slices of work
    std::size_t contests = 1024; ///< slots that have more values than before; a few slices of work
    std::uint64_t batches = 15;  ///< abandoned sessions whose records are kept staged; at most batches_max
    std::size_t typed = 4096;    ///< typed slots that an abandoned session may drop in one go

    std::size_t chunks =
        arena::chunks_most; ///< of memory, 1 MiB each; it is full at seven eighths. At least 16

    static constexpr std::uint64_t batches_max = 15; ///< a staged block numbers its batch in four bits
};

} // namespace baton::crdt
