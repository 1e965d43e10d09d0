// record_table: the records that a node holds, and the structures that find and count them: an index by slot,
// a log of each origin by counter, the cut and the archive. Every change keeps them consistent with one
// another, with the digest, and with the structures that report changes (order, timers, notes).
//
// The part of a store that knows nothing of sessions; same thread contract. Owns all blocks. Each protected
// function leaves the table consistent, except the cut: note_event() is the last step of an event (I3). Kept
// here (numbers as in crdt/README.md): I1 in splice(), I9 in set_archived() and note_event().
#pragma once

#include "crdt/bounded_notes.hpp"
#include "crdt/chain.hpp"
#include "crdt/cut.hpp"
#include "crdt/digest.hpp"
#include "crdt/expiry.hpp"
#include "crdt/index.hpp"
#include "crdt/key_notes.hpp"
#include "crdt/key_order.hpp"
#include "crdt/origin.hpp"
#include "crdt/ranges.hpp"
#include "crdt/store_bounds.hpp"
#include "crdt/views.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::crdt {

class record_table {
  public:
    record_table(const record_table&) = delete;
    record_table& operator=(const record_table&) = delete;

    // --- what is seen ---
    /// The cut that nodes exchange: without archived origins.
    [[nodiscard]] cut seen() const;
    [[nodiscard]] std::uint64_t counter_of(const replica_id& replica) const;
    [[nodiscard]] bool has_seen(const dot& id) const { return id.counter <= counter_of(id.replica); }
    [[nodiscard]] bool covers(const cut& other) const;
    /// How many events of `other` are not seen here.
    [[nodiscard]] std::uint64_t lacks(const cut& other) const;
    /// No event of an origin has been seen both here and by `other`.
    [[nodiscard]] bool is_disjoint(const cut& other) const;
    /// Changes whenever the cut or the archive does.
    [[nodiscard]] std::uint64_t generation() const { return generation_; }
    [[nodiscard]] const replica_id& self() const { return origins_[0].id; }
    [[nodiscard]] std::size_t origins() const { return origin_index_.size(); }

    // --- what is closed, and what may have been forgotten ---
    [[nodiscard]] const cut& archived() const { return archive_; }
    [[nodiscard]] const digest& archive_digest() const { return archive_digest_; }
    /// The origins that are archived for good and have blocks here. O(origins). The same, as a server has
    /// reported it.
    [[nodiscard]] cut closed_for_good() const;
    [[nodiscard]] bool is_closed_for_good(const replica_id& id) const;
    void close_for_good(const cut& entries);
    /// The floor: removal records up to it may be missing here; archived origins included (I8).
    [[nodiscard]] cut floor() const;
    /// Call after a session that was not a plain walk: the server's floor is joined into this one.
    void raise_floor(const cut& server);
    /// The number of a replica's residues. The first of them, as many as there were at a moment, may be
    /// forgotten (store::forget_residues) after two conditions hold. The replica has reported a whole cut
    /// that covers all that was seen here at that moment, and everything that it had written by then is here.
    [[nodiscard]] std::size_t residues_of(const replica_id& id) const;

    // --- walking: what a receiver lacks, by the logs ---
    [[nodiscard]] log_walk walk_from(const cut& receiver) const;
    /// The next dot to send; looks at most at `steps` slots. If `steps` is 0 afterwards, call again. nullopt
    /// with steps left: everything under the present cut has been walked, so a COMMIT at cut() is true now.
    [[nodiscard]] std::optional<dot> next(log_walk& walk, std::size_t& steps) const;
    /// The next live dot of a range, whose `after` moves along.
    [[nodiscard]] std::optional<dot> next(dot_range& range, std::size_t& steps) const;
    /// The slot of a live record or removal record; an empty key if it is gone.
    [[nodiscard]] slot_name slot_at(const dot& id) const;
    /// Keys with a value in one of `key_index::shards` slices, in no order. O(slots / shards). A key with
    /// values of two types may be named twice.
    void keys_of(std::size_t shard, std::string_view prefix, std::vector<std::string>& into) const;
    /// The same for slots. Not while store::folding().
    template <class Visit>
    void each_slot_of(std::size_t shard, Visit visit) const {
        index_.each_in_shard(shard, [&](handle head) {
            if (at(head).root == 0 && any_visible(memory_, head)) visit(first_block(memory_, head).slot());
        });
    }
    /// Registers and fields with siblings in one of the slices. O(slots / shards).
    template <class Visit>
    void each_contested_of(std::size_t shard, Visit visit) const {
        index_.each_in_shard(shard, [&](handle head) {
            if (at(head).fork != 0 && is_contested(memory_, head)) visit(first_block(memory_, head).slot());
        });
    }
    /// Prefetches what apply() needs of this slot; call it a little earlier.
    void prefetch(const slot_name& slot) const { index_.prefetch(index_.hash(slot)); }
    /// A block of store::pin_chain(), and the end of its use.
    [[nodiscard]] staged_view pinned(handle h) const { return entry_of(at(h)); }
    void unpin(handle h) { memory_.unpin(h); }
    [[nodiscard]] std::size_t kept_bytes() const { return memory_.kept_bytes(); } ///< by pins alone

    // --- claims: registers whose record has an odd epoch (claim_epoch.hpp) ---
    /// Replicas with claimed records, read or not, and how many. O(origins).
    [[nodiscard]] std::vector<std::pair<replica_id, std::size_t>> claimants() const;
    /// The counter of the next of them beyond `after`; 0 when there is none.
    [[nodiscard]] std::uint64_t next_claim(const replica_id& owner, std::uint64_t after) const;

