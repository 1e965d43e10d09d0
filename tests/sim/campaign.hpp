// campaign: one seed is one world: faults, then peace, then everybody must agree. The same seed is the same
// run.
#pragma once

#include "sim/world.hpp"

namespace baton::sim {

struct campaign_options {
    mutation broken = mutation::none;
    /// Gets a line for everything that happens, with virtual time and the name of the node in front.
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

/// All nodes must agree within this virtual time after the peace. It covers, one after the other: an
/// unnoticed crash (4 s of silence), a message up to 5 s late, a session with a server that is gone (3.3 s),
/// and a redial (1 s).
constexpr duration settle_within = std::chrono::seconds(15);

/// Within this further time nothing may be left of nodes that are gone and keys that were removed. Origins
/// are archived after up to 5 s, one after the other if one is reported late, and each heartbeat (500 ms)
/// drops a share.
constexpr duration tidy_within = std::chrono::seconds(20);

[[nodiscard]] outcome run_seed(std::uint64_t seed, const campaign_options& how);

} // namespace baton::sim
