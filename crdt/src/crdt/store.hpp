// store: the replicated map of one node. Its visible state is a function of its cut (I1), whatever the order
// in which events, repairs and local writes arrived.
//
// Pure and single-threaded: whoever holds the node's lock calls it. Owns all records. Views returned by reads
// are valid until the next call that is not const. Source: causal cuts with dense counters for puts and
// removes (design of delta-state CRDTs, Almeida et al. 2018, with the removal log of Dynamo-style stores
// replaced by the cut); visibility as in Burckhardt, "Principles of Eventual Consistency", 2014.
//
// Invariants kept here (numbers as in crdt/README.md): I1 by doing the same per slot in every path; I2 and I3
// in apply() and commit(); I4 by staging outside the index; I5 by kills, which only an event or a cut that
// has seen a dot names; I6 in issue(); I7 and I8 in collect() and floor(); I9 in archive().
#pragma once

#include "crdt/block.hpp"
#include "crdt/counter.hpp"
#include "crdt/cut.hpp"
#include "crdt/digest.hpp"
#include "crdt/index.hpp"
#include "crdt/key_notes.hpp"
#include "crdt/log.hpp"
#include "crdt/mutation.hpp"
#include "crdt/ordered_keys.hpp"
#include "crdt/ranges.hpp"
#include "crdt/store_bounds.hpp"
#include "crdt/time.hpp"
#include "crdt/views.hpp"

#include <array>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace baton {

/// Of the next claim: the smallest odd number above every epoch and timestamp of the slot. No clock is asked.
[[nodiscard]] constexpr std::uint64_t claim_epoch(std::uint64_t seen, timestamp latest) {
    const auto above = std::max(seen, latest.raw);
    return above >= ~std::uint64_t{1} ? ~std::uint64_t{0} : (above + 1) | 1;
}
/// An odd epoch: the replica that wrote the record owns the register. An even one: it is free.
[[nodiscard]] constexpr bool is_claim(std::uint64_t epoch) { return (epoch & 1) != 0; }
/// The epoch as if nobody owned by it: below the claim, and no lower than what that was made over.
[[nodiscard]] constexpr std::uint64_t unclaimed_epoch(std::uint64_t epoch) {
    return epoch & ~std::uint64_t{1};
}
/// Of the same record, when it is given up by one who has held it.
[[nodiscard]] constexpr std::uint64_t release_epoch(std::uint64_t claimed) {
    return claimed == ~std::uint64_t{0} ? claimed - 1 : claimed + 1;
}

/// A register or field that has come to have one value more, by the event of this dot.
struct contest {
    dot id{};
    bool quiet = false; ///< by a write of this replica; or it has as many as before, one of them another
};

class store {
  public:
    store(replica_id self, std::uint64_t seed, mutation broken = mutation::none, store_bounds bounds = {});
    store(const store&) = delete;
    store& operator=(const store&) = delete;

    // --- reading: O(siblings) and folds the slot first if a commit is being folded in ---
    /// The value that wins the read: highest (epoch, timestamp, replica, counter). `live`: how many there
    /// are.
    [[nodiscard]] std::optional<record_view> read(const slot_name& slot, std::size_t* live = nullptr);
    [[nodiscard]] std::optional<record_view> read(std::string_view key) {
        return read({value_type::reg, key, {}});
    }
    [[nodiscard]] std::size_t sibling_count(const slot_name& slot);
    /// All live records of the slot, the winner first.
    void siblings(const slot_name& slot, std::vector<record_view>& into);
    void siblings(std::string_view key, std::vector<record_view>& into) {
        siblings({value_type::reg, key, {}}, into);
    }
    /// The counter's value modulo 2^64; nothing when nobody has added to it since it was removed. O(origins).
    [[nodiscard]] std::optional<std::int64_t> count(std::string_view key);
    /// Elements or fields of `key` that are present, sorted. O(members). Not while folding().
    void elements(value_type type, std::string_view key, std::vector<std::string>& into);
    /// Which types have something of `key`: bit 1 << type. Folds in the rest of folding_typed().
    [[nodiscard]] unsigned types_of(std::string_view key);
    [[nodiscard]] bool has_typed_keys() const { return roots_ != 0 || folding_typed(); }
    /// Typed values are being folded in; which keys have them is not known yet. They are the first.
    [[nodiscard]] bool folding_typed() const { return fold_ && staging_typed_.size() != 0; }
    /// Keys with something in one of `key_index::shards` slices, in no order. O(slots / shards). A key with
    /// values of two types may be named twice.
    void keys_of(std::size_t shard, std::string_view prefix, std::vector<std::string>& into);
    /// The same for slots. Not while folding().
    template <class Visit>
    void each_slot_of(std::size_t shard, Visit visit) const {
        index_.each_in_shard(shard, [&](handle head) {
            if (at(head).root == 0 && any_visible(head)) visit(first_block(memory_, head).slot());
        });
    }

