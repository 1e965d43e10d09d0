// sending: own events on their way out.
//
// Plain records; the mesh that holds them keeps them consistent.
#pragma once

#include "core/io.hpp"
#include "wire/rows.hpp"

#include <cstdint>

namespace baton::core {

/// Own events packed until they are sent.
struct batch {
    std::uint64_t first;
    wire::event_writer rows;
    bool open = false; ///< its last event belongs together with the next
};
/// Own events up to `last`, and after those of the span before, were sent from then on.
struct sent_span {
    std::uint64_t last;
    instant begun;
};

} // namespace baton::core
