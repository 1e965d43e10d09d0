// staging: what a session has brought, aside from all that is read, until its commit (I4); and afterwards,
// until the last slot of it is folded in. A newcomer's staged records are also counted and logged as if they
// were the whole store: then its commit can take them over as they are, and the next server can confirm them.
//
// Owned by a store, whose memory its blocks are in; same thread contract. Registers and typed values have an
// index each. put, take and find are O(blocks of the slot); what is aborted is released slice by slice.
#pragma once

#include "crdt/chain.hpp"
#include "crdt/cut.hpp"
#include "crdt/digest.hpp"
#include "crdt/expiry.hpp"
#include "crdt/index.hpp"
#include "crdt/log.hpp"
#include "crdt/origin.hpp"

#include <array>
#include <cstdint>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace baton::crdt {

class staging {
  public:
    /// What the store would have if only the staged registers were in it; kept while its node is a newcomer.
    struct contents {
        bool kept = false;           ///< `logs` name every staged block
        bool plain = false;          ///< and nothing is staged but what can become the main index as it is
        bool forks = false;          ///< a slot has more than one block
        std::vector<event_log> logs; ///< by origin index; of every type
        digest sum{};
        std::size_t keys = 0, records = 0, removals = 0, user_bytes = 0, epochs = 0;
        std::vector<std::pair<std::uint32_t, std::uint64_t>> removal_dots; ///< of registers; some replaced
        std::vector<std::pair<std::uint32_t, std::uint64_t>> claim_dots;   ///< some replaced
        std::set<expiry::timer> timers;
    };

    /// `origins`: of the store, by which blocks name theirs.
    staging(arena& memory, const std::vector<origin>& origins, std::uint64_t seed);

    // --- while a session brings it ---
    /// Nothing is staged: a session begins. `newcomer`: the store has seen nothing of others.
    void begin(bool newcomer);
    /// `blocks` are what is staged of the slot from now on, as of the present batch; those before them are
    /// released.
    void put(const slot_name& slot, std::span<const handle> blocks);
    /// The head of what is staged of the slot; null when nothing is. Valid until the next change.
    [[nodiscard]] const handle* find(const slot_name& slot) {
        auto& index = index_for(slot.type);
        return index.size() == 0 ? nullptr : index.find(slot);
    }
    void prefetch(const slot_name& slot) const {
        const auto& index = slot.type == value_type::reg ? registers_ : typed_;
        index.prefetch(index.hash(slot));
    }
    /// About this many registers will come.
    void reserve(std::size_t count) { registers_.reserve(count); }
    /// The log of an origin's staged blocks; null where none is kept.
    [[nodiscard]] const event_log* log_of(std::uint32_t number) const {
        return whole_.kept && number < whole_.logs.size() ? &whole_.logs[number] : nullptr;
    }
    /// Staged records that another server can confirm: those of a newcomer.
    [[nodiscard]] bool is_cache() const { return whole_.kept && slots() != 0; }
    /// The server's archive, for the commit.
    void add_archive(const cut& entries) { archive_.join(entries); }
    /// Makes a cache of what is staged, registers only, at most `batches_max` times. False, and nothing has
    /// changed, when it cannot be one, or more than `typed_max` typed slots would have to go at once.
    bool keep(std::uint64_t batches_max, std::size_t typed_max);
    /// Lets go of everything; its memory comes back by sweep().
    void abort();
    /// Releases up to `slots` slots or timers of aborted sessions; true while more are left.
    bool sweep(std::size_t slots);

    // --- from the commit on ---
    [[nodiscard]] contents& whole() { return whole_; }
    /// The staged registers and `main` change places.
    void swap(key_index& main) { registers_.swap(main); }
    /// What the server has archived; asked once.
    [[nodiscard]] cut take_archive() { return std::exchange(archive_, {}); }
    /// What is staged belongs to the store, which takes it away slot by slot.
    void commit();
    /// Of some slot, typed ones first; 0 when there is none.
    [[nodiscard]] handle any() { return typed_.size() != 0 ? typed_.any() : registers_.any(); }
    /// The slot's blocks are the caller's. There must be some.
    void take(const slot_name& slot) { index_for(slot.type).erase(slot); }
    /// All has been taken.
    void clear();

    [[nodiscard]] std::uint64_t batch() const { return batch_; }
    /// What is put from now on is of that batch: each server has its own, and a cache is of earlier ones.
    void set_batch(std::uint64_t batch) { batch_ = batch; }
    [[nodiscard]] std::size_t slots() const { return registers_.size() + typed_.size(); }
    [[nodiscard]] std::size_t registers() const { return registers_.size(); }
    [[nodiscard]] std::size_t typed_slots() const { return typed_.size(); }
    [[nodiscard]] std::size_t aborted_slots() const { return trash_[0].size() + trash_[1].size(); }
    [[nodiscard]] std::size_t bytes() const { return bytes_; } ///< of blocks, until the commit
    [[nodiscard]] std::size_t aborted_bytes() const { return trash_bytes_; }
    [[nodiscard]] std::size_t timers() const { return whole_.timers.size() + old_timers_.size(); }
    /// Taken from the system beside the blocks and timers. O(origins).
    [[nodiscard]] std::size_t table_bytes() const;

  private:
    [[nodiscard]] key_index& index_for(value_type type) {
        return type == value_type::reg ? registers_ : typed_;
    }
    void account(handle head, bool added);
    void account(const block& b, handle h, bool added);
    void release(handle head);
    void reset();

    arena* memory_;
    const std::vector<origin>* origins_;
    key_index registers_, typed_;
    contents whole_;
    cut archive_;
    std::size_t bytes_ = 0;
    std::uint64_t batch_ = 0;
    std::array<key_index, 2> trash_; ///< of aborted sessions
    std::size_t trash_bytes_ = 0;
    std::set<expiry::timer> old_timers_; ///< of aborted sessions, or replaced
};

} // namespace baton::crdt