    // --- keys in order: an index that is there only while somebody asks for it ---
    /// Builds it, `slots` slots of the store a call; true once it is whole. Begins anew after a newcomer's
    /// commit. Not while folding(): false.
    bool order(std::size_t slots);
    [[nodiscard]] bool has_order() const { return order_.has_value(); }
    /// Lets go of it. Its memory comes back by sweep().
    void drop_order();
    /// Keys with something that begin with `prefix`, sorted, each once, from `from` on; of the next `most`
    /// those that are not hidden. Where to go on from, if there are more. Only when order() has said true and
    /// since then drop_order() was not called and nothing committed. O(log keys + most).
    [[nodiscard]] std::optional<std::string> keys_from(std::string_view prefix, std::string_view from,
                                                       std::size_t most, std::vector<std::string>& into);
    /// Counted apart from memory_bytes() and bytes_in_use().
    [[nodiscard]] std::size_t ordered_bytes() const;
    /// Keys whose visible state has changed, if somebody wants them.
    [[nodiscard]] key_notes& notes() { return notes_; }
    /// Moves to `into` what has come to have siblings since the last call. True when there was more than is
    /// kept: each_contested_of() finds it.
    bool take_contests(std::vector<contest>& into);
    [[nodiscard]] bool has_contests() const { return !contests_.empty() || contests_missed_; }
    /// Registers and fields with siblings in one of key_index::shards slices. O(slots / shards).
    template <class Visit>
    void each_contested_of(std::size_t shard, Visit visit) const {
        index_.each_in_shard(shard, [&](handle head) {
            if (at(head).fork != 0 && is_contested(head)) visit(first_block(memory_, head).slot());
        });
    }
    /// The slot of a live record or removal record; an empty key when it is gone.
    [[nodiscard]] slot_name slot_at(const dot& id) const;

    // --- claims: registers whose record has an odd epoch ---
    /// Moves to `into` the keys of which a record that this replica had claimed has gone by what others
    /// wrote. True when there were more than are kept.
    bool take_disowned(std::vector<std::string>& into);
    /// Replicas with claimed records, read or not, and how many. O(origins).
    [[nodiscard]] std::vector<std::pair<replica_id, std::size_t>> claimants() const;
    /// The counter of the next of them beyond `after`; 0 when there is none.
    [[nodiscard]] std::uint64_t next_claim(const replica_id& owner, std::uint64_t after) const;

