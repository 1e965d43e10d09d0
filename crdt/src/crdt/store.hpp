// store: the replicated map of one node. Its visible state is a function of its cut (I1), whatever the order
// in which events, repairs and local writes arrived.
//
// Pure and single-threaded: whoever holds the node's lock calls it. Owns all records. Views returned by reads
// are valid until the next call that is not const. Source: causal cuts with dense counters for puts and
// removes (design of delta-state CRDTs, Almeida et al. 2018, with the removal log of Dynamo-style stores
// replaced by the cut); visibility as in Burckhardt, "Principles of Eventual Consistency", 2014.
//
// Invariants kept here (numbers as in crdt/README.md): I1 by doing the same per key in every path; I2 and I3
// in apply() and commit(); I4 by staging outside the index; I5 in kill(), which only an event or a cut that
// has seen a dot reaches; I6 in issue().
#pragma once

#include "crdt/block.hpp"
#include "crdt/cut.hpp"
#include "crdt/digest.hpp"
#include "crdt/index.hpp"
#include "crdt/log.hpp"
#include "crdt/mutation.hpp"
#include "crdt/time.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace baton {

struct record_view {
    dot id{};
    timestamp stamp{};
    std::uint64_t epoch = 0;
    value_type type{};
    std::string_view value;
};

/// A put or a remove as its origin made it.
struct event_view {
    bool removal = false;
    value_type type{};
    timestamp stamp{};
    std::uint64_t epoch = 0;
    std::string_view key;
    std::string_view value;
    /// The dots of *other* origins that this event replaces. Those of its own origin are implied.
    std::span<const dot> kills;
};

/// One entry of a key's chain as a session brings it.
struct staged_view {
    enum class kind : std::uint8_t { record, removal, reference } what{};
    dot id{};
    value_type type{};
    timestamp stamp{};
    std::uint64_t epoch = 0;
    std::string_view value;
};

/// How far a serving session has walked each origin's log, by origin index.
struct log_walk {
    std::vector<std::uint64_t> at;
    std::size_t origin = 0;
};

class store {
  public:
    store(replica_id self, std::uint64_t seed, mutation broken = mutation::none);
    store(const store&) = delete;
    store& operator=(const store&) = delete;

    // --- reading: O(siblings) and folds the key first if a commit is being folded in ---
    /// The value that wins the read: highest (epoch, timestamp, replica, counter).
    [[nodiscard]] std::optional<record_view> read(std::string_view key);
    [[nodiscard]] std::size_t sibling_count(std::string_view key);
    /// All live records of `key`, the winner first.
    void siblings(std::string_view key, std::vector<record_view>& into);
    /// Keys with a live record in one of `key_index::shards` slices, in no order. O(keys / shards).
    void keys_of(std::size_t shard, std::string_view prefix, std::vector<std::string>& into);

    // --- writing here: issues the next dot of this replica (I6) ---
    /// Replaces all it has seen of `key`. `kills` receives the replaced dots of other origins.
    dot put(std::string_view key, std::string_view value, timestamp stamp, std::vector<dot>& kills);
    /// Nothing, and no dot issued, when the key has no live record.
    std::optional<dot> remove(std::string_view key, timestamp stamp, std::vector<dot>& kills);

    // --- events of others ---
    enum class applied : std::uint8_t { yes, duplicate, early };
    /// Applies the event `id` iff it is the next of its origin (I2); the caller has checked its dependencies.
    applied apply(const dot& id, const event_view& event);

    // --- serving a session: what the receiver's cut lacks, by walking the logs ---
    [[nodiscard]] log_walk walk_from(const cut& receiver) const;
    /// The next dot to ship, at most `steps` slots looked at; `steps` 0 afterwards means call again. An empty
    /// optional with steps left: everything under the present cut has been walked, so a COMMIT at cut() is
    /// true now.
    [[nodiscard]] std::optional<dot> next(log_walk& walk, std::size_t& steps) const;
    /// The key of a live record or removal record, and its whole chain; an empty key when it is gone.
    [[nodiscard]] std::string_view chain_at(const dot& id, std::vector<staged_view>& into);
    /// The whole chain of `key`: live records and removal records. Values are views into the store.
    void chain_of(std::string_view key, std::vector<staged_view>& into);

