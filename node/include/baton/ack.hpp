// ack: how much proof a writer wants that its write lives elsewhere.
//
// Plain values; any thread. A member *holds* a write when it has told that it has applied it, is up, is not
// leaving and not full; what has merely been sent to it proves nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace baton {

struct ack_level {
    enum class kind : std::uint8_t { local, copies, majority, all_up };
    kind what = kind::local;
    std::size_t count = 1; ///< of `copies`

    /// Applied here.
    static constexpr ack_level local() { return {}; }
    /// `count` members hold it, this node included; at least 1.
    static constexpr ack_level copies(std::size_t count) { return {kind::copies, count}; }
    /// More than half of options::mesh_size hold it; an error where that is not set.
    static constexpr ack_level majority() { return {kind::majority, 0}; }
    /// Every member that was up at the call and still is holds it, and at least two do.
    static constexpr ack_level all_up() { return {kind::all_up, 0}; }
    friend constexpr bool operator==(const ack_level&, const ack_level&) = default;
};

/// Who holds a write, as far as they have told.
struct holding {
    std::size_t copies = 0; ///< members, this node included
    bool met = false;       ///< the wanted level is reached
};

} // namespace baton
