// stash: how a write is made, and what has become of it.
//
// Plain values; any thread.
#pragma once

#include <baton/ack.hpp>
#include <baton/version.hpp>

#include <chrono>
#include <cstddef>
#include <optional>

namespace baton {

/// How a write is made.
struct stash_options {
    ack_level ack{};                        ///< how many members must hold the write
    std::chrono::milliseconds within{5000}; ///< wait at most this long for that, and for members that lag

    /// Time to live; 0: none. Each node counts it on its monotonic clock from the moment it applies the
    /// write, so no wall clock matters; what travels is the rest of it. When the longest ttl of the
    /// concurrent values has passed, reads treat the key as absent; a value without a ttl never passes. The
    /// key is removed everywhere clock_skew_max later, and stats() counts it until then. A later write has
    /// its own ttl or none. In a spill it runs by the wall clock. At most 100 years (bad_argument).
    std::chrono::milliseconds ttl{0};
    /// Write only if the key is at this version on this node; version{}: only if it is absent here.
    std::optional<version> if_version{};
};

/// What a write has reached.
struct stashed {
    version written{};      ///< names the write, for confirm() and if_version
    std::size_t copies = 1; ///< members known to hold it, this one included
    bool met = true;        ///< the level is reached; if not, the write goes on spreading: see confirm()
};

} // namespace baton
