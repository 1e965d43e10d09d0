// proofs: what other members hold, by their own report: acknowledgements of writes that a call waits for, and
// questions to all members, whose answers show that no node has a key.
//
// Pure; owned by a mesh, same thread contract. When to call again: ask() at deadline(), and after every
// await(), begin_question() and want_views().
#pragma once

#include "core/contact/quest.hpp"
#include "core/courier.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/proof.hpp"
#include "crdt/mutation.hpp"
#include "crdt/store.hpp"
#include "wire/frame.hpp"

#include <baton/stats.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace baton::core {

class proofs {
  public:
    struct limits {
        std::size_t wants = 256;   ///< dots that one ASK asks for
        std::size_t mesh_size = 0; ///< expected number of members; 0: unknown
        mutation broken = mutation::none;
    };
    /// What this node states about itself in an acknowledgement.
    struct own_part {
        bool staying = true;       ///< it neither leaves nor is full
        bool unread_spill = false; ///< a file that it has found may hold more
    };
    proofs(const store& here, membership& members, courier& mail, const quest_map& quests,
           node_stats& counters, limits most)
        : store_(here)
        , members_(members)
        , mail_(mail)
        , quests_(quests)
        , counters_(counters)
        , limits_(most) {}

    // --- acknowledgements of writes ---
    /// `holds_here`: this node counts as a copy.
    [[nodiscard]] ack_count measure(const proof& wanted, bool holds_here) const;
    /// Waits until stop_awaiting(). `broadcast_asks`: a broadcast asks or is about to ask; the question is
    /// repeated when it seems to be lost. If the write was sent before any call waited for it, the question
    /// is sent at once. Otherwise the wait would count as the round trip, and each such question would make
    /// the next one wait longer.
    std::uint64_t await(const dot& id, bool broadcast_asks, instant now);
    void stop_awaiting(std::uint64_t ticket);
    /// The next broadcast of own events is to ask for acknowledgements.
    [[nodiscard]] bool asks_broadcasts() const { return !awaited_.empty(); }
    /// A broadcast has asked, up to this own event.
    void broadcast_asked(std::uint64_t counter) { asked_through_ = counter; }
    [[nodiscard]] std::uint64_t asked_through() const { return asked_through_; }

    // --- questions ---
    /// Every member is asked what it has applied, until end_question().
    std::uint64_t begin_question(instant now);
    void end_question(std::uint64_t number);
    /// Asks members that are up which nodes they know, from now on.
    void want_views(instant now);
    /// An acknowledgement is awaited, or a question is open.
    [[nodiscard]] bool asks() const { return !awaited_.empty() || !questions_.empty() || wants_views_; }
    [[nodiscard]] bool asks_now(instant now) const;
    /// Repeats over the link, after twice the usual round trip, what a lost broadcast may have asked; asks
    /// the open questions.
    void ask(instant now, outbox& out);
    [[nodiscard]] instant deadline() const;
    /// The longest usual round trip to a member that is up.
    [[nodiscard]] mesh_clock::duration round_trip() const;

    // --- answers ---
    [[nodiscard]] bool has_asked(std::uint64_t question) const { return question <= last_question_; }
    /// `understood`: nothing of its report was left out. True if it is the latest answer of that member.
    bool on_ack(peer& p, const wire::ack& f, bool understood, instant now);
    /// This node has no report of that one, whatever others know: it has never greeted, or is called crashed.
    [[nodiscard]] bool is_stranger(const replica_id& id) const;
    /// Appends the nodes that `p` named and this node has not heard. Answers of version 4 have no view: there
    /// the addresses that it reports of others count, as long as they are tried.
    void name_unheard(const replica_id& id, const peer& p, std::vector<replica_id>& into) const;
    /// Earlier answers do not show whether their senders have seen a death.
    void forget_answers();

    // --- as the node that is asked ---
    /// Answers at once, and by answer_wanted() once more when all that `f` wants is applied here.
    void on_ask(const replica_id& from, peer& p, const wire::ask& f, const own_part& own, outbox& out);
    /// That member waits for the acknowledgement of its events up to this one.
    void owe(peer& p, std::uint64_t counter);
    /// Acknowledges what has been applied to the members that wait for it: once per slice. G2: after
    /// applying, never before.
    void answer_wanted(const own_part& own, outbox& out);

  private:
    [[nodiscard]] bool has_told(const peer& p, const dot& id) const;
    [[nodiscard]] bool is_holder(const peer& p, const dot& id) const;
    [[nodiscard]] bool is_open(const answer_record& of) const;
    void ask_by(peer& p, instant when);
    void rest_asking();
    void acknowledge(const replica_id& id, const peer& p, std::uint64_t asked, const own_part& own,
                     outbox& out);
    void show_view(const replica_id& to, wire::ack& f, std::string& ids) const;

    const store& store_;
    membership& members_;
    courier& mail_;
    const quest_map& quests_;
    node_stats& counters_;
    limits limits_;
    std::map<std::uint64_t, dot> awaited_; ///< by ticket
    std::set<std::uint64_t> questions_;
    std::uint64_t last_ticket_ = 0, last_question_ = 0;
    std::uint64_t asked_through_ = 0; ///< own events up to which a broadcast has asked
    bool wants_views_ = false;        ///< a call waits for this node to be synced
    bool acks_owed_ = false;          ///< another member waits for an acknowledgement
};

} // namespace baton::core
