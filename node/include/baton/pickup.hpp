// pickup: how long a read waits, and what it finds.
//
//     #include <baton/node.hpp>
//
//     // The state to start from; nullopt if another node may have a later one.
//     std::optional<std::string> state_to_start_from(const baton::node& node) {
//         const auto got = node.pickup("game/state", {.within = std::chrono::seconds{10},
//                                                     .until = baton::pickup_until::known});
//         if (!got) return std::nullopt;
//         if (got->found()) return got->value;
//         if (got->outcome == baton::pickup_outcome::absent_confirmed) return "a new game";
//         return std::nullopt; // got->who names the nodes that may have it
//     }
//
// Plain values; any thread.
#pragma once

#include <baton/api.hpp>
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
    found,           ///< the key is here
    pending_handoff, ///< a leaving member has announced the key: it is on its way
    /// Every member has reported what it holds, and no member has the key. It needs all of these: every
    /// member in view has answered a question that was put after the call began, and everything these answers
    /// name is applied here; the same for every node that these members know; a majority of
    /// options::mesh_size is in view, if that is set; no spill is left to be read, here or at a member; and
    /// no silent or crashed node is known to hold more than this one. A node that is alone confirms absence
    /// only with options::founding, or when options::alone_after has passed and every seed refuses: silence
    /// proves nothing.
    absent_confirmed,
    /// Another node may have the key: do not start from an empty state. If a process is killed, others may
    /// know that its last write exists and not have it; then the key stays `absent_unsynced` for
    /// liveness.redial_for (6 h), or until another node has exactly its address.
    absent_unsynced,
};
/// The name of the outcome as scripts see it, for example "found". Valid for ever.
[[nodiscard]] BATON_API std::string_view to_string(pickup_outcome outcome);

/// One value of a register or of a field, as this node holds it.
struct stored_value {
    std::string value;        ///< of concurrent values the last writer's; may be empty
    version written{};        ///< the write that made it
    std::size_t siblings = 0; ///< how many other concurrent values there are
    /// Of a register: its last claim or release; nullopt if it was never claimed. Fields have none.
    std::optional<owner_epoch> epoch{};

    /// The node that owns the register, as far as this node knows; nullopt: it is free.
    [[nodiscard]] std::optional<replica_id> owner() const {
        return epoch && epoch->is_owned() ? std::optional(written.id.replica) : std::nullopt;
    }
};

/// What a pickup found: with `found` the value, otherwise why there is none.
struct pickup_result : stored_value {
    pickup_outcome outcome{}; ///< decides which other members mean something

    /// With pending_handoff: the leaving member. With absent_unsynced: the nodes that have not answered, that
    /// hold or held more than this node does, or that a member knows and this node has not met. Empty if this
    /// node is alone, in a minority of options::mesh_size, or has a spill to read.
    std::vector<replica_id> who{};
    /// With absent_unsynced, if this node has met no member: the seeds at which a member may be running.
    std::vector<std::string> seeds{};

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
    /// Wait at most this long, and ask every member. nullopt, and 0 or less: answer at once and ask none.
    std::optional<std::chrono::milliseconds> within{};
    pickup_until until = pickup_until::found; ///< what ends the wait earlier
};

} // namespace baton
