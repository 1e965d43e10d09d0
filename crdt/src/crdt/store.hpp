// store: the replicated map of one node. Its visible state is a function of its cut (I1), whatever the order
// in which events, repairs and local writes arrived.
//
// Pure and single-threaded: called under the node's lock. Owns all records. Views returned by reads are valid
// until the next call that is not const.
// Source: causal cuts with dense counters for puts and removes (design of delta-state CRDTs, Almeida et al.
// 2018, with the removal log of Dynamo-style stores replaced by the cut); visibility as in Burckhardt,
// "Principles of Eventual Consistency", 2014.
//
// Its parts have contracts of their own: the records that it holds (record_table.hpp, whose queries are also
// the store's) and those that a session has brought (staging.hpp). The store changes them: by writes, events,
// commits and folding.
//
// Invariants kept here (numbers as in crdt/README.md): I1 by the same rule per slot in every path; I2 and I3
// in apply() and commit(); I4 by staging outside the index; I5 by kills, which only an event or a cut that
// has seen a dot names; I6 in issue(); I7 and I8 in collect() and floor(); I9 in archive().
#pragma once

#include "crdt/claim_epoch.hpp"
#include "crdt/counter.hpp"
#include "crdt/mutation.hpp"
#include "crdt/record_table.hpp"
#include "crdt/staging.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace baton::crdt {

class store : public record_table {
  public:
    store(replica_id self, std::uint64_t seed, mutation broken = mutation::none, store_bounds bounds = {});

    // --- reading: O(siblings) and folds the slot first if a commit is being folded in ---
    /// The value that wins the read: highest (epoch, timestamp, replica, counter). `live`: the number of
    /// values.
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
    /// The counter's value modulo 2^64; nullopt if it has had no addition since it was removed. O(origins).
    [[nodiscard]] std::optional<std::int64_t> count(std::string_view key);
    /// The present elements or fields of `key`, sorted. O(members). Do not call while folding().
    void elements(value_type type, std::string_view key, std::vector<std::string>& into);
    /// The types of which `key` has a value: bit 1 << type. Folds in the rest of folding_typed().
    [[nodiscard]] unsigned types_of(std::string_view key);
    [[nodiscard]] bool has_typed_keys() const { return roots_ != 0 || folding_typed(); }
    /// Typed values are being folded in, before registers; it is not known yet which keys have them.
    [[nodiscard]] bool folding_typed() const { return fold_ && staging_.typed_slots() != 0; }

    // --- keys in order: an index that exists only while it is in use ---
    /// Builds the index, `slots` slots of the store per call; true once it is complete. Begins again after a
    /// newcomer's commit. False while folding().
    bool order(std::size_t slots);
    /// Keys with a value that begin with `prefix`, sorted, each once, from `from` on: of the next `most`
    /// those that are not hidden. Returns where to continue, if there are more. Precondition: order() has
    /// returned true, and since then there was no drop_order() and no commit. O(log keys + most).
    [[nodiscard]] std::optional<std::string> keys_from(std::string_view prefix, std::string_view from,
                                                       std::size_t most, std::vector<std::string>& into);

    // --- writing here: issues the next dot of this replica (I6) ---
    /// Replaces everything that this replica has seen of the slot (a register, an element, a field, a flag),
    /// except records of a register that another replica has claimed: of those it becomes a sibling. A claim
    /// of this replica stays. `ttl`: only for a register, its time to live.
    written put(const slot_name& slot, std::string_view value, timestamp stamp, write_buffers& buffers,
                std::optional<std::chrono::milliseconds> ttl = {});
    /// Replaces what this replica has written in the slot (a register or a field), and of others only what
    /// `only` names.
    written put_over(const slot_name& slot, std::string_view value, std::uint64_t epoch,
                     std::span<const dot> only, timestamp stamp, write_buffers& buffers,
                     std::optional<std::chrono::milliseconds> ttl = {});
    /// Removes the same and leaves everything else as it is.
    written remove_only(const slot_name& slot, std::span<const dot> only, timestamp stamp,
                        write_buffers& buffers);
    /// Restores a record that is lost under its own dot: a sibling with the record's time and epoch, which
    /// replaces nothing of others. nullopt, without a new dot, if this replica has written to the slot or the
    /// slot already has the same value.
    std::optional<written> recover(const slot_name& slot, const staged_view& lost, write_buffers& buffers);
    /// What a lost share of a counter adds to the share of its replica here, if the lost one is later.
    [[nodiscard]] std::int64_t lost_amount(std::string_view key, const staged_view& lost);
    /// Adds to a counter.
    written add(std::string_view key, std::int64_t amount, timestamp stamp, write_buffers& buffers);
    /// nullopt, without a new dot, if the slot has no live record.
    std::optional<written> remove(const slot_name& slot, timestamp stamp, write_buffers& buffers);
    /// Removes what has been seen of a key's set, map and flag; nullopt if there is nothing to remove.
    /// O(members). Do not call while folding().
    std::optional<written> remove_scope(std::string_view key, timestamp stamp, write_buffers& buffers);
    /// Writes the archive event of `closed`, at the counter that is seen of it (I9). `for_good`: it has said
    /// goodbye with that counter, so no later event of it exists.
    written archive(const replica_id& closed, bool for_good, timestamp stamp, write_buffers& buffers);