    // --- writing here: issues the next dot of this replica (I6) ---
    /// Replaces all it has seen of the slot (a register, an element, a field, a flag) but records of a
    /// register that another replica has claimed: beside those it becomes a sibling. A claim of this replica
    /// goes on. `ttl`: of a register that is to be over then.
    written put(const slot_name& slot, std::string_view value, timestamp stamp, write_buffers& buffers,
                std::optional<std::chrono::milliseconds> ttl = {});
    /// Replaces what this replica has written in the slot, and of others what `only` names: a register or a
    /// field.
    written put_over(const slot_name& slot, std::string_view value, std::uint64_t epoch,
                     std::span<const dot> only, timestamp stamp, write_buffers& buffers,
                     std::optional<std::chrono::milliseconds> ttl = {});
    /// Removes the same and leaves everything else as it is.
    written remove_only(const slot_name& slot, std::span<const dot> only, timestamp stamp,
                        write_buffers& buffers);
    /// Replaces nothing of others and stands beside what is there, with the time and epoch of a record that
    /// is lost under its own dot. Nothing, and no dot issued, where this replica has written to the slot or
    /// the same is there already.
    std::optional<written> recover(const slot_name& slot, const staged_view& lost, write_buffers& buffers);
    /// What a counter's lost share adds to that of its replica here, if it is later.
    [[nodiscard]] std::int64_t lost_amount(std::string_view key, const staged_view& lost);
    /// Adds to a counter.
    written add(std::string_view key, std::int64_t amount, timestamp stamp, write_buffers& buffers);
    /// Nothing, and no dot issued, when the slot has no live record.
    std::optional<written> remove(const slot_name& slot, timestamp stamp, write_buffers& buffers);
    /// Removes what has been seen of a key's set, map and flag; nothing when there is nothing. O(members).
    /// Not while folding().
    std::optional<written> remove_scope(std::string_view key, timestamp stamp, write_buffers& buffers);
    /// Writes that `closed` is closed at the counter that is seen of it (I9). `for_good`: it has said goodbye
    /// with that counter, so nothing of it can come any more.
    written archive(const replica_id& closed, bool for_good, timestamp stamp, write_buffers& buffers);

    // --- what is over: registers with a time to live (store_ttl.cpp) ---
    //
    // A record's deadline is counted on this node's clock from its being made here. A register is hidden from
    // every read when all its values are over, as of set_now(); it stays in the state, and in the digest,
    // until a removal goes through the mesh like any other.
    /// The moment that reads judge by; it never goes back.
    void set_now(instant now) { now_ = std::max(now_, now); }
    [[nodiscard]] bool has_deadlines() const { return !timers_.empty() || !postponed_.empty(); }
    /// There are values, and all of them are over.
    [[nodiscard]] bool is_all_hidden() const;
    /// Until the register is hidden; nothing when it has no end. For a write that keeps its value going.
    [[nodiscard]] std::optional<std::chrono::milliseconds> time_left(std::string_view key);
    /// The first deadline after now.
    [[nodiscard]] std::optional<instant> next_deadline() const;
    /// Notes the keys whose deadlines have passed since the last time, up to `steps`; true when more are
    /// left.
    bool note_over(std::size_t steps);
    /// A register of which everything was over at `until`, or nothing; `steps` values are looked at, 0
    /// afterwards means call again. It is named until it is removed.
    [[nodiscard]] std::optional<std::string> next_over(instant until, std::size_t& steps);
    /// The same for those that were not when they came up, for values that have no end, and may have lost
    /// them.
    [[nodiscard]] std::optional<std::string> next_postponed(instant until, std::size_t& steps);
    /// Removes a hidden register.
    written remove_over(std::string_view key, timestamp stamp, write_buffers& buffers);

    // --- events of others ---
    enum class applied : std::uint8_t { yes, duplicate, early };
    /// Applies the event `id` iff it is the next of its origin (I2); the caller has checked its dependencies.
    applied apply(const dot& id, const event_view& event);

    // --- serving a session: what the receiver lacks, by walking the logs ---
    [[nodiscard]] log_walk walk_from(const cut& receiver) const;
    /// The next dot to ship, at most `steps` slots looked at; `steps` 0 afterwards means call again. An empty
    /// optional with steps left: everything under the present cut has been walked, so a COMMIT at cut() is
    /// true now.
    [[nodiscard]] std::optional<dot> next(log_walk& walk, std::size_t& steps) const;
    /// The next live dot of a range, whose `after` moves along.
    [[nodiscard]] std::optional<dot> next(dot_range& range, std::size_t& steps) const;
    /// The slot of a live record or removal record, and its whole chain; an empty key when it is gone.
    [[nodiscard]] slot_name chain_at(const dot& id, std::vector<staged_view>& into);
    /// The whole chain of a slot: live records and removal records. Values are views into the store.
    void chain_of(const slot_name& slot, std::vector<staged_view>& into);
    /// The blocks of the slot as they are now; readable by pinned() until unpin(), whatever becomes of it.
    void pin_chain(const slot_name& slot, std::vector<handle>& into);
    [[nodiscard]] staged_view pinned(handle h) const { return entry_of(at(h)); }
    void unpin(handle h) { memory_.unpin(h); }
    [[nodiscard]] std::size_t kept_bytes() const { return memory_.kept_bytes(); } ///< by pins alone

