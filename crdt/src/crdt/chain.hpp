// The blocks of a slot, which one entry of the index refers to. The entry names a single block, or a fork
// that lists several.
//
// Pure functions of the arena that holds the blocks. O(blocks of the slot); only join_chain allocates.
#pragma once

#include "crdt/block.hpp"
#include "crdt/counter.hpp"
#include "crdt/digest.hpp"

#include <cstring>
#include <span>

namespace baton::crdt {

/// Calls `visit(handle)` for each block; for none where `head` is 0.
template <class Visit>
void each_block(const arena& memory, handle head, Visit visit) {
    if (head == 0) return;
    const auto& b = block_at(memory, head);
    if (b.fork == 0) {
        visit(head);
        return;
    }
    for (std::size_t i = 0; i < b.value_bytes; i += sizeof(handle)) {
        handle one = 0;
        std::memcpy(&one, b.payload() + i, sizeof one);
        visit(one);
    }
}

/// The head of a chain of these blocks; 0 if there are none. Marks each block as single or shared.
[[nodiscard]] handle join_chain(arena& memory, std::span<const handle> blocks);
/// Releases the fork, if there is one; the blocks stay.
void release_fork(arena& memory, handle head);

/// A readable record: neither a removal record nor a residue.
[[nodiscard]] inline bool is_visible(const block& b) {
    if (!b.is(block::kind::record)) return false;
    return b.type() != value_type::counter || load_counter(b.value()).base != b.counter;
}
[[nodiscard]] bool any_visible(const arena& memory, handle head);
/// More than one visible block, of a type that has siblings.
[[nodiscard]] bool is_contested(const arena& memory, handle head);

/// The block that this replica has written.
[[nodiscard]] digest hash_of(const block& b, const replica_id& writer);

[[nodiscard]] inline bool is_over(const block& b, instant at) { return b.ttl != 0 && b.deadline() <= at; }
/// It has values, and all of them have expired.
[[nodiscard]] bool all_over(const arena& memory, handle head, instant at);

} // namespace baton::crdt
