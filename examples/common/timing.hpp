// timing: the clock both sides stamp their lines with, and how much longer everything may take where it is
// slow.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>

using steady = std::chrono::steady_clock; // on Linux the same for all processes of a machine

/// Deadlines are multiplied by this: BATON_TEST_SLOWDOWN, e.g. 4 under a sanitizer.
[[nodiscard]] inline int slowdown() {
    const char* factor = std::getenv("BATON_TEST_SLOWDOWN");
    return factor ? std::max(1, std::atoi(factor)) : 1;
}

/// Now, for a line.
[[nodiscard]] inline std::uint64_t stamp() {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(steady::now().time_since_epoch()).count());
}
