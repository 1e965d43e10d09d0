// mesh: one node as a state machine: it takes a moment and an input, and returns an outbox. It has no
// sockets, threads, clocks or hidden randomness, so any number of meshes run in one test under a virtual
// clock.
//
// Single-threaded: called under the node's lock. Owns the store, the peers and the sessions. When to call
// again: step(time_passed) at outbox.wake_at; after every step and every write, work() until it returns
// false.
#pragma once

#include "core/answers.hpp"
#include "core/causal_inbox.hpp"
#include "core/contact/contact.hpp"
#include "core/courier.hpp"
#include "core/failure_detector.hpp"
#include "core/handover.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "core/own_writes.hpp"
#include "core/proof.hpp"
#include "core/proofs.hpp"
#include "core/registers.hpp"
#include "core/reports.hpp"
#include "core/room.hpp"
#include "core/schedule.hpp"
#include "core/session_receiver.hpp"
#include "core/session_server.hpp"
#include "core/spills.hpp"
#include "core/stability.hpp"
#include "core/tally.hpp"
#include "discovery/beacon.hpp"
#include "wire/frame.hpp"
#include "wire/rows.hpp"

#include <baton/view.hpp>

#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::core {

class mesh {
  public:
    using optional_ttl = own_writes::optional_ttl;
    mesh(mesh_options settings, const moment& start);
    ~mesh();

    // --- inputs ---
    verdict step(const moment& at, const input& in, outbox& out);
    /// Does one bounded slice (at most 256 events or keys) of waiting work: received rows, folding, serving,
    /// own deltas. True: call again, after other threads could take the lock.
    bool work(const moment& at, outbox& out);

    // --- writes of this process; then call work() ---
    /// `expected`: write only if the key is at this version; nil: only if the key is absent.
    result<version> stash(const moment& at, std::string_view key, std::string_view value,
                          const std::optional<version>& expected = {}, optional_ttl ttl = {}) {
        return writes_.stash(at, key, value, expected, ttl);
    }
    result<bool> drop(const moment& at, std::string_view key);
    /// Adds to the counter of `key`.
    result<version> add(const moment& at, std::string_view key, std::int64_t amount) {
        return writes_.add(at, key, amount);
    }
    /// A set's element, a map's field, a flag: `slot` says which; `value` is the field's. `ttl`: only for a
    /// register: its time to live.
    result<version> put(const moment& at, const slot_name& slot, std::string_view value,
                        optional_ttl ttl = {}) {
        return writes_.put(at, slot, value, ttl);
    }
    /// False if it was absent.
    result<bool> remove(const moment& at, const slot_name& slot);
    /// Writes several keys as one group: every node shows all of them or none. O(all bytes).
    result<version> stash_all(const moment& at,
                              std::span<const std::pair<std::string_view, std::string_view>> all,
                              optional_ttl ttl = {}) {
        return writes_.stash_all(at, all, ttl);
    }
    /// Claims, and merging of siblings: claim(), commit(), resolve() and others. When the outbox has
    /// merges_ready, ask for merges until there are none. begin_leave() releases the remaining claims.
    [[nodiscard]] core::registers& registers() { return registers_; }
    /// work() is wanted soon although nothing is to be sent: there is something to report, or a new deadline.
    [[nodiscard]] bool has_news() const { return registers_.has_news(); }

    /// Sends now what work() would send of own writes; broadcasts only.
    void flush(const moment& at, outbox& out);
    [[nodiscard]] bool has_unsent() const { return !writes_.out.empty() || writes_.out.must_announce(); }
    /// Own deltas waiting to be sent, in bytes.
    [[nodiscard]] std::size_t unsent_bytes() const { return writes_.out.bytes(); }