    // --- reports of changes ---
    /// Keys whose visible state has changed, while they are wanted.
    [[nodiscard]] key_notes& notes() { return notes_; }
    /// Moves to `into` the slots that have got siblings since the last call. True if some were not kept:
    /// each_contested_of() finds them.
    bool take_contests(std::vector<contest>& into) { return contests_.take(into); }
    [[nodiscard]] bool has_contests() const { return !contests_.empty(); }
    /// Moves to `into` the keys whose record, claimed by this replica, was replaced by writes of others. True
    /// if some were not kept.
    bool take_disowned(std::vector<std::string>& into) { return disowned_.take(into); }
    [[nodiscard]] bool has_order() const { return order_.exists(); }
    /// Drops the keys in order (store::order). store::sweep() returns their memory.
    void drop_order() { order_.drop(); }
    /// Drops them if store::order() has not been called for so long, as of set_now().
    void drop_unused_order(mesh_clock::duration unused_for) {
        if (has_order() && expiry_.now() - order_.asked_at() >= unused_for) drop_order();
    }
    /// Bytes of the keys in order, which are counted separately.
    [[nodiscard]] std::size_t ordered_bytes() const { return order_.bytes(); }
    /// The moment by which reads decide; it never goes back.
    void set_now(instant now) { expiry_.set_now(now); }
    /// There are values with a time to live.
    [[nodiscard]] bool has_deadlines() const { return !expiry_.empty(); }
    /// The first deadline after now.
    [[nodiscard]] std::optional<instant> next_deadline() const { return expiry_.next_deadline(); }

    // --- how much there is ---
    [[nodiscard]] std::size_t keys() const { return live_keys_; }
    [[nodiscard]] std::size_t records() const { return live_records_; }
    [[nodiscard]] std::size_t removals() const { return removals_; }
    [[nodiscard]] std::size_t residues() const { return residues_; }
    [[nodiscard]] std::size_t key_value_bytes() const { return user_bytes_; }

  protected:
    record_table(const replica_id& self, std::uint64_t seed, const store_bounds& bounds);
    ~record_table() = default;

    // --- blocks ---
    [[nodiscard]] block& at(handle h) const { return block_at(memory_, h); }
    template <class Visit>
    void each(handle head, Visit visit) const {
        each_block(memory_, head, visit);
    }
    /// Makes a block that is in no chain yet.
    [[nodiscard]] handle make(std::uint32_t number, const slot_name& slot, const staged_view& what);
    [[nodiscard]] dot dot_of(const block& b) const { return {origins_[b.origin].id, b.counter}; }
    [[nodiscard]] digest hash_of(const block& b) const { return crdt::hash_of(b, origins_[b.origin].id); }
    [[nodiscard]] std::optional<std::chrono::milliseconds> ttl_of(const block& b) const;
    [[nodiscard]] staged_view entry_of(const block& b) const;
    [[nodiscard]] record_view view(const block& b) const;
    [[nodiscard]] bool beats(const block& a, const block& b) const;

    // --- origins and their events ---
    [[nodiscard]] std::optional<std::uint32_t> find_origin(const replica_id& id) const;
    [[nodiscard]] std::optional<std::uint32_t> intern(const replica_id& id);
    void note_event(std::uint32_t number, std::uint64_t counter);
    void set_archived(const replica_id& id, std::uint64_t counter, bool for_good = false);
    void enter_archive(const cut& all);
    void reopen(const cut& all);

    // --- changes of a slot (splice.hpp) ---
    template <class Dead>
    void splice(const slot_name& slot, std::uint64_t hash, handle added, Dead dead);
    template <class Dead>
    void splice(const slot_name& slot, handle added, Dead dead);
    void forget(handle h);
    /// `sum`: the block's hash, if it is known already.
    void account(handle h, bool added, const digest* sum = nullptr);
    void account_visible(const block& b, bool added, const digest* sum = nullptr);
    /// The slot has one more value, by this block.
    void note_contest(const block& b, bool quiet) { contests_.note(dot_of(b), quiet); }
    /// A value of this type of the key is no longer visible.
    void key_went(std::string_view key);
    /// The head of a typed key's members; 0 when there are none.
    [[nodiscard]] handle root_of(std::string_view key);

    arena memory_;
    key_index index_;
    std::vector<origin> origins_; ///< [0] is this node
    std::vector<std::uint32_t> free_origins_;
    std::map<replica_id, std::uint32_t> origin_index_;
    mutable std::uint32_t last_origin_ = 0; ///< events of one origin come in runs
    cut archive_;
    digest archive_digest_{};
    digest digest_{};
    std::uint64_t generation_ = 1;
    std::size_t live_keys_ = 0, live_records_ = 0, removals_ = 0, residues_ = 0, user_bytes_ = 0, roots_ = 0;
    std::size_t epochs_ = 0;            ///< records with one
    std::vector<handle> kept_, doomed_; ///< of splice
    bool writing_ = false;              ///< present removals come from a write of this node
    expiry expiry_;
    key_order order_;
    key_notes notes_;
    bounded_notes<contest> contests_;
    bounded_notes<std::string> disowned_;

  private:
    void rename_contest(const block& successor);
    void account_epoch(const block& b, bool added);
    void link(handle h);
    void unlink(handle h);
};

} // namespace baton::crdt
