// session_receiver: this node as the receiver of a session. It asks the member that holds most of what this
// node lacks, stages the rows, and commits all of them at one moment. Or it compares its own store with the
// server's by ranges of dots (I8). The server may also be a file (spills.hpp).
//
// Pure; owned by a mesh, same thread contract. One session at a time. Bounded by limits.credit_bytes; staged
// rows are bounded by limits.bytes_max, which the mesh judges (room.hpp). When to call again: tend() at
// take_deadline(); consider() then, and when something that it waits for has changed; work() while it reports
// `more`.
// Source: PULL → STATE… → COMMIT in wire/PROTOCOL.md; range-based set reconciliation (Meyer, 2023), over dots
// instead of keys.
#pragma once

#include "core/courier.hpp"
#include "core/inbound_session.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "core/room.hpp"
#include "core/session_server.hpp"
#include "crdt/store.hpp"
#include "wire/frame.hpp"

#include <baton/view.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::core {

class session_receiver {
  public:
    struct counts {
        std::uint64_t pulled = 0, failed = 0, compared = 0, bytes = 0, applied = 0;
    };
    /// A session that is over.
    struct ended {
        session_end how{};
        replica_id from{};              ///< the server; nil: a file
        std::optional<spill_id> file{}; ///< that file
        wire::standing at{};            ///< committed: what the server had
        bool overstated = false;        ///< committed, and for the first time the server had reported more
    };
    /// The result of a call. The caller passes on what it means to other machines.
    struct outcome {
        verdict why{}; ///< on the frame; the caller counts a refusal, once with that of a session_end
        std::optional<ended> end{};
        std::vector<replica_id> beyond{}; ///< origins to ask for their latest counter
        bool more = false;                ///< work() has more to do
    };

    session_receiver(const mesh_options& settings, store& here, membership& members, const courier& mail,
                     session_server& server, std::mt19937_64& random)
        : settings_(settings)
        , store_(here)
        , members_(members)
        , mail_(mail)
        , server_(server)
        , random_(random) {}

    // --- which server to ask ---
    /// A member may hold events that this node lacks: asks it at `when`, if that is still so. O(origins).
    void note_lack(peer& p, instant when);
    /// Begins a session if one is due, but not while this node is leaving or deltas wait to be applied.
    /// O(members × origins).
    void consider(const moment& at, const room& space, outbox& out);
    /// Begins a session with a file. `claims`: its cut. Precondition: no session is open.
    void begin_file(spill_id file, const cut& claims, std::uint64_t written_ms, const moment& at,
                    outbox& out);
    /// All subscribers have got this standing on PUB: a PULL names it by its hash. O(members).
    void note_told(const wire::standing& at);

    // --- frames ---
    /// `fits`: this node has room for the bytes that the server holds, by the frame.
    outcome on_state(const replica_id& from, std::string_view bytes, const wire::state& f, bool fits,
                     const moment& at, outbox& out);
    outcome on_answer(const replica_id& from, const wire::fingerprint& f, const moment& at, outbox& out);
    /// The next chunk of the file; a chunk of a file that was not asked for has no effect.
    outcome on_file(const spill_read& in, const moment& at, outbox& out);

    // --- work ---
    /// Does a slice of staging, comparing or marking.
    outcome work(const moment& at, outbox& out);
    /// Repeats frames that may have been lost, a bounded number of times; drops a cache that is no longer
    /// needed.
    outcome tend(const moment& at, outbox& out);
    /// This process did not run for so long.
    outcome excuse(mesh_clock::duration pause, const moment& at, outbox& out);
    /// The server is gone.
    outcome drop(const replica_id& from, const moment& at, outbox& out);
    /// Ends the session, if there is one, for a reason of this node's own.
    outcome abandon(session_end how, const moment& at, outbox& out);
    /// When tend() or consider() is wanted, by what has happened since the last call of this function.
    [[nodiscard]] instant take_deadline() { return std::exchange(due_, instant::max()); }

    // --- what follows from a session under way ---
    [[nodiscard]] bool is_open() const { return session_.has_value(); }
    /// The session brings everything of each origin of which this node has nothing.
    [[nodiscard]] bool is_of_newcomer() const { return session_ && session_->newcomer; }
    /// The cut of the server with which this node compares; nullptr: no comparison.
    [[nodiscard]] const cut* compared() const;
    /// A session is open, the one before it ended for want of room, and none has committed since.
    [[nodiscard]] bool is_short_of_room() const { return session_ && room_short_; }
    [[nodiscard]] const counts& counted() const { return counts_; }
    /// The session under way.
    [[nodiscard]] std::optional<sync_progress> progress(instant now) const;

  private:
    // session_receiver.cpp
    void start(const replica_id& id, peer& p, outbox& out);
    void send_pull(const peer& p, outbox& out);
    void give_credit(outbox& out);
    bool take_archive(const wire::state& f);
    void wake_by(instant when) { due_ = std::min(due_, when); }
    void end(session_end how, outcome& done, outbox& out);
    void pace(session_end how, const inbound_session& s);
    // session_commit.cpp
    bool work_on_state(outcome& done, outbox& out);
    bool stage_row(const wire::state_row& row);
    void finish(outcome& done, outbox& out);
    void commit(const cut& claimed, bool newcomer, outcome& done, outbox& out);
    [[nodiscard]] std::optional<session_end> fault_of_claim(const cut& claimed);
    [[nodiscard]] std::optional<session_end> fault_of_plan(const cut& claimed) const;
    [[nodiscard]] std::vector<replica_id> origins_beyond(const cut& claimed) const;
    bool mark_absent(const cut& claimed, std::size_t steps);
    bool work_on_absent(outcome& done, outbox& out);
    // session_compare.cpp
    void add_unlisted(std::deque<wire::listed_range>& listed);
    void want(const replica_id& origin, std::uint64_t counter);
    bool work_on_ranges(outbox& out);
    void check_sum(const wire::listed_range& l);
    void check_listed(const wire::listed_range& l, const held_dot& theirs);
    void check_absent(const dot& id);
    void ask_on(outbox& out);

    const mesh_options& settings_;
    store& store_;
    membership& members_;
    const courier& mail_;
    session_server& server_;
    std::mt19937_64& random_;
    moment at_{}; ///< of the call under way
    std::optional<inbound_session> session_;
    std::uint64_t last_number_ = 0;
    bool room_short_ = false; ///< a session ended for want of room: check the next one before staging
    instant cached_until_{};  ///< how long staged rows are kept while no server is available
    instant due_ = instant::max();
    wire::standing told_;            ///< the last one on PUB
    std::vector<staged_view> chain_; ///< scratch
    counts counts_;
};

} // namespace baton::core
