// director: five servers, two clients, and a rolling update in both ways.
#pragma once

#include <cstddef>
#include <cstdint>

struct director_settings {
    std::size_t sessions = 0;
    std::uint64_t rate = 0; ///< requests a second of each client
    bool verbose = false;
};

/// Runs the show and prints it on stdout. Exit status 0 and a last line "rolling update: OK lost=0
/// duplicated_owners=0" if every acknowledged move was there whenever it was looked for and no session had
/// two owners at once; otherwise 1 and a last line that begins with "rolling update: FAILED".
[[nodiscard]] int run_director(const director_settings& settings);
