#include "crdt/chain.hpp"

#include <new>

namespace baton::crdt {

handle join_chain(arena& memory, std::span<const handle> blocks) {
    for (const auto h : blocks) block_at(memory, h).shared = blocks.size() > 1;
    if (blocks.empty()) return 0;
    if (blocks.size() == 1) return blocks[0];
    block head{};
    head.fork = 1;
    head.value_bytes = (blocks.size() * sizeof(handle)) & 0xffffff;
    const auto h = memory.allocate(head.bytes());
    auto* made = new (memory.at(h)) block(head);
    std::memcpy(made->payload(), blocks.data(), blocks.size() * sizeof(handle));
    return h;
}

void release_fork(arena& memory, handle head) {
    if (head != 0 && block_at(memory, head).fork != 0) memory.release(head, block_at(memory, head).bytes());
}

bool any_visible(const arena& memory, handle head) {
    bool any = false;
    each_block(memory, head, [&](handle h) { any = any || is_visible(block_at(memory, h)); });
    return any;
}

bool is_contested(const arena& memory, handle head) {
    std::size_t live = 0;
    each_block(memory, head, [&](handle h) { live += is_visible(block_at(memory, h)) ? 1 : 0; });
    return live > 1 && has_siblings(first_block(memory, head).type());
}

digest hash_of(const block& b, const replica_id& writer) {
    const hashed_fields fields{writer, b.counter, b.stamp, b.epoch_value(),
                               static_cast<std::uint8_t>(b.type_)};
    return hash_record(fields, b.key(), b.element(), b.value());
}

bool all_over(const arena& memory, handle head, instant at) {
    bool any = false, over = true;
    each_block(memory, head, [&](handle h) {
        const auto& b = block_at(memory, h);
        if (!is_visible(b)) return;
        any = true;
        over = over && is_over(b, at);
    });
    return any && over;
}

} // namespace baton::crdt
