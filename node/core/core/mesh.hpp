// mesh: one node's share of the mesh as a state machine. (moment, input) → outbox; no sockets, threads,
// clocks or hidden randomness, so that any number of them run in one test under a virtual clock.
//
// Single-threaded: whoever holds the node's lock calls it. Owns the store, the peers and the sessions.
// When to call again: step(time_passed) at outbox.wake_at; work() until it says false after every step and
// every write.
#pragma once

#include "core/answers.hpp"
#include "core/causal_inbox.hpp"
#include "core/claims.hpp"
#include "core/conflicts.hpp"
#include "core/courier.hpp"
#include "core/expiry.hpp"
#include "core/failure_detector.hpp"
#include "core/handover.hpp"
#include "core/inbound_session.hpp"
#include "core/introductions.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "core/proof.hpp"
#include "core/proofs.hpp"
#include "core/publisher.hpp"
#include "core/room.hpp"
#include "core/scouting.hpp"
#include "core/session_server.hpp"
#include "core/stability.hpp"
#include "core/writer.hpp"
#include "discovery/beacon.hpp"
#include "wire/frame.hpp"
#include "wire/rows.hpp"

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace baton::core {

class mesh {
  public:
    mesh(mesh_options settings, const moment& start);
    ~mesh();

    // --- inputs ---
    verdict step(const moment& at, const input& in, outbox& out);
    /// One bounded slice (at most 256 events or keys) of what is waiting: received rows, folding, serving,
    /// own deltas. True: call again, after letting others have the lock.
    bool work(const moment& at, outbox& out);

    // --- writes of this process; then call work() ---
    /// `expected`: only if the key is at this version; a nil one: only if it is absent.
    result<version> stash(const moment& at, std::string_view key, std::string_view value,
                          const std::optional<version>& expected = {},
                          std::optional<std::chrono::milliseconds> ttl = {});
    result<bool> drop(const moment& at, std::string_view key);
    /// Adds to the counter of `key`.
    result<version> add(const moment& at, std::string_view key, std::int64_t amount);
    /// A set's element, a map's field, a flag: `slot` says which; `value` is the field's.
    /// `ttl`: of a register that is to be over then.
    result<version> put(const moment& at, const slot_name& slot, std::string_view value,
                        std::optional<std::chrono::milliseconds> ttl = {});
    /// False when it was not there.
    result<bool> remove(const moment& at, const slot_name& slot);
    /// One run of events that every node shows whole or not at all. O(all bytes).
    result<version> stash_all(const moment& at,
                              std::span<const std::pair<std::string_view, std::string_view>> all,
                              std::optional<std::chrono::milliseconds> ttl = {});
    /// Replaces the versions of a register that were shown, all of which must still be there, and nothing
    /// else. Errors: those of stash; conflict.
    result<version> resolve(const moment& at, std::string_view key, std::string_view value,
                            std::span<const version> shown);
    // --- claims ---
    /// Takes the register over. Errors: those of stash; absent; conflict, if it is to be free and is not. A
    /// claim of this node there ends.
    result<claim_grant> claim(const moment& at, std::string_view key,
                              std::optional<mesh_clock::duration> lease, bool if_free = false);
    /// By the claim's number. Errors: those of stash; claim_lost.
    result<version> commit(const moment& at, std::string_view key, std::uint64_t number,
                           std::string_view value, std::optional<std::chrono::milliseconds> ttl = {});
    result<void> renew(const moment& at, std::string_view key, std::uint64_t number);
    /// The epoch under which it is free. Error: claim_lost.
    result<std::uint64_t> release(const moment& at, std::string_view key, std::uint64_t number) {
        return claims_.release(at, key, number);
    }
    [[nodiscard]] bool owns(const moment& at, std::string_view key, std::uint64_t number) {
        return claims_.owns(at, key, number);
    }
    /// Somebody out of reach may own the same; or, of one claim, somebody in view who has not agreed to it.
    [[nodiscard]] bool is_tentative() const { return claims_.is_tentative(); }
    [[nodiscard]] bool is_tentative(std::string_view key, std::uint64_t number) {
        return claims_.is_tentative(key, number);
    }
    /// At most `most` of this node's claims; true while some are left. begin_leave() does the rest.
    bool release_claims(const moment& at, std::size_t most, outbox& out) {
        return claims_.release_some(at, most, out);
    }
    /// work() is wanted soon, though nothing is to be sent: for what is to be told, or for a new deadline.
    [[nodiscard]] bool has_news() const { return claims_.has_news() || store_.has_contests(); }

    /// Registers under the prefix can be merged here.
    void merge_under(std::string_view prefix) { conflicts_.merge_under(prefix); }
    /// A register with siblings that this node is to merge: by resolve(), or else give_up_merge(). Look when
    /// the outbox says merges_ready, and again until there is nothing.
    [[nodiscard]] std::optional<merge_task> next_merge() { return conflicts_.next_merge(takes_writes()); }
    /// Until it has one sibling more.
    void give_up_merge(std::string_view key) { conflicts_.give_up_merge(key); }
    /// What work() would send of own writes, now; nothing but broadcasts.
    void flush(const moment& at, outbox& out);
    [[nodiscard]] bool has_unsent() const { return !publisher_.empty() || publisher_.must_announce(); }
    /// Own deltas waiting to be sent, in bytes.
    [[nodiscard]] std::size_t unsent_bytes() const { return publisher_.bytes(); }

    // --- reads ---
    [[nodiscard]] store& state() { return store_; }
    [[nodiscard]] static result<void> check_key(std::string_view key);
    /// A slice of building the ordered index of keys; true once state().keys_from() may be asked, before the
    /// lock is let go of. It goes when this has not been called for a minute.
    bool order(const moment& at);
    /// A member that had kept up is limits.lag_max or lag_bytes_max behind, or a session is overtaken.
    [[nodiscard]] bool is_crowded() const { return stability_.is_crowded(); }
    [[nodiscard]] bool is_full() const { return room_.is_full(); }
    [[nodiscard]] bool synced() const;
    /// Before is_caught_up() is waited for: members are asked whom they know. Then call work().
    void catch_up(const moment& at);
    /// synced() with everybody whom members know, and no spill is left to be read, here or there.
    [[nodiscard]] bool is_caught_up() const;
    [[nodiscard]] std::vector<member> members() const;
    [[nodiscard]] node_stats stats() const;
    [[nodiscard]] const mesh_options& settings() const { return settings_; }
    /// Keys may be installed, used and removed at any time, where there was one at the start.
    [[nodiscard]] discovery::keyring& keys() { return introductions_.ring; }

    // --- proof: what others hold ---
    [[nodiscard]] ack_count measure(const proof& wanted) const {
        return proofs_.measure(wanted, !handover_.is_leaving());
    }
    [[nodiscard]] std::vector<replica_id> members_up() const;
    /// Members are asked to acknowledge `id`, with the broadcast that is about to carry it or by asking
    /// later; or now, when it has gone out already: then asks_now(), and call work(). Until
    /// stop_awaiting(ticket). Best called in the same hold of the lock as the write: it saves the question.
    std::uint64_t await_holders(const moment& at, const dot& id);
    void stop_awaiting(std::uint64_t ticket) { proofs_.stop_awaiting(ticket); }
    [[nodiscard]] bool asks_now(const moment& at) const { return proofs_.asks_now(at.now); }
    /// Every member is asked what it has applied, until end_question. Then call work().
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
    /// Announces the leaving and freezes the cut. Again: nothing.
    void begin_leave(const moment& at, std::size_t copies, outbox& out);
    [[nodiscard]] leave_progress leaving_progress() const;
    /// Keys in one of key_index::shards slices that no staying member is known to hold.
    void unsafe_keys(std::size_t shard, std::vector<std::string>& into) {
        handover_.unsafe_keys(shard, into);
    }
    /// Says goodbye to everybody. Then call step() until farewell_heard().
    void say_left(const moment& at, outbox& out);
    [[nodiscard]] bool farewell_heard() const { return handover_.farewell_heard(); }

    // --- spills: the whole store in a file (mesh_spill.cpp) ---
    /// While leaving: a slice of it as for a newcomer. `into`: the next frame, or empty. False with the last;
    /// then, and when it has been given up (end_spilling), it begins anew.
    bool spill(const moment& at, std::string& into);
    void end_spilling();
    /// That file is safe on its disk: those whose contents are in it are dropped.
    void spill_kept(const moment& at, outbox& out);
    [[nodiscard]] std::size_t spills_waiting() const; ///< neither merged nor given up yet
    /// Above every timestamp that is believed here.
    [[nodiscard]] timestamp clock() const { return clock_.last(); }

  private:
    // mesh.cpp: dispatch, timers, members
    verdict take(const beacon_arrived& in, outbox& out);
    verdict take(const datagram_arrived& in, outbox& out);
    verdict take(const broadcast_arrived& in, outbox& out);
    verdict take(const request_arrived& in, outbox& out);
    verdict take(const reply_arrived& in, outbox& out);
    verdict take(const link_changed& in, outbox& out);
    verdict take(const subscriber_changed& in, outbox& out);
    verdict take(const noise_arrived& in, outbox& out);
    verdict take(const addresses_changed& in, outbox& out);
    verdict take(const time_passed& in, outbox& out);
    verdict take(const spill_found& in, outbox& out);
    verdict take(const spills_listed& in, outbox& out);
    verdict take(const spill_read& in, outbox& out);
    verdict take(const knocked& in, outbox& out);
    verdict take(const resolved& in, outbox& out);
    verdict refuse(const char* reason);
    verdict counted(verdict of);
    void run_timers(outbox& out);
    // mesh_life.cpp
    void judge_peers(outbox& out);
    void judge(const replica_id& id, peer& p, outbox& out);
    const char* look_both_ways(const replica_id& id, peer& p);
    void redial(const replica_id& id, peer& p, outbox& out);
    verdict on_probe(const datagram_arrived& in, outbox& out);
    void note_inquirer(const replica_id& id, const replica_id& by, const health_record::inquirer& how,
                       outbox& out);
    verdict on_inquiry(const replica_id& from, const wire::inquiry& f, outbox& out);
    verdict on_word(const wire::word& f);
    void meet_namesakes(const replica_id& id, peer& p, outbox& out);
    void judge_namesake(const replica_id& id, peer& p, outbox& out);
    void set_moment(const moment& at);
    void wake_by(instant when) { wake_at_ = std::min(wake_at_, when); }
    void note_sent();

    // mesh_hello.cpp: contact and the readiness handshake
    verdict on_hello(const wire::hello& f, const arrival& from, outbox& out);
    verdict answer_stranger(const replica_id& from, outbox& out);
    verdict on_brief(const wire::brief& f, outbox& out);
    void bind(link_id number, const replica_id& id, outbox& out);
    void follow(peer& p, outbox& out, bool is_there = false);
    void release_link(peer& p, outbox& out);
    void greet(link_id number, bool wants_answer, outbox& out);
    void tell(const replica_id& id, peer& p, bool wants_answer, outbox& out);
    [[nodiscard]] std::string no_common_version(const wire::versions& theirs) const;
    void tell_refused(const replica_id& id, std::string name, std::string reason, outbox& out);
    void note_address_taken(const replica_id& by, const std::string& endpoint, const wire::hello& f);
    void maybe_up(const replica_id& id, peer& p, outbox& out);
    void learn_standing(const replica_id& id, peer& p, const wire::standing& s, mesh_clock::duration grace,
                        outbox& out);
    [[nodiscard]] const cut& learn(peer& p, const cut& reported, cut& room);
    void note_lack(peer& p, mesh_clock::duration grace);
    void compare_digests(const replica_id& id, peer& p, bool equal, outbox& out, std::string both);
    void check_synced(outbox& out);
    bool publish_hello(outbox& out);
    [[nodiscard]] wire::hello make_hello(std::uint64_t flags);
    void end_peer(const replica_id& id, peer& p, member_state state, event_kind kind, std::string reason,
                  outbox& out);
    void make_room(outbox& out, std::optional<link_id> keep = {});
    bool held_by_another(const std::string& endpoint, const replica_id& id);
    void greet_links(outbox& out);
    void check_later(link& l);

    // mesh_discovery.cpp
    void announce(outbox& out);
    [[nodiscard]] std::vector<discovery::address> ways_of(const discovery::beacon& b,
                                                          std::string_view seen_at) const;
    verdict meet(const discovery::beacon& b, const std::vector<discovery::address>& ways, bool contact,
                 outbox& out);
    [[nodiscard]] bool needs_way(const peer& p) const;
    void note_moved(const replica_id& id, peer& p, std::string_view reach, std::string_view seen_at);
    void seek(const replica_id& id, const std::vector<discovery::address>& ways, mesh_clock::duration after);
    void try_way(const replica_id& id, quest& q, outbox& out);
    void tend_quests(outbox& out);
    void end_round(quest& q, peer* p);
    void tell_peers(const replica_id& id, peer& p, outbox& out);
    void exchange_peers(outbox& out);
    void exchange_soon();
    verdict on_peers(const wire::peers& f, const peer& teller, outbox& out);
    [[nodiscard]] bool is_dialled(const std::string& endpoint) const;
    void tend_dead(outbox& out);
    void revive(const replica_id& id, peer& p, const std::string& endpoint, outbox& out);

    // mesh_introduce.cpp: whose beacons are believed, and whose key is where
    [[nodiscard]] bool is_open() const { return introductions_.ring.empty(); }
    verdict refuse_beacon(const char* reason);
    verdict refuse_stranger(const char* reason, std::string_view host, outbox& out);
    verdict hear(std::string_view bytes, discovery::purpose what, std::string_view host, heard_beacon& into,
                 outbox& out);
    discovery::roster::finding vouch(const discovery::beacon& b, discovery::purpose what, bool echoed,
                                     outbox& out);
    bool believes(const discovery::beacon& b, std::string_view host, verdict& why, outbox& out);
    void tidy_roster(outbox& out);
    discovery::beacon make_beacon();
    std::string beacon_bytes();
    std::string new_question(const std::string& endpoint, bool of_stranger);
    void ask(const std::string& endpoint, bool of_stranger, outbox& out);
    verdict answer(const datagram_arrived& in, const heard_beacon& question, discovery::roster::finding asker,
                   outbox& out);
    link_id connect(const std::string& endpoint, outbox& out, const discovery::link_key& key = {},
                    bool contact = false);
    void prepare(link_id number, const discovery::link_key& key, bool contact, outbox& out);
    void dial_now(link_id number, outbox& out);
    void tend_link(link_id number, link& l, outbox& out);
    void tend_links(outbox& out);
    void forget_undialled(const std::string& endpoint);

    // mesh_delta.cpp
    [[nodiscard]] result<void> check_write(const slot_name& slot, std::optional<std::size_t> value_bytes);
    [[nodiscard]] result<void> check_type(const slot_name& slot);
    [[nodiscard]] static result<void> check_ttl(const slot_name& slot,
                                                std::optional<std::chrono::milliseconds> ttl);
    verdict on_delta(std::string_view bytes, const wire::delta& f, outbox& out);
    bool work_on_delta(outbox& out);
    void send_batches(outbox& out);
    void cut_grew(outbox& out);
    void observe(const replica_id& origin, timestamp stamp, outbox& out);

    // mesh_serve.cpp
    verdict on_pull(const replica_id& from, const wire::pull& f, outbox& out);
    verdict on_credit(const replica_id& from, const wire::credit& f, outbox& out);
    // mesh_pull.cpp: this node as receiver
    void consider_pull(outbox& out);
    void start_pull(const replica_id& id, peer& p, outbox& out);
    void send_pull(const peer& p, outbox& out);
    void nudge_pull(outbox& out);
    void end_session(session_end how, outbox& out);
    void pace_pulls(session_end how, const inbound_session& s);
    void excuse_pull(mesh_clock::duration pause, outbox& out);
    verdict on_state(const replica_id& from, std::string_view bytes, const wire::state& f, outbox& out);
    void give_credit(outbox& out);
    bool work_on_state(outbox& out);
    bool stage_row(const wire::state_row& row);
    [[nodiscard]] bool is_beyond_word(const cut& claimed, outbox& out);
    void finish_pull(outbox& out);

    // mesh_ranges.cpp: comparing with another store, as the receiver
    verdict on_answer(const replica_id& from, const wire::fingerprint& f, outbox& out);
    void add_unlisted(std::deque<wire::listed_range>& listed);
    void want(const replica_id& origin, std::uint64_t counter);
    bool work_on_ranges(outbox& out);
    void check_sum(const wire::listed_range& l);
    void check_listed(const wire::listed_range& l, const held_dot& theirs);
    void check_absent(const dot& id);
    void ask_on(outbox& out);

    // mesh_room.cpp
    void look_for_garbage(outbox& out);
    void judge_room(outbox& out);
    [[nodiscard]] bool has_room_for(const peer& p) const;
    // mesh_proof.cpp
    void ask_members(outbox& out);
    [[nodiscard]] proofs::own_part own_part() const;
    verdict on_ask(const replica_id& from, const wire::ask& f, outbox& out);
    verdict on_ack(const replica_id& from, const wire::ack& f, outbox& out);
    [[nodiscard]] bool has_unread_spill() const;
    [[nodiscard]] bool is_alone() const;
    struct seeding; ///< mesh_seeds.cpp
    bool work_on_claims(bool wrote, bool busy, outbox& out);
    /// Neither full nor leaving.
    [[nodiscard]] bool takes_writes() const { return !handover_.is_leaving() && !room_.is_full(); }

    // mesh_spill.cpp
    struct spill_file;
    struct spill_desk;
    [[nodiscard]] spill_file* file_of(spill_id id);
    [[nodiscard]] bool is_spilling() const;
    void tend_spills(outbox& out);
    void open_spill(spill_file& file, outbox& out);
    void end_spill(session_end how, spill_id id, outbox& out);
    bool mark_absent(const cut& claimed, std::size_t steps);
    bool work_on_spill(outbox& out);
    void spill_merged(spill_id id, outbox& out);
    void release_spills(outbox& out);
    bool salvage_row(const wire::state_row& row, outbox& out);
    [[nodiscard]] std::int64_t lost_share(std::string_view key, const staged_view& lost);
    [[nodiscard]] bool is_lost(const dot& id) const;
    void end_salvage(outbox& out);
    // mesh_leave.cpp
    verdict on_leaving(const replica_id& from, const wire::leaving& f, outbox& out);
    verdict on_leaving_rumour(const wire::leaving& f, outbox& out);
    void begin_leaving(const replica_id& id, peer& p, outbox& out);
    verdict on_left(const wire::left& f, const arrival& from, outbox& out);
    void repeat_leaving(outbox& out);

    mesh_options settings_;
    moment at_{};
    instant started_{}, wake_at_{};
    std::mt19937_64 random_;
    store store_;
    hybrid_clock clock_;
    room room_;
    node_stats counters_{};
    std::map<std::string_view, std::uint64_t> refused_;

    introductions introductions_;
    membership peers_;
    std::map<link_id, link> links_;
    std::uint32_t last_link_ = 0;
    std::set<replica_id> subscribers_;
    scouting scout_;
    redialling redialling_;

    instant heartbeat_at_{}, step_at_{};
    std::uint64_t published_generation_ = 0;
    digest published_digest_{};
    bool full_told_ = true;    ///< on PUB, that it is full or has room again
    wire::standing published_; ///< the last one on PUB

    courier courier_;
    failure_detector detector_;
    publisher publisher_;
    writer writer_;
    causal_inbox inbox_;
    proofs proofs_;
    session_server server_;
    stability stability_;
    handover handover_;
    claims claims_;
    conflicts conflicts_;
    expiry expiry_;

    std::optional<inbound_session> pulling_;
    instant cached_until_{};
    instant ordered_at_{};    ///< when the ordered index was last asked for
    bool room_short_ = false; ///< a session has ended for that, and `full` was told: the next one is to fit
    std::uint64_t last_session_ = 0;
    std::vector<staged_view> chain_;
    bool spills_listed_ = false;         ///< every file there is has been looked at
    std::unique_ptr<spill_desk> spills_; ///< nothing: no file has been found, and none is written
};

} // namespace baton::core
