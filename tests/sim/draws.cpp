#include "sim/draws.hpp"

#include "sim/network.hpp"

#include <initializer_list>

namespace baton::sim {

namespace {

// Half of the nodes have the default; of the others most have next to nothing.
template <class Number>
void shrink(Number& bound, dice& luck, std::uint64_t least, std::uint64_t most) {
    if (luck.chance(500)) return;
    bound = static_cast<Number>(luck.between(least, luck.chance(600) ? std::min(most, 4 * least) : most));
}

core::inner_bounds draw_bounds(dice& luck) {
    core::inner_bounds b;
    shrink(b.slice, luck, 1, 300);
    shrink(b.served_slots, luck, 1, 600);
    shrink(b.claims_a_beat, luck, 16, 256); // of some 60 claims in the 12 s after the peace
    shrink(b.chunks_under_way, luck, 1, 128);
    shrink(b.archive_rows, luck, 1, 100);
    shrink(b.branching, luck, 2, 64);
    shrink(b.listed, luck, 1, 64);
    shrink(b.asked, luck, 1, core::inner_bounds::asked_max);
    shrink(b.listing_bytes, luck, 1, 4000);
    shrink(b.wants, luck, 1, core::inner_bounds::wants_max);
    shrink(b.sent_spans, luck, 2, 256);
    shrink(b.watched, luck, 64, 256); // of 700 keys in 12 s, as many as that with each heartbeat
    shrink(b.conflicts, luck, 1, 256);
    shrink(b.lost_claims, luck, 1, 1024);
    shrink(b.store.disowned, luck, 1, 1024);
    shrink(b.store.contests, luck, 1, 1024);
    shrink(b.store.batches, luck, 1, store_bounds::batches_max);
    shrink(b.store.typed, luck, 1, 4096);
    return b;
}

} // namespace

core::mesh_options draw_world(dice& luck, std::size_t slots, mutation broken) {
    core::mesh_options node;
    node.broken = broken;
    auto& limits = node.limits;
    if (luck.chance(700)) limits.delta_bytes_max = luck.between(40, 2000);
    if (luck.chance(700)) limits.chunk_bytes_max = luck.between(256, 2000);
    if (luck.chance(600)) limits.credit_bytes = luck.between(256, 6000);
    if (luck.chance(400)) limits.early_bytes_max = luck.between(0, 3000);
    limits.siblings_max = luck.between(2, luck.chance(600) ? 2 : 16);
    if (luck.chance(400)) limits.sessions_max = luck.between(1, 3);
    node.liveness.archive_after = std::chrono::milliseconds(luck.between(0, luck.chance(500) ? 200 : 5000));
    node.spills = luck.chance(600);
    node.alone_after = std::chrono::milliseconds(luck.between(20, 2000));
    if (luck.chance(250)) { // no beacon: everybody is told every address, its own too
        node.beacon = false;
        for (slot_number s = 0; s < slots; ++s) node.seeds.push_back(endpoint_of(s));
    }
    return node;
}

world_kind draw_kind(dice luck, std::size_t slots) {
    world_kind k;
    k.slots = slots;
    k.forgets = luck.chance(200);
    k.lags = luck.chance(150);
    k.limits_values = dice(luck.next()).chance(100);
    k.sleeps = luck.chance(15);
    k.restarts = luck.chance(2);
    k.fills = luck.chance(60);
    k.boasts = luck.chance(60);
    return k;
}

core::mesh_options draw_node(core::mesh_options node, const world_kind& kind, dice& luck) {
    auto& limits = node.limits;
    if (kind.forgets && luck.chance(600)) {
        node.liveness.redial_for = std::chrono::seconds(luck.between(0, 2));
        if (luck.chance(500)) limits.peers_max = 2 * kind.slots + luck.below(4);
    }
    if (kind.limits_values && luck.chance(500)) limits.value_bytes_max = luck.between(20, 4000);
    if (kind.fills && luck.chance(400)) limits.bytes_max = luck.between(2000, 40'000);
    if (kind.lags && luck.chance(500)) limits.lag_max = luck.between(3, 60);
    if (luck.chance(300)) limits.delta_bytes_max = luck.between(40, 2000);
    if (luck.chance(300)) limits.chunk_bytes_max = luck.between(256, 2000);
    if (luck.chance(300)) limits.credit_bytes = luck.between(256, 6000);
    if (luck.chance(300)) limits.early_bytes_max = luck.between(0, 3000);
    if (luck.chance(300)) limits.siblings_max = luck.between(2, 16);
    if (luck.chance(300)) limits.sessions_max = luck.between(1, 3);
    if (luck.chance(300)) node.liveness.archive_after = std::chrono::milliseconds(luck.between(0, 5000));
    if (luck.chance(500)) node.bounds = draw_bounds(luck);
    return node;
}

} // namespace baton::sim
