// draws: the options of each simulated node, by chance: bounds so small that the workload crosses every one
// of them, and another set for every node of a world.
//
// Values.
#pragma once

#include "core/mesh_options.hpp"
#include "sim/dice.hpp"

#include <cstddef>

namespace baton::sim {

/// Draws the options that all nodes of a world share.
[[nodiscard]] core::mesh_options draw_world(dice& luck, std::size_t slots, crdt::mutation broken);
/// The unusual features of a world; most worlds have none.
struct world_kind {
    std::size_t slots = 0;
    bool forgets = false;       ///< some nodes forget who is gone within 2 s, and know few at a time
    bool lags = false;          ///< some nodes leave a member behind that lacks a few events
    bool limits_values = false; ///< some nodes write small values only
    bool sleeps = false;   ///< processes stand still for longer than every timeout, also inside a session
    bool restarts = false; ///< thousands of times
    bool fills = false;    ///< some nodes have little room, until the peace
    bool boasts = false;   ///< some nodes tell of more than they have written, until the peace
};
[[nodiscard]] world_kind draw_kind(dice luck, std::size_t slots);

/// Draws one node: `common`, with limits and bounds of its own.
[[nodiscard]] core::mesh_options draw_node(core::mesh_options common, const world_kind& kind, dice& luck);

} // namespace baton::sim
