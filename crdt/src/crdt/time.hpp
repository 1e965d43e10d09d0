// Time as the pure layers see it: an argument. instant is a point on a monotonic clock that has no now();
// timestamp is a hybrid logical clock reading.
//
// Values; any thread. hybrid_clock is used under the node's lock.
// Source: Kulkarni et al., "Logical Physical Clocks", 2014. 48 bits of milliseconds since 1970, 16 bits of
// counter.
#pragma once

#include "crdt/plain_names.hpp"

#include <chrono>
#include <compare>
#include <cstdint>

namespace baton::crdt {

struct mesh_clock {
    using rep = std::int64_t;
    using period = std::nano;
    using duration = std::chrono::nanoseconds;
    using time_point = std::chrono::time_point<mesh_clock>;
    static constexpr bool is_steady = true;
};
using instant = mesh_clock::time_point;

/// What every input to the core carries: monotonic time, and the wall clock for timestamps only.
struct moment {
    instant now{};
    std::uint64_t wall_ms = 0; ///< milliseconds since 1970
};

/// Orders concurrent values only (invariant I5): it never beats a causally later write.
struct timestamp {
    std::uint64_t raw = 0;
    friend constexpr auto operator<=>(timestamp, timestamp) = default;
    [[nodiscard]] constexpr std::uint64_t milliseconds() const { return raw >> 16; }
    static constexpr timestamp at(std::uint64_t milliseconds) { return {milliseconds << 16}; }
};

class hybrid_clock {
  public:
    explicit hybrid_clock(std::uint64_t skew_max_ms)
        : skew_max_ms_(skew_max_ms) {}

    /// A reading for a local event: past every earlier reading, and past every observed one within the bound.
    timestamp tick(std::uint64_t wall_ms) {
        last_ = std::max(timestamp::at(wall_ms), timestamp{last_.raw + 1});
        return last_;
    }
    /// False, and nothing changed, when `seen` is further ahead of the wall clock than the bound (G7).
    bool observe(timestamp seen, std::uint64_t wall_ms) {
        if (seen.milliseconds() > wall_ms + skew_max_ms_) return false;
        last_ = std::max(last_, seen);
        return true;
    }
    [[nodiscard]] timestamp last() const { return last_; }

  private:
    std::uint64_t skew_max_ms_;
    timestamp last_{};
};

} // namespace baton::crdt