    // --- comparing with another store, range by range (I8) ---
    /// The next record of the range; staged ones too where the staging is a cache.
    [[nodiscard]] std::optional<held_dot> next_held(dot_range& range, std::size_t& steps, bool staged) const;
    [[nodiscard]] std::optional<held_dot> held(const dot& id, bool staged) const;

    // --- receiving a session: staged aside (I4), then committed in one step and folded in slot by slot ---
    /// What stage() or apply() will need of this slot, to be asked for a little earlier.
    void prefetch_staged(const slot_name& slot) const {
        const auto& index = slot.type == value_type::reg ? staging_ : staging_typed_;
        index.prefetch(index.hash(slot));
    }
    void prefetch(const slot_name& slot) const { index_.prefetch(index_.hash(slot)); }
    /// About this many records will be staged.
    void expect(std::size_t records) { staging_.reserve(records); }
    /// What the server holds of the slot; replaces what was staged for it before. False when it names more
    /// replicas than a store can tell apart.
    bool stage(const slot_name& slot, std::span<const staged_view> chain);
    /// The server has seen `id` and does not hold it: it goes at the commit. Of a cache: it goes now.
    void stage_dead(const dot& id);
    /// The server has sent all it holds: what is here, seen there and not staged goes. O(records here).
    void stage_absent(const cut& server);
    /// The same in slices of `steps` slots, for a server that does not change; true while more is left. What
    /// is applied meanwhile is found by walking on, just before the commit.
    bool stage_absent(log_walk& walk, const cut& server, std::size_t steps);
    /// The archive of the server, joined in at the commit.
    void stage_archive(const cut& entries) { staged_archive_.join(entries); }
    /// Lets go of what is staged; its memory comes back by sweep().
    void stage_abort();
    /// Releases up to `slots` slots of aborted sessions, or some of an order let go of; true: more are left.
    bool sweep(std::size_t slots);
    /// Staged records that another server can confirm: those of a newcomer.
    [[nodiscard]] bool stage_is_cache() const { return staged_.kept && staged_slots() != 0; }
    /// Another server goes on: what is staged is a cache from now on, registers only. False when it is none,
    /// or has been passed on too often.
    bool stage_keep();
    /// Of a cache: what the server of the commit has not seen goes.
    void stage_trim(const cut& server);
    [[nodiscard]] std::size_t staged_slots() const { return staging_.size() + staging_typed_.size(); }
    [[nodiscard]] std::size_t staged_bytes() const { return staged_bytes_; }
    /// From now on the state is that of both cuts joined. O(origins); the records are folded in when their
    /// slots are touched and by fold(). `by_union`: equal cuts had unequal digests; whatever either side
    /// holds stays. Not while folding().
    void commit(const cut& server, bool by_union = false);
    [[nodiscard]] bool folding() const { return fold_.has_value(); }
    /// Folds up to `slots` more slots; true while some are left.
    bool fold(std::size_t slots);

    // --- what is seen ---
    /// The cut as it travels: without archived origins.
    [[nodiscard]] cut seen() const;
    [[nodiscard]] std::uint64_t counter_of(const replica_id& replica) const;
    [[nodiscard]] bool has_seen(const dot& id) const { return id.counter <= counter_of(id.replica); }
    [[nodiscard]] bool covers(const cut& other) const;
    /// How many events of `other` are not seen here.
    [[nodiscard]] std::uint64_t lacks(const cut& other) const;
    /// Changes whenever the cut or the archive does.
    [[nodiscard]] std::uint64_t generation() const { return generation_; }
    /// Nothing while folding.
    [[nodiscard]] std::optional<digest> state_digest() const;
    [[nodiscard]] const replica_id& self() const { return origins_[0].id; }

