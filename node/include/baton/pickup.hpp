// pickup: how long a read waits, and what it finds.
//
// Plain values; any thread.
#pragma once

#include <baton/dot.hpp>
#include <baton/version.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton {

/// What a read found, or why the key is absent.
enum class pickup_outcome : std::uint8_t {
    found,            ///< the key is here
    pending_handoff,  ///< a leaving member has announced the key: it is on its way
    absent_confirmed, ///< every member has reported what it holds, and no member has the key
    absent_unsynced,  ///< another node may have the key: do not start from an empty state
};
/// The name of the outcome as scripts see it, for example "found". Valid for ever.
[[nodiscard]] std::string_view to_string(pickup_outcome outcome);

/// What a read found.
struct picked {
    pickup_outcome outcome{}; ///< decides which other members mean something
    std::string value;        ///< of concurrent values the last writer's; may be empty when found
    version written{};        ///< of that value
    std::size_t siblings = 0; ///< how many other concurrent values there are

    /// With pending_handoff: the leaving member. With absent_unsynced: the nodes that have not answered, that
    /// hold or held more than this node does, or that a member knows and this node has not met. Empty if this
    /// node is alone, in a minority of options::mesh_size, or has a spill to read.
    std::vector<replica_id> who{};
    std::uint64_t epoch = 0; ///< 0: never claimed; odd: owned by its writer; even: free again

    /// With absent_unsynced, if this node has met no member: the seeds at which a member may be running.
    std::vector<std::string> seeds{};
    /// The node that owns the key, as far as this node knows; nullopt: the key is free.
    [[nodiscard]] std::optional<replica_id> owner() const {
        return epoch % 2 == 1 ? std::optional(written.id.replica) : std::nullopt;
    }
    /// True if the key is here.
    [[nodiscard]] bool found() const { return outcome == pickup_outcome::found; }
};

/// What ends the wait of a pickup before `within`.
enum class pickup_until : std::uint8_t {
    found, ///< the value: a successor may ask before the predecessor has written
    known, ///< the value, or the certainty that no node has it: one round trip to every member
};

/// How a read waits.
struct pickup_options {
    std::chrono::milliseconds within{0};      ///< wait at most this long; 0: answer at once and ask no member
    pickup_until until = pickup_until::found; ///< what ends the wait earlier
};

} // namespace baton
