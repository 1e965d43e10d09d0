// session_server: this node as the server of sessions. It walks its logs for the events that a receiver's cut
// lacks, or sends what the receiver asks for by ranges, in bounded chunks. It commits at the cut that it has
// reached.
//
// Pure; owned by a mesh, same thread contract. Bounded by limits.sessions_max, and each session by its
// credit. When to call again: work() while it returns true; expire() at deadline().
// Source: PULL → STATE… → COMMIT in wire/PROTOCOL.md; range-based set reconciliation (Meyer, 2023).
#pragma once

#include "core/courier.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "core/outbound_session.hpp"
#include "core/standing.hpp"
#include "crdt/store.hpp"
#include "wire/frame.hpp"

#include <baton/view.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace baton::core {

class session_server {
  public:
    struct counts {
        std::uint64_t served = 0, compared = 0, resumed = 0, bytes = 0;
    };
    session_server(const mesh_options& settings, store& here, membership& members, courier& mail,
                   std::mt19937_64& random)
        : settings_(settings)
        , store_(here)
        , members_(members)
        , mail_(mail)
        , random_(random) {}

    // --- frames; the caller counts refusals ---
    /// Precondition: `from` is a peer.
    verdict on_pull(const replica_id& from, wire::pull f, instant now, outbox& out);
    struct credited {
        verdict why;
        std::optional<cut> holds{}; ///< the session is done: the cut that the receiver has now
    };
    credited on_credit(const replica_id& from, const wire::credit& f, instant now, outbox& out);
    verdict on_question(const replica_id& from, const wire::fingerprint& f, instant now, outbox& out);

    // --- work ---
    /// Serves one slice of one session; sessions take turns. True while any session can continue.
    bool work(const moment& at, outbox& out);
    /// Forgets sessions whose receivers are silent.
    void expire(instant now, outbox& out);
    [[nodiscard]] instant deadline() const;
    /// That receiver is gone.
    void drop(const replica_id& to) { serving_.erase(to); }
    /// That receiver is left behind: what its session pins may go now, so the session ends and the receiver
    /// is told so.
    void leave_behind(const replica_id& to, outbox& out);
    /// Ends all sessions. Call after a commit that removed records without leaving removal records: a
    /// receiver that was sent such a record would otherwise keep it.
    void drop_all(outbox& out);

    // --- what follows from sessions under way ---
    [[nodiscard]] std::size_t size() const { return serving_.size(); }
    [[nodiscard]] bool serves(const replica_id& to) const { return serving_.contains(to); }
    /// The smaller of `least` and the starts of all walks, except walks of members that were left behind: no
    /// removal record above it may be dropped (I7).
    [[nodiscard]] std::uint64_t least_pin(const replica_id& origin, std::uint64_t least) const;
    /// A session by ranges is under way.
    [[nodiscard]] bool compares() const;
    /// The session with that receiver has made progress `within` this time.
    [[nodiscard]] bool is_moving(const replica_id& to, instant now, mesh_clock::duration within) const;
    /// Values are overwritten faster than a session can send them: writers have to wait.
    [[nodiscard]] bool is_overtaken() const;
    [[nodiscard]] const counts& counted() const { return counts_; }
    /// Appends the sessions under way.
    void progress(instant now, std::vector<sync_progress>& into) const;

    // --- a file in the place of a receiver ---
    [[nodiscard]] std::unique_ptr<outbound_session> begin_file(instant now) const;
    /// Writes a slice; `into`: the next frame, or empty. False with the last frame. Precondition: the cut is
    /// frozen.
    bool write_file(outbound_session& s, const moment& at, std::string& into);

  private:
    // session_server.cpp
    void send_again(const replica_id& to, outbound_session& s, outbox& out);
    void ask_again(const replica_id& to, std::uint64_t session, wire::state::flag why, outbox& out);
    void tell_busy(const replica_id& to, std::uint64_t session, outbox& out);
    void tell_archive(outbound_session& s, outbox& out);
    void seal(outbound_session& s, bool commit, outbox& out);
    static void shorten(const outbound_session& s, wire::state& f);
    void queue_chunk(outbound_session& s, std::uint64_t number, std::string bytes, outbox& out);
    // session_fill.cpp
    void fill(outbound_session& s, std::size_t& steps);
    bool fill_large(outbound_session& s);
    void defer(outbound_session& s, const slot_name& slot);
    void settle_cut(outbound_session& s, outbox& out);
    void thaw(outbound_session& s);
    [[nodiscard]] std::optional<dot> next_to_ship(outbound_session& s, std::size_t& steps);
    [[nodiscard]] static bool may_refer(const outbound_session& s, const slot_name& slot,
                                        const staged_view& entry);
    // session_ranges.cpp
    static void open_ranges(outbound_session& s);
    void work_on_answer(const replica_id& to, outbound_session& s, outbox& out);
    void finish_range(outbound_session& s) const;
    void send_answer(const replica_id& to, outbound_session& s, outbox& out);

    const mesh_options& settings_;
    store& store_;
    membership& members_;
    courier& mail_;
    std::mt19937_64& random_;
    instant now_{}; ///< of the call under way
    std::map<replica_id, std::unique_ptr<outbound_session>> serving_;
    std::optional<replica_id> last_served_;
    counts counts_;
};

} // namespace baton::core
