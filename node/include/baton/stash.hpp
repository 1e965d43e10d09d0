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

/// How a write is to be made.
struct stash_options {
    ack_level ack{};                        ///< how much proof to wait for
    std::chrono::milliseconds within{5000}; ///< wait this long for it, and for members that lag
    /// Not 0: the key is over after that time, counted on each node's monotonic clock from when the write is
    /// applied there, so that no wall clock matters; what travels is what is left of it. A key is hidden from
    /// every read, as if it were not there, when the longest of its concurrent values is over (one without
    /// `ttl` never is), and removed everywhere clock_skew_max later; until then stats() counts it. A later
    /// write has its own `ttl` or none. In a spill it goes on by the wall clock. Up to 100 years, or
    /// bad_argument.
    std::chrono::milliseconds ttl{0};
    /// Only if the key is at this version here; version{}: only if it is not here at all.
    std::optional<version> if_version{};
};

/// What has become of a write.
struct stashed {
    version written{};
    std::size_t copies = 1; ///< members known to hold it, this one included
    bool met = true;        ///< the level was reached; if not, it goes on spreading: see confirm()
};

} // namespace baton