    // --- expiry: registers with a time to live (expiry.hpp) ---
    //
    // A record's deadline counts from the moment when it is made here, on this node's clock. When all values
    // of a register have expired, as of set_now(), every read skips it. It stays in the state and in the
    // digest until a removal, which is replicated like any other.
    /// There are values, and all of them have expired.
    [[nodiscard]] bool is_all_hidden() const;
    /// The time until the register is hidden; nullopt if it never is. For a write that continues the value.
    [[nodiscard]] std::optional<std::chrono::milliseconds> time_left(std::string_view key);
    /// Notes the keys whose deadlines have passed since the last call, up to `steps`; true if more are left.
    bool note_over(std::size_t steps);
    /// A register whose values had all expired at `until`, or nullopt. Looks at `steps` values; if `steps` is
    /// 0 afterwards, call again. Returns the same register until it is removed.
    [[nodiscard]] std::optional<std::string> next_over(instant until, std::size_t& steps);
    /// The same for registers that had an unexpired value when their turn came, and may have lost it since.
    [[nodiscard]] std::optional<std::string> next_postponed(instant until, std::size_t& steps);
    /// Removes a hidden register.
    written remove_over(std::string_view key, timestamp stamp, write_buffers& buffers);

    // --- events of others ---
    enum class applied : std::uint8_t { yes, duplicate, early };
    /// Applies the event `id` only if it is the next of its origin (I2); the caller has checked its
    /// dependencies.
    applied apply(const dot& id, const event_view& event);

    // --- serving a session ---
    /// A receiver that has seen this cut may be served by walking the logs.
    [[nodiscard]] bool may_walk(const cut& receiver_seen) const;
    /// The slot of a live record or removal record, and its whole chain; an empty key if it is gone.
    [[nodiscard]] slot_name chain_at(const dot& id, std::vector<staged_view>& into);
    /// The whole chain of a slot: live records and removal records. Values are views into the store.
    void chain_of(const slot_name& slot, std::vector<staged_view>& into);
    /// The blocks of the slot as they are now; readable by pinned() until unpin(), even if the slot changes.
    void pin_chain(const slot_name& slot, std::vector<handle>& into);

    // --- comparing with another store, range by range (I8) ---
    /// The next record of the range, staged records included if the staging is a cache.
    [[nodiscard]] std::optional<held_dot> next_held(dot_range& range, std::size_t& steps, bool staged) const;
    [[nodiscard]] std::optional<held_dot> held(const dot& id, bool staged) const;

    // --- receiving a session: staged (I4), then committed in one step and folded in slot by slot ---
    /// Prefetches what stage() needs of this slot; call it a little earlier.
    void prefetch_staged(const slot_name& slot) const { staging_.prefetch(slot); }
    /// About this many records will be staged.
    void expect(std::size_t records) { staging_.reserve(records); }
    /// Stages what the server holds of the slot; replaces what was staged for it before. False if it names
    /// more replicas than a store can number.
    bool stage(const slot_name& slot, std::span<const staged_view> chain);
    /// The server has seen `id` and does not hold it: the commit removes it. From a cache it is removed now.
    void stage_dead(const dot& id);
    /// The server has sent everything that it holds: the commit removes records here that the server has seen
    /// and that are not staged. O(records here).
    void stage_absent(const cut& server);
    /// The same in slices of `steps` slots, for a server that does not change; true while more is left. A
    /// further walk just before the commit finds what was applied in the meantime.
    bool stage_absent(log_walk& walk, const cut& server, std::size_t steps);
    /// The archive of the server; the commit joins it in.
    void stage_archive(const cut& entries) { staging_.add_archive(entries); }
    /// Drops what is staged; sweep() returns the memory.
    void stage_abort();
    /// Releases up to `slots` slots of aborted sessions, or some memory of a dropped order; true: more are
    /// left.
    bool sweep(std::size_t slots) { return staging_.sweep(slots) || order_.shed(); }
    /// Staged records that another server can confirm: those of a newcomer.
    [[nodiscard]] bool stage_is_cache() const { return staging_.is_cache(); }
    /// Another server continues: the staged registers are a cache from now on. False if they cannot be one,
    /// or have been passed on too often.
    bool stage_keep() { return staging_.keep(bounds_.batches, bounds_.typed); }
    /// Drops from a cache what the server of the commit has not seen.
    void stage_trim(const cut& server);
    /// The origins of the records in a cache. O(origins).
    [[nodiscard]] std::vector<replica_id> staged_origins() const;
    [[nodiscard]] std::size_t staged_slots() const { return staging_.slots(); }
    [[nodiscard]] std::size_t staged_bytes() const { return staging_.bytes(); }
    /// From now on the state is that of both cuts joined. O(origins); the records are folded in when their
    /// slots are touched and by fold(). `by_union`: equal cuts had unequal digests; everything that either
    /// side holds stays. Do not call while folding().
    void commit(const cut& server, bool by_union = false);
    [[nodiscard]] bool folding() const { return fold_.has_value(); }
    /// Folds up to `slots` more slots; true while some are left.
    bool fold(std::size_t slots);
    /// nullopt while folding.
    [[nodiscard]] std::optional<digest> state_digest() const;

