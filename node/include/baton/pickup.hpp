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

enum class pickup_outcome : std::uint8_t {
    found,            ///< here it is
    pending_handoff,  ///< a leaving member has announced it: the bytes are on their way
    absent_confirmed, ///< every member has said what it holds, and that is here: nobody has it
    absent_unsynced,  ///< not here, and somebody may have it: do not start from blank state
};
[[nodiscard]] std::string_view to_string(pickup_outcome outcome);

struct picked {
    pickup_outcome outcome{};
    std::string value;        ///< the last writer's among concurrent values; may be empty when found
    version written{};        ///< of that value
    std::size_t siblings = 0; ///< concurrent values beside this one
    /// pending_handoff: the leaving member. absent_unsynced: who has not answered, or holds, or held, more
    /// than is here, or whom a member knows and this node has not met; none when this node is alone, in a
    /// minority of options::mesh_size, or has a spill to read.
    std::vector<replica_id> who{};
    std::uint64_t epoch = 0; ///< 0: never claimed; odd: owned by whoever wrote it; even: free again
    /// absent_unsynced of a node that has met nobody: the seeds of which it is not known that nobody is
    /// there.
    std::vector<std::string> seeds{};
    /// The node that owns what was found, as far as is known here; nobody: it is free.
    [[nodiscard]] std::optional<replica_id> owner() const {
        return epoch % 2 == 1 ? std::optional(written.id.replica) : std::nullopt;
    }
    [[nodiscard]] bool found() const { return outcome == pickup_outcome::found; }
};

/// What ends the wait of a pickup before its time.
enum class pickup_until : std::uint8_t {
    found, ///< the value: a successor may ask before the predecessor has written
    known, ///< the value, or the certainty that nobody has it: one round trip to every member
};

struct pickup_options {
    std::chrono::milliseconds within{0}; ///< wait this long; 0: what is known now, and nobody is asked
    pickup_until until = pickup_until::found;
};

} // namespace baton
