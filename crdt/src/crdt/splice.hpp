// Changes the blocks of one slot. Private to the files of record_table and store.
#pragma once

#include "crdt/record_table.hpp"

namespace baton::crdt {

/// Drops every block of the slot for which `dead` holds, and adds `added`, if any. It makes one look-up, and
/// an overwritten slot keeps its place in the index. The new block's log entry, chain and digest are complete
/// before the caller raises the cut past its dot (I3). `slot` may lie in a block that is dropped here. `hash`
/// is that of the slot; prefetch its place before the call. `dead` is called once per block.
template <class Dead>
void record_table::splice(const slot_name& slot, std::uint64_t hash, handle added, Dead dead) {
    digest sum{};
    const bool adds_live = added != 0 && is_visible(at(added));
    if (adds_live) sum = hash_of(at(added)); // while the place in the index is being fetched
    auto* const head = index_.find(hash, slot);
    const bool typed = slot.type != value_type::reg;
    std::size_t was_live = 0, is_live = adds_live ? 1 : 0;
    bool changed = adds_live;
    kept_.clear();
    doomed_.clear();
    each(head == nullptr ? 0 : *head, [&](handle h) {
        const auto& b = at(h);
        const bool drop = dead(b), live = is_visible(b);
        was_live += live ? 1 : 0;
        is_live += live && !drop ? 1 : 0;
        changed = changed || (live && drop);
        (drop ? doomed_ : kept_).push_back(h);
    });
    if (added == 0 && doomed_.empty()) return;
    if (!typed && (was_live != 0) != (is_live != 0)) live_keys_ += is_live != 0 ? 1 : std::size_t(-1);
    if (is_live > 1 && has_siblings(slot.type)) {
        if (added == 0) { // fewer values: another may be the one that is read now
            if (is_live < was_live) note_contest(at(kept_.front()), true);
        } else if (is_live > was_live) {
            note_contest(at(added), at(added).origin == 0);
        } else {
            rename_contest(at(added));
        }
    }
    if (head != nullptr) release_fork(memory_, *head);
    handle chain = added;
    if (added != 0 && kept_.empty()) { // as a rule: a new slot, or an overwritten one
        at(added).shared = 0;
    } else {
        if (added != 0) kept_.push_back(added);
        chain = join_chain(memory_, kept_);
    }
    if (chain == 0) {
        index_.erase(hash, head);
    } else if (head != nullptr) {
        *head = chain;
    } else {
        index_.insert(hash, chain);
    }
    if (order_.exists() && !typed && (was_live != 0) != (is_live != 0)) {
        is_live != 0 ? order_.came(slot.key) : key_went(slot.key);
    }
    if (changed && notes_.wanted()) notes_.note(slot.key);
    if (added != 0) {
        auto& b = at(added);
        origins_[b.origin].log.set(b.counter, added);
        account(added, true, &sum);
    }
    while (!doomed_.empty()) {
        const auto h = doomed_.back();
        doomed_.pop_back();
        forget(h);
    }
}

template <class Dead>
void record_table::splice(const slot_name& slot, handle added, Dead dead) {
    const auto hash = index_.hash(slot);
    index_.prefetch(hash);
    splice(slot, hash, added, dead);
}

} // namespace baton::crdt