    // --- forgetting what every member has seen ---
    /// Drops removal records under `stable`, at most `steps` of them; true if more may be left. Do not call
    /// while folding().
    bool collect(const cut& stable, std::size_t steps);
    /// residues_of() states when this is right.
    void forget_residues(const replica_id& id, std::size_t first);
    void forget_closed_residues(std::size_t most); ///< at most `most` of them
    /// Drops the entries of archived origins that have no blocks here any more. Do not call while a log_walk
    /// is under way, while folding(), or while something is staged. O(origins).
    void tidy();

    // --- memory in use; record_table has the counts ---
    /// Bytes taken from the system. O(origins).
    [[nodiscard]] std::size_t memory_bytes() const;
    /// Do not write, apply or stage until memory is free. Check before each slice.
    [[nodiscard]] bool is_short_of_memory() const { // to fold in a typed value may take as much again
        return memory_.is_short(staging_.typed_slots() != 0 ? staging_.bytes() : 0);
    }
    /// About the bytes that the present contents need, staged ones included.
    [[nodiscard]] std::size_t bytes_in_use() const;
    [[nodiscard]] std::size_t state_bytes() const {
        return bytes_in_use() - staging_.bytes() - staging_.aborted_bytes();
    }

  private:
    struct folding_state {
        std::vector<std::uint64_t> mine;   ///< own cut before the commit, by origin index
        std::vector<std::uint64_t> server; ///< the server's cut, by origin index
        bool disjoint = false; ///< no origin in common: what is left in staging is this node's own, and stays
        bool by_union = false;
        std::uint64_t batch = 0;
    };
    /// The parameters of a local write, in addition to slot and value.
    struct writing {
        bool removal = false;
        timestamp stamp{};
        std::uint64_t epoch = 0;
        std::optional<std::span<const dot>> only{}; ///< of others; nullopt: all that may be replaced
        std::optional<std::chrono::milliseconds> ttl{};
    };

    // reading
    [[nodiscard]] handle head_of(const slot_name& slot);
    [[nodiscard]] bool is_hidden(std::string_view key);
    [[nodiscard]] bool is_register_over(handle value, instant until);

    // writing
    [[nodiscard]] dot next_dot() const;
    dot issue();
    written write(const slot_name& slot, std::string_view value, const writing& how, write_buffers& buffers);
    [[nodiscard]] std::uint64_t epoch_of_put(const slot_name& slot);
    [[nodiscard]] bool is_spared(const block& b) const;
    [[nodiscard]] handle share_of(handle head, std::uint32_t from) const;
    bool replace_share(const slot_name& slot, std::uint64_t hash, handle added);

    // effects beyond the slot
    template <class Superseded>
    [[nodiscard]] std::string widened(const slot_name& slot, std::string_view context, Superseded superseded);
    [[nodiscard]] handle widen_staged(handle h);
    void kill_scope(std::string_view key, std::string_view context);
    void bury(handle h, std::uint32_t from);
    void raise_base(handle h, std::uint64_t seen, std::int64_t total);
    void subtract(const slot_name& slot, std::string_view sums);

    // sessions
    void restage(const slot_name& slot, const dot& id, bool mark);
    [[nodiscard]] bool is_newcomer() const;
    void swap_in();
    void fold_slot(const slot_name& slot, handle staged_head);
    void add_all(const slot_name& slot, std::span<const handle> added);
    void append_chain(const slot_name& slot, handle own);
    void fold_if_staged(const slot_name& slot);
    [[nodiscard]] bool union_prefers(const block& mine, std::span<const handle> shipped) const;
    void merge_counters(const slot_name& slot, std::span<const handle> shipped);
    [[nodiscard]] bool under_scope_removal(const block& b);

    staging staging_;
    std::optional<folding_state> fold_;
    std::vector<handle> blocks_; ///< of stage
    mutation broken_;
    store_bounds bounds_;
};

/// What `other` has seen at least: its cut and its archive.
[[nodiscard]] cut joined(cut seen, const cut& archive);

} // namespace baton::crdt
