// campaign: one seed is one world: faults, then peace, then everybody must agree. The same seed is the same
// run.
#pragma once

#include "sim/world.hpp"

namespace baton::sim {

struct campaign_options {
    mutation broken = mutation::none;
    /// Told everything, with virtual time and the node's name in front.
    std::function<void(std::string_view line)> tell;
};

struct outcome {
    std::string failure; ///< empty: none
    tally faults;
    duration simulated{}, settling{}; ///< all of it; from the peace until all agreed
    std::uint64_t trace_hash = 0;
    std::uint64_t writes = 0, sessions = 0, processes = 0, leaves_met = 0, half_folded = 0, promises_kept = 0,
                  woken = 0, spills_merged = 0, recovered = 0, statements = 0;
    spending most{};       ///< that any node has spent in a second
    duration standstill{}; ///< the longest of a reachable origin
};

/// From the peace on, all must agree within this virtual time: a crash unnoticed until then (4 s of silence),
/// a message up to 5 s late, a session with a server that is gone (3.3 s) and the redial (1 s) fit one after
/// the other.
constexpr duration settle_within = std::chrono::seconds(15);

/// And from then on nothing may be left of what is gone or removed: origins are archived after up to 5 s, one
/// after the other where one that is to be archived is told of late, and each heartbeat (500 ms) drops a
/// share.
constexpr duration tidy_within = std::chrono::seconds(20);

[[nodiscard]] outcome run_seed(std::uint64_t seed, const campaign_options& how);

} // namespace baton::sim
