// What the halves of store share about the chain of one key. Private to store's own files.
#pragma once

#include "crdt/store.hpp"

namespace baton {

// Live means readable: a key with nothing but removal records in its chain is absent.
inline bool any_live(const arena& memory, handle head) {
    for (; head != 0; head = block_at(memory, head).next) {
        if (!block_at(memory, head).is(block::removal)) return true;
    }
    return false;
}

/// Drops every block of the key's chain for which `dead` holds and puts `added`, if any, at its head: one
/// look-up, and an overwritten key keeps its place in the index. The new block's log entry, chain and digest
/// are complete before the caller raises the cut past its dot (I3).
template <class Dead>
void store::splice(std::string_view key, handle added, Dead dead) {
    const auto hash = index_.hash(key);
    auto* const head = index_.find(hash, key);
    handle kept = 0, doomed = 0;
    bool was_live = false, is_live = added != 0 && !at(added).is(block::removal);
    for (handle h = head == nullptr ? 0 : *head; h != 0;) {
        auto& b = at(h);
        const auto next = b.next;
        const bool drop = dead(b), live = !b.is(block::removal);
        was_live = was_live || live;
        is_live = is_live || (live && !drop);
        auto& list = drop ? doomed : kept;
        b.next = list;
        list = h;
        h = next;
    }
    live_keys_ += (is_live ? 1 : 0) - (was_live ? 1 : 0);
    if (added != 0) {
        auto& b = at(added);
        b.next = kept;
        kept = added;
        origins_[b.origin].log.set(b.counter, added);
        account(b, true);
    }
    mark_shared(kept);
    if (head == nullptr) {
        if (kept != 0) index_.insert(hash, kept);
    } else if (kept != 0) {
        *head = kept;
    } else {
        index_.erase(hash, head);
    }
    while (doomed != 0) {
        const auto next = at(doomed).next;
        forget(doomed);
        doomed = next;
    }
}

} // namespace baton
