// staging: the records that a session has brought, separate from everything that is read, until its commit
// (I4), and then until the last slot is folded in. A newcomer's staged records are also counted and logged as
// if they were the whole store. So its commit can take them over as they are, and another server can confirm
// them.
//
// Owned by a store, whose memory its blocks are in; same thread contract. Registers and typed values have an
// index each. put, take and find are O(blocks of the slot); aborted sessions are released slice by slice.
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
    /// The counts and logs of a store that holds only the staged registers; kept while the node is a
    /// newcomer.
    struct contents {
        bool kept = false;           ///< `logs` name every staged block
        bool plain = false;          ///< and everything staged can become the main index as it is
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
    /// A session begins; nothing is staged. `newcomer`: the store has seen no events of other replicas.
    void begin(bool newcomer);
    /// Stages `blocks` for the slot, in the present batch; releases the blocks that were staged before.
    void put(const slot_name& slot, std::span<const handle> blocks);
    /// The head of the staged blocks of the slot; nullptr if there are none. Valid until the next change.
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
    /// The log of an origin's staged blocks; nullptr if none is kept.
    [[nodiscard]] const event_log* log_of(std::uint32_t number) const {
        return whole_.kept && number < whole_.logs.size() ? &whole_.logs[number] : nullptr;
    }
    /// Staged records that another server can confirm: those of a newcomer.
    [[nodiscard]] bool is_cache() const { return whole_.kept && slots() != 0; }
    /// The server's archive, for the commit.
    void add_archive(const cut& entries) { archive_.join(entries); }
    /// Makes a cache of the staged registers, at most `batches_max` times. False, without a change, if that
    /// is impossible, or if more than `typed_max` typed slots would have to be dropped at once.
    bool keep(std::uint64_t batches_max, std::size_t typed_max);
    /// Drops everything; sweep() returns the memory.
    void abort();
    /// Releases up to `slots` slots or timers of aborted sessions; true while more are left.
    bool sweep(std::size_t slots);

    // --- from the commit on ---
    [[nodiscard]] contents& whole() { return whole_; }
    /// Swaps the index of staged registers with `main`.
    void swap(key_index& main) { registers_.swap(main); }
    /// Takes the server's archive out; call it once.
    [[nodiscard]] cut take_archive() { return std::exchange(archive_, {}); }
    /// From now on the staged blocks belong to the store, which takes them slot by slot.
    void commit();
    /// The head of some slot, typed slots first; 0 if there is none.
    [[nodiscard]] handle any() { return typed_.size() != 0 ? typed_.any() : registers_.any(); }
    /// Passes the slot's blocks to the caller. Precondition: there are some.
    void take(const slot_name& slot) { index_for(slot.type).erase(slot); }
    /// All has been taken.
    void clear();

    [[nodiscard]] std::uint64_t batch() const { return batch_; }
    /// Later puts belong to that batch: each server has its own, and a cache has earlier ones.
    void set_batch(std::uint64_t batch) { batch_ = batch; }
    [[nodiscard]] std::size_t slots() const { return registers_.size() + typed_.size(); }
    [[nodiscard]] std::size_t registers() const { return registers_.size(); }
    [[nodiscard]] std::size_t typed_slots() const { return typed_.size(); }
    [[nodiscard]] std::size_t aborted_slots() const { return trash_[0].size() + trash_[1].size(); }
    [[nodiscard]] std::size_t bytes() const { return bytes_; } ///< of blocks, until the commit
    [[nodiscard]] std::size_t aborted_bytes() const { return trash_bytes_; }
    [[nodiscard]] std::size_t timers() const { return whole_.timers.size() + old_timers_.size(); }
    /// Bytes taken from the system in addition to blocks and timers. O(origins).
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
