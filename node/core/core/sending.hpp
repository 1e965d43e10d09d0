// sending: own events on their way out.
//
// Plain records; the mesh that holds them keeps them consistent.
#pragma once

#include "core/io.hpp"
#include "crdt/cut.hpp"
#include "wire/rows.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

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

/// The leaving of this node, from its announcement on.
struct own_leaving {
    std::uint64_t number;
    std::size_t copies;
    cut final;
    instant repeat_at;
    bool said_left = false;
    std::vector<std::string> manifest{}; ///< keys that nobody has acknowledged, in bounded pieces
};

} // namespace baton::core
