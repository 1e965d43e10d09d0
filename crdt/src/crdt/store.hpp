// store: the replicated map of one node. Its visible state is a function of its cut (I1), whatever the order
// in which events, repairs and local writes arrived.
//
// Pure and single-threaded: whoever holds the node's lock calls it. Owns all records. Views returned by reads
// are valid until the next call that is not const. Source: causal cuts with dense counters for puts and
// removes (design of delta-state CRDTs, Almeida et al. 2018, with the removal log of Dynamo-style stores
// replaced by the cut); visibility as in Burckhardt, "Principles of Eventual Consistency", 2014.
//
// Its parts have contracts of their own: what is held (record_table.hpp, whose queries are the store's too)
// and what a session has brought (staging.hpp). A store is what happens to them: writes, events, commits,
// folding.
//
// Invariants kept here (numbers as in crdt/README.md): I1 by doing the same per slot in every path; I2 and I3
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
    [[nodiscard]] bool folding_typed() const { return fold_ && staging_.typed_slots() != 0; }

    // --- keys in order: an index that is there only while somebody asks for it ---
    /// Builds it, `slots` slots of the store a call; true once it is whole. Begins anew after a newcomer's
    /// commit. Not while folding(): false.
    bool order(std::size_t slots);
    /// Keys with something that begin with `prefix`, sorted, each once, from `from` on; of the next `most`
    /// those that are not hidden. Where to go on from, if there are more. Only when order() has said true and
    /// since then drop_order() was not called and nothing committed. O(log keys + most).
    [[nodiscard]] std::optional<std::string> keys_from(std::string_view prefix, std::string_view from,
                                                       std::size_t most, std::vector<std::string>& into);

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

    // --- what is over: registers with a time to live (expiry.hpp) ---
    //
    // A record's deadline is counted on this node's clock from its being made here. A register is hidden from
    // every read when all its values are over, as of set_now(); it stays in the state, and in the digest,
    // until a removal goes through the mesh like any other.
    /// There are values, and all of them are over.
    [[nodiscard]] bool is_all_hidden() const;
    /// Until the register is hidden; nothing when it has no end. For a write that keeps its value going.
    [[nodiscard]] std::optional<std::chrono::milliseconds> time_left(std::string_view key);
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

    // --- serving a session ---
    /// A receiver that has seen this much may be served by walking the logs.
    [[nodiscard]] bool may_walk(const cut& receiver_seen) const;
    /// The slot of a live record or removal record, and its whole chain; an empty key when it is gone.
    [[nodiscard]] slot_name chain_at(const dot& id, std::vector<staged_view>& into);
    /// The whole chain of a slot: live records and removal records. Values are views into the store.
    void chain_of(const slot_name& slot, std::vector<staged_view>& into);
    /// The blocks of the slot as they are now; readable by pinned() until unpin(), whatever becomes of it.
    void pin_chain(const slot_name& slot, std::vector<handle>& into);

    // --- comparing with another store, range by range (I8) ---
    /// The next record of the range; staged ones too where the staging is a cache.
    [[nodiscard]] std::optional<held_dot> next_held(dot_range& range, std::size_t& steps, bool staged) const;
    [[nodiscard]] std::optional<held_dot> held(const dot& id, bool staged) const;

    // --- receiving a session: staged aside (I4), then committed in one step and folded in slot by slot ---
    /// What stage() will need of this slot, to be asked for a little earlier.
    void prefetch_staged(const slot_name& slot) const { staging_.prefetch(slot); }
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
    void stage_archive(const cut& entries) { staging_.add_archive(entries); }
    /// Lets go of what is staged; its memory comes back by sweep().
    void stage_abort();
    /// Releases up to `slots` slots of aborted sessions, or some of an order let go of; true: more are left.
    bool sweep(std::size_t slots) { return staging_.sweep(slots) || order_.shed(); }
    /// Staged records that another server can confirm: those of a newcomer.
    [[nodiscard]] bool stage_is_cache() const { return staging_.is_cache(); }
    /// Another server goes on: what is staged is a cache from now on, registers only. False when it is none,
    /// or has been passed on too often.
    bool stage_keep() { return staging_.keep(bounds_.batches, bounds_.typed); }
    /// Of a cache: what the server of the commit has not seen goes.
    void stage_trim(const cut& server);
    /// Of a cache: whose records are in it. O(origins).
    [[nodiscard]] std::vector<replica_id> staged_origins() const;
    [[nodiscard]] std::size_t staged_slots() const { return staging_.slots(); }
    [[nodiscard]] std::size_t staged_bytes() const { return staging_.bytes(); }
    /// From now on the state is that of both cuts joined. O(origins); the records are folded in when their
    /// slots are touched and by fold(). `by_union`: equal cuts had unequal digests; whatever either side
    /// holds stays. Not while folding().
    void commit(const cut& server, bool by_union = false);
    [[nodiscard]] bool folding() const { return fold_.has_value(); }
    /// Folds up to `slots` more slots; true while some are left.
    bool fold(std::size_t slots);
    /// Nothing while folding.
    [[nodiscard]] std::optional<digest> state_digest() const;

    // --- what everybody has seen is forgotten ---
    /// Drops removal records under `stable`, at most `steps` of them; true when more may be left. Not while
    /// folding().
    bool collect(const cut& stable, std::size_t steps);
    /// When that is right: residues_of().
    void forget_residues(const replica_id& id, std::size_t first);
    void forget_closed_residues(std::size_t most); ///< at most `most` of them
    /// Origins that are archived and have nothing here any more need no entry of their own. Not while a
    /// log_walk is under way, folding() or something is staged. O(origins).
    void tidy();

    // --- how much memory there is in use; the counts are record_table's ---
    /// Taken from the system. O(origins).
    [[nodiscard]] std::size_t memory_bytes() const;
    /// Nothing is to be written, applied or staged until some memory is free. Asked before each slice of
    /// that.
    [[nodiscard]] bool is_short_of_memory() const { // to fold in a typed value may take as much again
        return memory_.is_short(staging_.typed_slots() != 0 ? staging_.bytes() : 0);
    }
    /// About what the present contents need, staged ones included.
    [[nodiscard]] std::size_t bytes_in_use() const;
    [[nodiscard]] std::size_t state_bytes() const {
        return bytes_in_use() - staging_.bytes() - staging_.aborted_bytes();
    }

  private:
    struct folding_state {
        std::vector<std::uint64_t> mine;   ///< own cut before the commit, by origin index
        std::vector<std::uint64_t> server; ///< the server's cut, by origin index
        bool disjoint = false; ///< nothing in common: what is left in staging is this node's own, and is kept
        bool by_union = false;
        std::uint64_t batch = 0;
    };
    /// What a local write is to be, beside its slot and value.
    struct writing {
        bool removal = false;
        timestamp stamp{};
        std::uint64_t epoch = 0;
        std::optional<std::span<const dot>> only{}; ///< of others; nothing: all that may be replaced
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

/// What `other` has at least seen: its cut, and its archive.
[[nodiscard]] cut joined(cut seen, const cut& archive);

} // namespace baton::crdt
