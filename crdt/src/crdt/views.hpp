// views: records, events and session entries as they go into a store and come out of it.
//
// Plain values. Only write_buffers owns memory; the others are valid as long as the function that returned
// them states.
#pragma once

#include "crdt/block.hpp"
#include "crdt/slot.hpp"
#include "crdt/time.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace baton::crdt {

/// A value that is read.
struct record_view {
    dot id{};
    timestamp stamp{};
    std::uint64_t epoch = 0;
    value_type type{};
    std::string_view value;
};

/// A put or a remove as its origin made it.
struct event_view {
    bool removal = false;
    slot_name slot{};
    timestamp stamp{};
    std::uint64_t epoch = 0;
    std::string_view value{};
    /// The dots of *other* origins that this event replaces. Those of its own origin are implied.
    std::span<const dot> kills{};
    /// Becomes visible together with the event after it; used only in frames.
    bool joined = false;
    std::optional<std::chrono::milliseconds> ttl{}; ///< of a register's put: what is left of it
};

/// One entry of a slot's chain as a session brings it.
struct staged_view {
    block::kind what{};
    dot id{};
    timestamp stamp{};
    std::uint64_t epoch = 0;
    std::string_view value{};
    std::optional<std::chrono::milliseconds> ttl{}; ///< what is left of it
};

/// A register or field that has got one more value, by the event of this dot.
struct contest {
    dot id{};
    bool quiet = false; ///< by a write of this replica; or a value was replaced, with none added
};

/// The event of a local write; `kills` and `value` live in buffers of the caller.
struct written {
    dot id{};
    event_view event{};
};
struct write_buffers {
    std::vector<dot> kills;
    std::string value;
};

} // namespace baton::crdt
