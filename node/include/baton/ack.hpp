// ack: how many members must hold a write before the writer returns.
//
//     // From the weakest to the strongest proof.
//     baton::ack_level level_for(int importance) {
//         switch (importance) {
//         case 0: return baton::ack_level::local();      // returns at once
//         case 1: return baton::ack_level::copies(2);    // survives the crash of any one node
//         case 2: return baton::ack_level::majority();   // needs options::mesh_size
//         default: return baton::ack_level::all_up();
//         }
//     }
//
// Plain values; any thread. A member *holds* a write when it has reported that it applied the write, is up,
// does not leave and is not full. A write that has only been sent to a member proves nothing.
#pragma once

#include <cstddef>
#include <cstdint>

namespace baton {

/// How much proof a write waits for. Use the four functions: `{.ack = ack_level::copies(2)}`.
struct ack_level {
    /// The four levels.
    enum class kind : std::uint8_t { local, copies, majority, all_up };
    kind what = kind::local; ///< the level
    std::size_t count = 1;   ///< with `copies`: how many

    /// This node has applied the write; nothing is waited for.
    static constexpr ack_level local() { return {}; }
    /// `count` members hold the write, this node included; at least 1.
    static constexpr ack_level copies(std::size_t count) { return {kind::copies, count}; }
    /// More than half of options::mesh_size members hold the write; bad_argument if that is not set.
    static constexpr ack_level majority() { return {kind::majority, 0}; }
    /// Every member that was up at the call and is still up holds the write, and at least two members do.
    static constexpr ack_level all_up() { return {kind::all_up, 0}; }
    friend constexpr bool operator==(const ack_level&, const ack_level&) = default;
};

} // namespace baton
