// world: a few stores, all that was ever written to them, and everything that can happen between them: events
// one by one, late but in causal order; sessions whose two ends take turns with writes, events and one
// another; failover, restarts, and forgetting. It does what a node does (node/core/mesh_*.cpp), without
// frames and timers, so that a law can draw any order of steps.
//
// A step that is not possible at the moment does nothing.
#pragma once

#include "history.hpp"

#include <deque>
#include <memory>

namespace baton::test {

class world {
  public:
    explicit world(std::size_t count);

    [[nodiscard]] std::size_t size() const { return nodes_.size(); }
    [[nodiscard]] store& at(std::size_t i) { return *node_at(i).held; }
    [[nodiscard]] const history& past() const { return past_; }
    [[nodiscard]] cut seen(std::size_t i) { return joined(at(i).seen(), at(i).archived()); }

    // --- writes ---
    void put(std::size_t i, const slot_key& slot, const std::string& value = {});
    void put(std::size_t i, const std::string& key, const std::string& value) {
        put(i, {value_type::reg, key}, value);
    }
    /// A put that replaces some siblings only; without a value, a removal of them.
    void replace(std::size_t i, const slot_key& slot, unsigned chosen,
                 const std::optional<std::string>& value, std::uint64_t epoch = 0);
    void claim(std::size_t i, const std::string& key);
    void add(std::size_t i, const std::string& key, std::int64_t amount);
    void remove(std::size_t i, const slot_key& slot);
    void remove(std::size_t i, const std::string& key) { remove(i, {value_type::reg, key}); }
    void remove_scope(std::size_t i, const std::string& key);
    /// Archives any origin that ever was, except itself.
    void archive(std::size_t i, std::size_t origin);
    /// The next event of an origin (living or not) that `to` lacks, if its causes are there.
    void deliver(std::size_t origin, std::size_t to);
    /// The same, by the node that writes under the origin now.
    void tell_next(std::size_t from, std::size_t to) { deliver(node_at(from).number, to); }

    // --- sessions: one at a time a receiver ---
    /// Asks `server`; `width` is that of the ranges it will list, `compare` has it list them in any case.
    void pull(std::size_t receiver, std::size_t server, std::uint64_t width, bool compare);
    /// One message from the server; looks at no more than `portion` slots of a log.
    void serve(std::size_t receiver, std::size_t portion);
    /// Handles one message at the receiver.
    void receive(std::size_t receiver);
    /// The server is gone. With `keep`, the next one continues from the staged rows if possible.
    void abandon(std::size_t receiver, bool keep);
    [[nodiscard]] bool pulls(std::size_t receiver) { return node_at(receiver).inbound != nullptr; }
    /// A whole session without a pause, folded to its end.
    void sync(std::size_t receiver, std::size_t server);
    [[nodiscard]] std::size_t commits() const { return commits_; }

    // --- forgetting ---
    /// `to` hears how far `from` is.
    void tell(std::size_t from, std::size_t to);
    /// Drops at most `steps` stable removal records. `left_behind` has a bit for each node not waited for.
    void collect(std::size_t i, std::size_t steps, unsigned left_behind = 0);
    /// Leftovers of removed counters.
    void settle(std::size_t i);
    void tidy(std::size_t i);
    /// Crashes for good and comes back empty under a new id.
    void restart(std::size_t i);

    // --- against the oracle ---
    /// What is wrong with node `i`, in words; empty if nothing is. While a commit is being folded in, only
    /// one third of the slots (`phase`) is read, since a read folds the slot.
    [[nodiscard]] std::string check(std::size_t i, std::size_t phase = 0);

  private:
    struct staged_entry {
        staged_view what;
        std::string value;
    };
    struct message {
        enum class kind : std::uint8_t { open, chain, listing, commit } what{};
        cut seen, rows, floor; ///< of the opening and the commit
        slot_key slot;
        std::vector<staged_entry> entries;
        dot_range range;
        std::vector<held_dot> records;
    };
    struct session {
        std::size_t server = 0;
        // the receiver's end
        cut asked;  ///< what the receiver had seen when the session began, archived origins included
        cut closed; ///< those
        bool newcomer = false, cached = false, opened = false;
        cut there; ///< what the server had seen when the comparison was opened
        cut archive_rows, staged;
        // the server's end
        bool ranges = false, answered = false, whole_archive = false, complete = false;
        cut receiver, start, pin;
        log_walk walk;
        std::deque<dot_range> to_list, to_ship;
        std::size_t uncompared = 0;
        std::deque<message> sent;
    };
    struct settling {
        cut until;
        std::size_t count = 0;
    };
    struct node {
        std::size_t number = 0; ///< of its origin
        std::unique_ptr<store> held;
        std::unique_ptr<session> inbound;
        std::map<std::size_t, cut> told; ///< per node: what it is known to have seen
        /// per node: all that it had seen at one moment, its own events included
        std::map<std::size_t, cut> said;
        std::map<std::size_t, settling> settles;
        bool compare_next = false;
        std::map<slot_key, slot_reading> shown;   ///< to whoever takes the notes
        std::set<dot> own_claims;                 ///< when it was last looked at
        std::map<slot_key, std::size_t> siblings; ///< when it was last looked at
    };

    [[nodiscard]] node& node_at(std::size_t i) { return nodes_[i % nodes_.size()]; }
    void note(std::size_t i, const written& what, cut context, std::int64_t amount = 0,
              std::optional<std::set<dot>> only = {});
    void begin(node& n);
    void ship(store& from, session& s, const dot& id);
    void list(store& from, session& s, std::size_t portion);
    void compare(store& own, session& s, const message& m);
    void check_absent(store& own, session& s, const dot& id);
    void finish(std::size_t receiver, const message& m);
    [[nodiscard]] std::string check_slots(store& s, const std::map<slot_key, slot_reading>& expected,
                                          std::size_t phase);
    [[nodiscard]] std::string check_contests(node& n);
    [[nodiscard]] std::string check_whole(store& s, const std::map<slot_key, slot_reading>& expected);
    [[nodiscard]] static std::string check_order(store& s, const std::map<slot_key, slot_reading>& expected,
                                                 std::size_t phase);
    [[nodiscard]] static std::string check_notes(node& n, const std::map<slot_key, slot_reading>& expected);

    std::vector<node> nodes_;
    std::vector<std::uint64_t> finals_; ///< per origin: its last counter; 0 while it lives
    history past_;
    std::map<std::string, digest> digests_; ///< by what is seen
    hybrid_clock clock_{1000};
    write_buffers buffers_;
    std::size_t commits_ = 0;
};

} // namespace baton::test