    // --- what everybody has seen is forgotten ---
    /// Drops removal records under `stable`, at most `steps` of them; true when more may be left. Not while
    /// folding().
    bool collect(const cut& stable, std::size_t steps);
    /// What is left of a replica's shares in removed counters. The `first` of it, as of a moment, may be
    /// forgotten once the replica has told a whole cut over all that was seen here at that moment, and
    /// everything it had written by then is here.
    [[nodiscard]] std::size_t residues_of(const replica_id& origin) const;
    void forget_residues(const replica_id& origin, std::size_t first);
    /// Up to where removal records may be missing here, archived origins included (I8).
    [[nodiscard]] cut floor() const;
    /// After a session that was not a plain walk: the server's floor is ours too.
    void raise_floor(const cut& server);
    /// A receiver that has seen this much may be served by walking the logs.
    [[nodiscard]] bool may_walk(const cut& receiver_seen) const;
    /// No event of an origin has been seen both here and by `other`.
    [[nodiscard]] bool is_disjoint(const cut& other) const;
    [[nodiscard]] const cut& archived() const { return archive_; }
    /// Archived for good, and something of them is here. O(origins). The same, as a server has told it.
    [[nodiscard]] cut closed_for_good() const;
    [[nodiscard]] bool is_closed_for_good(const replica_id& id) const;
    void close_for_good(const cut& entries);
    void forget_closed_residues(std::size_t most); ///< at most `most` of them
    [[nodiscard]] const digest& archive_digest() const { return archive_digest_; }
    /// Origins that are archived and have nothing here any more need no entry of their own. Not while a
    /// log_walk is under way, folding() or something is staged. O(origins).
    void tidy();
    [[nodiscard]] std::size_t origins() const { return origin_index_.size(); }

    [[nodiscard]] std::size_t keys() const { return live_keys_; }
    [[nodiscard]] std::size_t records() const { return live_records_; }
    [[nodiscard]] std::size_t removals() const { return removals_; }
    [[nodiscard]] std::size_t residues() const { return residues_; }
    [[nodiscard]] std::size_t key_value_bytes() const { return user_bytes_; }
    /// Taken from the system. O(origins).
    [[nodiscard]] std::size_t memory_bytes() const;
    /// Nothing is to be written, applied or staged until some memory is free. Asked before each slice of
    /// that.
    [[nodiscard]] bool is_short_of_memory() const { // to fold in a typed value may take as much again
        return memory_.is_short(staging_typed_.size() != 0 ? staged_bytes_ : 0);
    }
    /// About what the present contents need, staged ones included.
    [[nodiscard]] std::size_t bytes_in_use() const;
    [[nodiscard]] std::size_t state_bytes() const { return bytes_in_use() - staged_bytes_ - trash_bytes_; }

  private:
    struct origin {
        replica_id id;
        std::uint64_t counter = 0;
        std::uint64_t floor = 0;
        bool archived = false, for_good = false;
        event_log log;
        std::vector<std::uint64_t> removals; ///< min-heap of counters; some may be gone already
        std::vector<std::uint64_t> residues; ///< counters, in order of their coming to be
        std::set<std::uint64_t> claims;      ///< counters of claimed registers
    };
    using timer = std::pair<instant, handle>;
    struct folding_state {
        std::vector<std::uint64_t> mine;   ///< own cut before the commit, by origin index
        std::vector<std::uint64_t> server; ///< the server's cut, by origin index
        bool disjoint = false; ///< nothing in common: what is left in staging is this node's own, and is kept
        bool by_union = false;
        std::uint64_t batch = 0;
    };
    /// What the store would have if only the staged registers were in it; kept while this node is a newcomer.
    struct staged_totals {
        bool kept = false;           ///< `logs` name every staged block
        bool plain = false;          ///< and nothing is staged but what can become the main index as it is
        std::vector<event_log> logs; ///< by origin index; of every type
        digest sum{};
        std::vector<std::pair<std::uint32_t, std::uint64_t>> removal_dots; ///< of registers; some replaced
        std::size_t keys = 0, records = 0, removals = 0, user_bytes = 0, epochs = 0;
        std::vector<std::pair<std::uint32_t, std::uint64_t>> claim_dots; ///< some replaced
        std::set<timer> timers;
        bool forks = false; ///< a slot has more than one block
    };

