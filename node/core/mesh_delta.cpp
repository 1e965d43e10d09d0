// Sends own events as DELTA frames, applies the DELTA frames of others in order, and passes on what a removal
// means to claims.
#include "core/mesh.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

// ---------------------------------------------------------------- writes of this process

result<bool> mesh::remove(const moment& at, const slot_name& slot) {
    auto removed = writes_.remove(at, slot);
    if (removed && *removed && slot.type == value_type::reg) (void)registers_.owned.look_at(slot.key);
    return removed;
}

// Drops every value of the key, of any type; most keys have one type.
result<bool> mesh::drop(const moment& at, std::string_view key) {
    auto dropped = remove(at, {value_type::reg, key, {}});
    if (dropped && writes_.remove_typed(at, key)) return true;
    return dropped;
}

void mesh::flush(const moment& at, outbox& out) {
    set_moment(at);
    // A heartbeat follows the last write in time, even after a pause.
    if (has_unsent()) contact_.news.hurry(settings_.liveness.heartbeat_every);
    if (writes_.out.must_announce()) {
        note_sent();
        publish_hello(out);
    } else {
        send_batches(out);
    }
}

void mesh::send_batches(outbox& out) {
    if (writes_.out.empty()) return;
    writes_.out.flush(proofs_.asks_broadcasts(), [&](const wire::delta& f) {
        auto bytes = courier_.encode_for_all(f);
        if (f.wants_ack) proofs_.broadcast_asked(f.first + f.count - 1);
        ++tally_.counters.deltas_sent;
        tally_.counters.delta_bytes_sent += bytes.size();
        out.actions.push_back(send_broadcast{std::move(bytes)});
    });
    note_sent();
}

// ---------------------------------------------------------------- deltas of others

void mesh::observe(const replica_id& origin, timestamp stamp, outbox& out) {
    if (writes_.clock.observe(stamp, time_.at().wall_ms)) return;
    ++tally_.counters.clock_skew;
    if (auto* const p = peers_.find(origin); p != nullptr && !p->skew_told) {
        p->skew_told = true;
        peers_.raise(out, event_kind::clock_skew, origin,
                     std::to_string(stamp.milliseconds() - time_.at().wall_ms) +
                         " ms ahead of this node's clock");
    }
}

verdict mesh::on_delta(std::string_view bytes, const wire::delta& f, outbox& out) {
    if (f.origin == settings_.self) return refuse("delta in our own name");
    auto* const p = peers_.find(f.origin);
    if (p == nullptr) return refuse("broadcast by nobody known");
    if (!inbox_.is_whole(f)) return refuse("malformed delta");

    p->health.life.heard(time_.now(), false);
    ++tally_.counters.deltas_received;
    if (handover_.is_leaving() || room_.is_full()) return {}; // the cut is frozen
    if (f.wants_ack && settings_.broken == mutation::ack_before_applying) {
        proofs_.owe(*p, f.first + f.count - 1);
        proofs_.answer_wanted(own_part(), out);
    }
    inbox_.offer(bytes, f);
    return {};
}

// Applies up to a slice of the oldest waiting DELTA and passes on its effects. Returns true while there is
// more.
bool mesh::work_on_delta(outbox& out) {
    const auto done = inbox_.work({receiver_.is_of_newcomer(), receiver_.compared()});
    if (!done) return false;
    auto* const p = peers_.find(done->origin);
    if (p != nullptr && (done->early || done->finished)) {
        p->holds.seen.raise({done->origin, done->last});
        if (done->wants_ack) proofs_.owe(*p, done->last);
    }
    if (done->early) {
        if (p != nullptr) {
            // A gap in an ordered stream is a loss. A missing dependency may still be under way from its own
            // origin.
            reports_.note_lack(*p, done->lost ? mesh_clock::duration{0} : 20ms);
            out.note("early", done->origin, done->first, done->known);
        }
        consider_pull(out);
        return !inbox_.empty();
    }
    if (done->applied != 0) {
        out.events_applied += done->applied;
        observe(done->origin, done->newest, out);
        writes_.out.cut_grew();
        if (done->finished) cut_grew(out);
    }
    if (inbox_.empty()) consider_pull(out); // a pull waits until all DELTAs that are here are applied
    return !inbox_.empty();
}

// The cut has grown by events of others: whatever waited for that can go on.
void mesh::cut_grew(outbox& out) {
    inbox_.look_again();
    check_synced(out);
    handover_.answer(writes_.may_write(), out);
}

} // namespace baton::core