    // --- reads ---
    [[nodiscard]] store& state() { return store_; }
    [[nodiscard]] static result<void> check_key(std::string_view key) { return own_writes::check_key(key); }
    /// Builds a slice of the ordered index of keys. True: call state().keys_from() now, before the lock is
    /// released. The index is freed a minute after the last call.
    bool order(const moment& at);
    /// A member that had kept up is limits.lag_max or lag_bytes_max behind, or values are overwritten faster
    /// than a session can send them.
    [[nodiscard]] bool is_crowded() const { return stability_.is_crowded(); }
    [[nodiscard]] bool is_full() const { return room_.is_full(); }
    [[nodiscard]] bool synced() const;
    /// Call before waiting for is_caught_up(): asks members which nodes they know. Then call work().
    void catch_up(const moment& at);
    /// synced() with every node that members know, and neither this node nor a member has an unread spill.
    [[nodiscard]] bool is_caught_up() const;
    /// In order of their ids; sort_by_name() needs no lock. At most `most` beyond `after`: a large mesh is
    /// read in several short holds of the lock.
    [[nodiscard]] std::vector<member> members(const replica_id& after = {},
                                              std::size_t most = SIZE_MAX) const;
    [[nodiscard]] node_stats stats() const; ///< all but the members
    // mesh_view.cpp: for people who watch the mesh; each is one short hold of the lock
    [[nodiscard]] bool is_leaving() const { return handover_.is_leaving(); }
    /// is_caught_up(), or no other node is there to be synced with. Once it has been alone, this node stays
    /// ready until it meets a member: a seed that becomes silent later does not take its state away.
    [[nodiscard]] bool is_ready();
    [[nodiscard]] std::vector<member_link> links() const;
    /// What each of at most `most` members beyond `after` named in its last answer. O(most × members).
    [[nodiscard]] std::vector<member_view> views(const replica_id& after, std::size_t most) const;
    /// Every member that is up has answered that question.
    [[nodiscard]] bool has_answers(std::uint64_t question) const;
    [[nodiscard]] std::vector<sync_progress> syncs() const;
    /// At most `most` claims, in order of owner and age; `all`: how many there are. O(origins + most).
    [[nodiscard]] std::vector<claimed_key> claims_seen(std::size_t most, std::size_t& all);
    [[nodiscard]] const mesh_options& settings() const { return settings_; }
    /// Keys may be installed, used and removed at any time, if there was one at the start.
    [[nodiscard]] discovery::keyring& keys() { return contact_.introductions.keys(); }

    // --- proof: what others hold ---
    [[nodiscard]] ack_count measure(const proof& wanted) const {
        return proofs_.measure(wanted, !handover_.is_leaving());
    }
    [[nodiscard]] std::vector<replica_id> members_up() const;
    /// Asks members to acknowledge `id`, until stop_awaiting(ticket): by the broadcast that carries it, or by
    /// a later question. If it has already been sent, asks_now() is true: call work(). A call under the same
    /// hold of the lock as the write saves the question.
    std::uint64_t await_holders(const moment& at, const dot& id);
    void stop_awaiting(std::uint64_t ticket) { proofs_.stop_awaiting(ticket); }
    [[nodiscard]] bool asks_now(const moment& at) const { return proofs_.asks_now(at.now); }
    /// Asks every member what it has applied, until end_question. Then call work().
    std::uint64_t begin_question(const moment& at);
    void end_question(std::uint64_t number) { proofs_.end_question(number); }
    /// The longest usual round trip to a member that is up.
    [[nodiscard]] mesh_clock::duration round_trip() const { return proofs_.round_trip(); }
    [[nodiscard]] absence judge_absence(std::uint64_t question) const;
    /// The leaving member that has announced the key.
    [[nodiscard]] std::optional<replica_id> on_its_way(std::string_view key) const {
        return handover_.on_its_way(key);
    }

    // --- leaving ---
    /// Announces the leave and freezes the cut. A second call has no effect.
    void begin_leave(const moment& at, std::size_t copies, outbox& out);
    [[nodiscard]] leave_progress leaving_progress() const;
    /// Keys in one of key_index::shards slices that no staying member is known to hold.
    void unsafe_keys(std::size_t shard, std::vector<std::string>& into) {
        handover_.unsafe_keys(shard, into);
    }
    /// Says goodbye to all members. Then call step() until farewell_heard().
    void say_left(const moment& at, outbox& out);
    [[nodiscard]] bool farewell_heard() const { return handover_.farewell_heard(); }