    /// The ordered index, as far as it has come: up to a hash of a shard.
    struct key_order {
        ordered_keys keys;
        std::size_t shard = 0;
        std::uint32_t hash = 0;
        bool whole = false;
    };

    [[nodiscard]] block& at(handle h) const { return block_at(memory_, h); }
    [[nodiscard]] staged_view entry_of(const block& b) const;
    [[nodiscard]] dot dot_of(const block& b) const { return {origins_[b.origin].id, b.counter}; }
    [[nodiscard]] digest hash_of(const block& b) const;
    [[nodiscard]] bool beats(const block& a, const block& b) const;
    [[nodiscard]] record_view view(const block& b) const;
    [[nodiscard]] std::optional<std::uint32_t> intern(const replica_id& id);
    [[nodiscard]] std::optional<std::uint32_t> find_origin(const replica_id& id) const;
    [[nodiscard]] handle make(std::uint32_t origin, const slot_name& slot, const staged_view& what);
    [[nodiscard]] dot next_dot() const;
    dot issue();
    /// What a local write is to be, beside its slot and value.
    struct writing {
        bool removal = false;
        timestamp stamp{};
        std::uint64_t epoch = 0;
        std::optional<std::span<const dot>> only{}; ///< of others; nothing: all that may be replaced
        std::optional<std::chrono::milliseconds> ttl{};
    };
    written write(const slot_name& slot, std::string_view value, const writing& how, write_buffers& buffers);
    [[nodiscard]] std::uint64_t epoch_of_put(const slot_name& slot);
    [[nodiscard]] bool is_spared(const block& b) const;
    void note_contest(std::uint32_t from, std::uint64_t counter, bool quiet);
    void rename_contest(const block& successor);

    // chains
    /// A readable record: neither a removal record nor the leftover of a removed counter.
    [[nodiscard]] static bool is_visible(const block& b);
    template <class Visit>
    void each(handle head, Visit visit) const;
    [[nodiscard]] bool any_visible(handle head) const;
    [[nodiscard]] bool is_contested(handle head) const;
    [[nodiscard]] std::optional<std::chrono::milliseconds> ttl_of(const block& b) const;
    [[nodiscard]] bool is_over(const block& b, instant at) const { return b.ttl != 0 && b.deadline() <= at; }
    /// It has values, and all of them are over.
    [[nodiscard]] bool all_over(handle head, instant at) const;
    [[nodiscard]] bool is_shown(handle head) const { return any_visible(head) && !all_over(head, now_); }
    [[nodiscard]] bool is_hidden(std::string_view key);
    void keep_time(handle h, bool on);
    [[nodiscard]] std::size_t timer_bytes() const {
        constexpr std::size_t node_bytes = 48;
        return (timers_.size() + postponed_.size() + staged_.timers.size() + old_timers_.size()) * node_bytes;
    }
    void reset_staged();
    [[nodiscard]] handle head_of(const slot_name& slot);
    [[nodiscard]] handle join_chain(std::span<const handle> blocks);
    void release_fork(handle head);
    template <class Dead>
    void splice(const slot_name& slot, std::uint64_t hash, handle added, Dead dead);
    template <class Dead>
    void splice(const slot_name& slot, handle added, Dead dead);
    void forget(handle h);
    /// `sum`: the block's hash, where it is known already.
    void account(handle h, bool added, const digest* sum = nullptr);
    void account_visible(const block& b, bool added, const digest* sum = nullptr);
    // With an order: something of the key has become visible; and what was of one type is not any more.
    void key_came(std::string_view key);
    void key_went(std::string_view key);
    void account_epoch(const block& b, bool added);
    void link(handle h);
    void unlink(handle h);
    [[nodiscard]] handle root_of(std::string_view key);
    template <class Superseded>
    [[nodiscard]] std::string widened(const slot_name& slot, std::string_view context, Superseded superseded);
    [[nodiscard]] handle widen_staged(handle h);
    void kill_scope(std::string_view key, std::string_view context);
    void bury(handle h, std::uint32_t from);
    void raise_base(handle h, std::uint64_t seen, std::int64_t total);
    void settle_counter(const dot& id, const event_view& event, counter_value& mine);
    void subtract(const slot_name& slot, std::string_view sums);
    void set_archived(const replica_id& id, std::uint64_t counter, bool for_good = false);
    [[nodiscard]] handle share_of(handle head, std::uint32_t from) const;
    bool replace_share(const slot_name& slot, std::uint64_t hash, handle added);
    void enter_archive(const cut& all);
    void reopen(const cut& all);
    void note_event(std::uint32_t origin, std::uint64_t counter);