    // --- receiving a session: staged aside (I4), then committed in one step and folded in key by key ---
    /// About this many records will be staged.
    void expect(std::size_t records) { staging_.reserve(records); }
    /// What the server holds of `key`; replaces what was staged for it before.
    void stage(std::string_view key, std::span<const staged_view> chain);
    void stage_abort();
    [[nodiscard]] std::size_t staged_keys() const { return staging_.size(); }
    /// From now on the state is that of both cuts joined. O(origins); the records are folded in when their
    /// keys are touched and by fold(). Not while folding().
    void commit(const cut& server);
    [[nodiscard]] bool folding() const { return fold_.has_value(); }
    /// Folds up to `keys` more keys; true while some are left.
    bool fold(std::size_t keys);

    // --- what is seen ---
    [[nodiscard]] cut seen() const;
    [[nodiscard]] std::uint64_t counter_of(const replica_id& replica) const;
    [[nodiscard]] bool has_seen(const dot& id) const { return id.counter <= counter_of(id.replica); }
    [[nodiscard]] bool covers(const cut& other) const;
    /// Changes whenever the cut does.
    [[nodiscard]] std::uint64_t generation() const { return generation_; }
    /// Nothing while folding.
    [[nodiscard]] std::optional<digest> state_digest() const;
    [[nodiscard]] const replica_id& self() const { return origins_[0].id; }

    [[nodiscard]] std::size_t keys() const { return live_keys_; }
    [[nodiscard]] std::size_t records() const { return live_records_; }
    [[nodiscard]] std::size_t removals() const { return removals_; }
    [[nodiscard]] std::size_t key_value_bytes() const { return user_bytes_; }
    [[nodiscard]] std::size_t memory_bytes() const;

  private:
    struct origin {
        replica_id id;
        std::uint64_t counter = 0;
        event_log log;
    };
    struct folding_state {
        std::vector<std::uint64_t> mine;   ///< own cut before the commit, by origin index
        std::vector<std::uint64_t> server; ///< the server's cut, by origin index
        bool disjoint = false; ///< nothing in common: what is left in staging is this node's own, and is kept
    };
    /// What the store would have if only the staged records were in it; kept while this node is a newcomer.
    struct staged_totals {
        bool kept = false;
        std::vector<event_log> logs; ///< by origin index
        digest sum{};
        std::size_t keys = 0, records = 0, removals = 0, user_bytes = 0;
    };

    [[nodiscard]] block& at(handle h) const { return block_at(memory_, h); }
    [[nodiscard]] staged_view entry_of(const block& b) const;
    [[nodiscard]] dot dot_of(const block& b) const { return {origins_[b.origin].id, b.counter}; }
    [[nodiscard]] digest hash_of(const block& b) const;
    [[nodiscard]] bool beats(const block& a, const block& b) const;
    [[nodiscard]] record_view view(const block& b) const;
    std::uint32_t intern(const replica_id& id);
    [[nodiscard]] std::optional<std::uint32_t> find_origin(const replica_id& id) const;
    [[nodiscard]] handle make(std::string_view key, const staged_view& what);
    [[nodiscard]] dot next_dot() const;
    dot issue();
    dot write(std::string_view key, const staged_view& what, std::vector<dot>& kills);

    /// The head of a key's chain in the main index, after folding it; 0 when there is none.
    [[nodiscard]] handle head_of(std::string_view key);
    template <class Dead>
    void splice(std::string_view key, handle added, Dead dead);
    void forget(handle h);
    void account(const block& b, bool added);
    void account_staged(handle head, bool added);
    void mark_shared(handle head);
    [[nodiscard]] bool is_newcomer() const;
    [[nodiscard]] bool is_disjoint(const cut& server) const;
    void swap_in();
    void fold_key(std::string_view key, handle staged_head);
    void append_chain(std::string_view key, handle own);
    void fold_if_staged(std::string_view key);
    void release_chain(handle head);

    arena memory_;
    key_index index_;
    key_index staging_;
    std::vector<origin> origins_; // [0] is this node
    std::map<replica_id, std::uint32_t> origin_index_;
    mutable std::uint32_t last_origin_ = 0; ///< events of one origin come in runs
    staged_totals staged_;
    std::optional<folding_state> fold_;
    digest digest_{};
    std::uint64_t generation_ = 1;
    std::size_t live_keys_ = 0, live_records_ = 0, removals_ = 0, user_bytes_ = 0;
    mutation broken_;
};

} // namespace baton