    // --- spills: the whole store in a file (spills.hpp) ---
    /// While leaving: writes a slice of the store as for a newcomer. `into`: the next frame, or empty. False
    /// with the last frame; after that, or after end_spilling, the next call begins again.
    bool spill(const moment& at, std::string& into);
    void end_spilling() { spills_.end_writing(); }
    /// That file is safe on its disk: drops the files whose contents are in it.
    void spill_kept(const moment& at, outbox& out);
    [[nodiscard]] std::size_t spills_waiting() const { return spills_.waiting(); }
    /// Above every timestamp that this node has accepted.
    [[nodiscard]] timestamp clock() const { return writes_.clock.last(); }

  private:
    struct dispatch; ///< mesh_dispatch.cpp: inputs, and the table of frames
    // mesh.cpp
    verdict refuse(const char* reason) { return tally_.refuse_frame(reason); }
    void run_timers(outbox& out);
    void set_moment(const moment& at);
    void wake_by(instant when) { time_.wake_by(when); }
    void note_sent();
    // mesh_life.cpp: who is up, suspect or gone
    void judge_peers(outbox& out);
    [[nodiscard]] bool is_over(const replica_id& id, peer& p, outbox& out);
    void judge(const replica_id& id, peer& p, outbox& out);
    const char* look_both_ways(const replica_id& id, peer& p);
    verdict on_probe(const datagram_arrived& in, outbox& out);
    void end_peer(const replica_id& id, peer& p, member_state state, event_kind kind, std::string reason,
                  outbox& out);
    void end_replaced(const replica_id& former, const replica_id& by, outbox& out);

    // mesh_hello.cpp: what a HELLO means to others
    verdict on_hello(const wire::hello& f, const arrival& from, outbox& out);
    void maybe_up(const replica_id& id, peer& p, outbox& out);
    verdict on_published_hello(const wire::hello& f, outbox& out);
    verdict on_brief(const wire::brief& f, outbox& out);
    void check_synced(outbox& out);
    bool publish_hello(outbox& out);

    // mesh_delta.cpp: own events sent, others' events applied
    verdict on_delta(std::string_view bytes, const wire::delta& f, outbox& out);
    bool work_on_delta(outbox& out);
    void send_batches(outbox& out);
    void cut_grew(outbox& out);
    void observe(const replica_id& origin, timestamp stamp, outbox& out);

    // mesh_sessions.cpp: what sessions, and files in the place of a server, mean to others
    verdict on_state(const replica_id& from, std::string_view bytes, const wire::state& f, outbox& out);
    verdict settle(const session_receiver::outcome& done, outbox& out);
    void consider_pull(outbox& out);
    verdict take(const spill_found& in, outbox& out);
    verdict take(const spills_listed& in, outbox& out);
    verdict take(const spill_read& in, outbox& out);

    // mesh_room.cpp
    void look_for_garbage(outbox& out);
    void judge_room(outbox& out);
    // mesh_proof.cpp
    void ask_members(outbox& out);
    [[nodiscard]] proofs::own_part own_part() const;
    verdict on_ask(const replica_id& from, const wire::ask& f, outbox& out);
    verdict on_ack(const replica_id& from, const wire::ack& f, outbox& out);

    // mesh_leave.cpp
    verdict on_leaving(const replica_id& from, const wire::leaving& f, outbox& out);
    verdict on_leaving_rumour(const wire::leaving& f, outbox& out);
    void begin_leaving(const replica_id& id, peer& p, outbox& out);
    verdict on_left(const wire::left& f, const arrival& from, outbox& out);
    void repeat_leaving(outbox& out);

    mesh_options settings_;
    schedule time_;
    std::mt19937_64 random_;
    store store_;
    room room_;
    tally tally_;

    membership peers_;
    contact contact_;
    reports reports_;
    courier courier_;
    failure_detector detector_;
    own_writes writes_;
    causal_inbox inbox_;
    proofs proofs_;
    session_server server_;
    session_receiver receiver_;
    spills spills_;
    stability stability_;
    handover handover_;
    core::registers registers_;
    bool was_alone_ = false; ///< when is_ready() was asked
};

/// By (name, id), as node::members() gives them.
void sort_by_name(std::vector<member>& all);

} // namespace baton::core
