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
/// Drops every block of the key's chain for which `dead` holds.
template <class Dead>
void store::sweep(std::string_view key, Dead dead) {
    auto* const head = index_.find(key);
    if (head == nullptr) return;
    const bool was_live = any_live(memory_, *head);
    handle kept = 0, doomed = 0;
    for (handle h = *head; h != 0;) {
        const auto next = at(h).next;
        auto& list = dead(at(h)) ? doomed : kept;
        at(h).next = list;
        list = h;
        h = next;
    }
    if (was_live && !any_live(memory_, kept)) --live_keys_;
    if (kept == 0) {
        index_.erase(key); // before its blocks go: the index reads keys from them
    } else {
        *head = kept;
    }
    while (doomed != 0) {
        const auto next = at(doomed).next;
        forget(doomed);
        doomed = next;
    }
}

} // namespace baton
