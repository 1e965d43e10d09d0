// inner_bounds: the size of one slice of work, and of queues, lists and questions, where no user has a reason
// to choose. Every node uses the defaults. The simulator draws values so small that each bound is reached,
// except archive_entries, at which honest sessions would end, too.
//
// An aggregate with defaults; plain values. All are at least 1.
#pragma once

#include "crdt/store_bounds.hpp"

#include <cstddef>
#include <cstdint>

namespace baton::core {

struct inner_bounds {
    // a slice of work
    std::size_t slice = 256;         ///< events, rows, records, values or slots that one slice looks at
    std::size_t served_slots = 512;  ///< slots that one slice of serving looks at
    std::size_t claims_a_beat = 256; ///< claims that are checked again per heartbeat
    // sessions
    std::size_t chunks_under_way = 128;                 ///< far below what ROUTER queues for one peer
    std::size_t archive_rows = 8192;                    ///< in one STATE chunk
    std::size_t archive_entries = std::size_t{1} << 22; ///< of a server; beyond them a session ends
    std::uint64_t branching = 16;                       ///< parts of a range that is compared; at least 2
    std::size_t listed = 32;                            ///< records of a range that are listed one by one
    std::size_t asked = 64;                             ///< ranges in one question; at most asked_max
    std::size_t listing_bytes = std::size_t{256} << 10; ///< of an answer; above it only sums are listed
    // what waits
    std::size_t wants = 256;        ///< dots that one ASK asks for; at most wants_max
    std::size_t sent_spans = 256;   ///< spans of time that own events are dated by; at least 2
    std::size_t watched = 256;      ///< slots with siblings that are remembered; others are found by a scan
    std::size_t conflicts = 256;    ///< conflicts that are named in a second; the others are counted
    std::size_t lost_claims = 1024; ///< lost claims that wait to be reported; others are not reported
    store_bounds store{};

    // The most that a peer may ask for, whatever its own bounds are.
    static constexpr std::size_t asked_max = 64, wants_max = 256;
};

} // namespace baton::core