    // sessions
    [[nodiscard]] key_index& staging_for(value_type type) {
        return type == value_type::reg ? staging_ : staging_typed_;
    }
    void restage(const slot_name& slot, const dot& id, bool mark);
    void account_staged(handle head, bool added);
    void release_staged(handle head);
    [[nodiscard]] bool is_newcomer() const;
    void swap_in();
    void fold_slot(const slot_name& slot, handle staged_head);
    void add_all(const slot_name& slot, std::span<const handle> added);
    void append_chain(const slot_name& slot, handle own);
    void fold_if_staged(const slot_name& slot);
    [[nodiscard]] bool union_prefers(const block& mine, std::span<const handle> shipped) const;
    void merge_counters(const slot_name& slot, std::span<const handle> shipped);
    [[nodiscard]] bool under_scope_removal(const block& b);

    arena memory_;
    key_index index_;
    key_index staging_;              ///< registers
    key_index staging_typed_;        ///< everything else
    std::array<key_index, 2> trash_; ///< of aborted sessions
    std::vector<origin> origins_;    ///< [0] is this node
    std::vector<std::uint32_t> free_origins_;
    std::map<replica_id, std::uint32_t> origin_index_;
    mutable std::uint32_t last_origin_ = 0; ///< events of one origin come in runs
    instant now_{};
    std::set<timer> timers_;     ///< of every value with a deadline, but those that are
    std::set<handle> postponed_; ///< over, beside values that are not
    timer noted_{};              ///< up to where note_over() has come
    handle last_postponed_ = 0;
    std::set<timer> old_timers_; ///< of aborted sessions
    cut archive_;
    digest archive_digest_{};
    staged_totals staged_;
    cut staged_archive_;
    std::size_t staged_bytes_ = 0, trash_bytes_ = 0;
    std::uint64_t batch_ = 0; ///< of what is being staged; a cache is of earlier ones
    std::optional<folding_state> fold_;
    digest digest_{};
    std::uint64_t generation_ = 1;
    std::size_t live_keys_ = 0, live_records_ = 0, removals_ = 0, residues_ = 0, user_bytes_ = 0, roots_ = 0;
    std::vector<handle> kept_, doomed_, blocks_; ///< of splice; the last one of stage
    std::optional<key_order> order_;
    ordered_keys old_order_; ///< let go of
    key_notes notes_;
    std::vector<contest> contests_;
    std::size_t epochs_ = 0; ///< records with one
    std::vector<std::string> disowned_;
    bool contests_missed_ = false, disowned_missed_ = false, writing_ = false;
    mutation broken_;
    store_bounds bounds_;
};

/// What `other` has at least seen: its cut, and its archive.
[[nodiscard]] cut joined(cut seen, const cut& archive);

} // namespace baton
