// sending: own events on their way out.
//
// Plain records; the mesh that holds them keeps them consistent.
#pragma once

#include "core/io.hpp"
#include "wire/rows.hpp"

#include <cstdint>
#include <deque>
#include <string>

namespace baton::core {

/// Own events packed until they are sent.
struct batch {
    std::uint64_t first;
    wire::event_writer rows;
    bool open = false; ///< its last event belongs together with the next
};

/// What has been written here and not been sent yet.
struct unsent {
    std::deque<batch> batches;
    std::string room; ///< of a batch that has been sent
    std::size_t bytes = 0;
    std::size_t group_left = 0, group_bytes = 0; ///< of stash_all under way
    bool group_fits = false;
};

} // namespace baton::core
