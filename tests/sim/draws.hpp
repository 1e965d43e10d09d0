// draws: the options of each simulated node, by chance: bounds so small that the workload crosses every one
// of them, and another set for every node of a world.
//
// Values.
#pragma once

#include "core/mesh_options.hpp"
#include "sim/dice.hpp"

#include <cstddef>

namespace baton::sim {

/// What the nodes of one world have in common.
[[nodiscard]] core::mesh_options draw_world(dice& luck, std::size_t slots, mutation broken);
/// One node of it: `common`, and bounds of its own.
[[nodiscard]] core::mesh_options draw_node(core::mesh_options common, dice& luck);

} // namespace baton::sim
