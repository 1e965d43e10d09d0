// Stages the rows of a session, checks its COMMIT, and makes all rows visible at once.
#include "core/session_receiver.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
// The COMMIT corrects what the server had reported before the PULL: this node does not wait for events that
// the server turns out not to have. Returns true if there were any.
bool believe_commit(peer& p, const inbound_session& s, const cut& claimed, const store& here) {
    bool overstated = false;
    for (const auto& told : s.told.entries()) {
        const auto has = claimed.of(told.replica);
        if (has >= told.counter || here.has_seen(told)) continue;
        overstated = true;
        if (p.holds.seen.of(told.replica) <= told.counter) p.holds.seen.set(told.replica, has);
        if (p.at_join.of(told.replica) > has) p.at_join.set(told.replica, has);
    }
    return overstated;
}
} // namespace

void age(staged_view& what, std::uint64_t written_ms, std::uint64_t wall_ms) {
    if (!what.ttl || written_ms == 0 || wall_ms <= written_ms) return;
    const auto lain = std::min(wall_ms - written_ms, static_cast<std::uint64_t>(what.ttl->count()));
    *what.ttl -= std::chrono::milliseconds{lain};
}

bool session_receiver::work_on_state(outcome& done, outbox& out) {
    if (!session_ || session_->chunks.empty()) return false;
    auto& job = session_->chunks.front();
    if (!job.opened) {
        auto frame = wire::decode(job.bytes);
        job.head = std::get<wire::state>(std::move(*frame));
        job.rows.emplace(job.head.base, job.head.replicas, job.head.rows, wire::row_limits{});
        job.opened = true;
        if (job.head.chunk == 0) store_.expect(job.head.records);
        if (settings_.broken == mutation::i3_claim_partial_session && job.head.chunk == 0) {
            auto* const p = members_.find(session_->from);
            store_.commit(p == nullptr ? cut{}
                                       : p->holds.seen); // the broken rule: the records are not here yet
            while (store_.fold(settings_.bounds.slice)) {
            }
        }
    }
    auto& ring = job.ring;
    for (std::size_t i = 0; i < settings_.bounds.slice; ++i) {
        while (ring.count < state_job::ahead) {
            auto& ahead = ring.rows[(ring.first + ring.count) % state_job::ahead];
            if (!job.rows->next(ahead)) break;
            store_.prefetch_staged(ahead.slot);
            ++ring.count;
        }
        if (ring.count == 0) {
            if (!job.rows->ok()) {
                end(session_end::malformed, done, out);
                return false;
            }
            auto& s = *session_;
            const bool last = (job.head.flags & wire::state::commit) != 0;
            if (last) {
                s.commit = job.head.at;
                if ((job.head.flags & wire::state::difference) != 0) {
                    s.commit->seen = s.travelling;
                    s.commit->seen.overlay(job.head.at.seen);
                }
                s.commit_floor = job.head.floor;
                s.commit_flags = job.head.flags;
            }
            s.chunks.pop_front();
            if (last) {
                finish(done, out);
            } else {
                give_credit(out);
            }
            break;
        }
        const auto& row = ring.rows[ring.first];
        ring.first = (ring.first + 1) % state_job::ahead;
        --ring.count;
        if (!stage_row(row)) {
            end(session_end::malformed, done, out);
            return false;
        }
    }
    return (session_ && !session_->chunks.empty()) || store_.folding();
}

// I4: what arrives is staged. Nothing reads, kills or serves it before the COMMIT.
bool session_receiver::stage_row(const wire::state_row& row) {
    auto& s = *session_;
    if (row.part) {
        const auto& piece = *row.part;
        const auto name = std::string(piece.slot.key) + '\0' + std::string(piece.slot.element);
        if (s.part_key != name) {
            s.parts.clear();
            s.part_key = name;
        }
        std::size_t held = piece.bytes.size();
        for (const auto& [id, bytes] : s.parts) held += bytes.size();
        auto& whole = s.parts[piece.id];
        if (piece.offset == 0) whole.clear();
        if (whole.size() != piece.offset || held > parts_bytes_max) return false;
        whole += piece.bytes;
        return true;
    }
    chain_.clear();
    for (const auto& entry : row.entries) {
        auto what = entry.what;
        if (s.file) age(what, s.written_ms, at_.wall_ms);
        if (entry.total) {
            const auto at = s.parts.find(what.id);
            if (at == s.parts.end() || at->second.size() != *entry.total)
                return false; // a value in parts is never empty
            what.value = at->second;
            const bool removal = what.what == block::kind::removal;
            if (!is_well_formed(row.slot, removal, what.value)) return false;
        }
        s.note_staged(what.id);
        chain_.push_back(what);
    }
    if (!store_.stage(row.slot, chain_)) return false;
    if (!s.parts.empty()) s.parts.clear();
    s.part_key.clear();
    if (settings_.broken == mutation::i4_serve_staged) {
        // The broken rule: the records are visible at once, while the cut does not name them.
        store_.commit({});
        while (store_.fold(settings_.bounds.slice)) {
        }
    }
    return true;
}

// Only an origin that is up can tell how many events it has written. A COMMIT that claims more waits for its
// report.
std::vector<replica_id> session_receiver::origins_beyond(const cut& claimed) const {
    std::vector<replica_id> beyond;
    for (const auto& id : claimed.entries()) {
        if (id.replica == session_->from || id.counter <= store_.counter_of(id.replica)) continue;
        const auto* const p = members_.find(id.replica);
        if (p != nullptr && p->state == member_state::up && id.counter > p->holds.seen.of(id.replica))
            beyond.push_back(id.replica);
    }
    return beyond;
}

// Faults that no later report could mend.
std::optional<session_end> session_receiver::fault_of_claim(const cut& claimed) {
    auto& s = *session_;
    if (!claimed.covers(s.staged()) || claimed.of(settings_.self) > store_.counter_of(settings_.self))
        return session_end::below_records;
    if (joined(store_.seen(), s.commit->seen).size() > wire::cut_entries_max)
        return session_end::too_many_origins; // the cut would not fit a frame any more
    return std::nullopt;
}

std::optional<session_end> session_receiver::fault_of_plan(const cut& claimed) const {
    const auto& s = *session_;
    // A repair by union needs cuts that did not change: a record that changed during the session might come
    // back from the dead.
    if (s.by_union && (claimed != s.seen || joined(store_.seen(), store_.archived()) != s.seen))
        return session_end::changed;
    // I8 again: this node must have seen, or compared, everything that the server has forgotten.
    if (s.has_compared() && s.ranges && !claimed.covers(s.ranges->at)) return session_end::below_comparison;
    if (s.has_compared() ? !(s.ranges && s.ranges->done) : s.ranges != nullptr)
        return session_end::before_comparison;
    if (s.cached && store_.staged_slots() != 0 && !store_.stage_is_cache()) return session_end::cache_lost;
    return std::nullopt;
}

// Marks the records that are here, under the cut of the file and not in the file: they were removed there
// (I8). Returns true once all are marked.
bool session_receiver::mark_absent(const cut& claimed, std::size_t steps) {
    auto& s = *session_;
    if (!s.absent) s.absent = store_.walk_from({});
    s.progress_at = at_.now;
    return !store_.stage_absent(*s.absent, claimed, steps);
}

bool session_receiver::work_on_absent(outcome& done, outbox& out) {
    if (!session_ || !session_->absent || session_->absent_marked) return false;
    finish(done, out);
    return true;
}

// All rows and the COMMIT are here. The session now waits for reports of origins, goes through the cut of a
// file, commits or fails.
void session_receiver::finish(outcome& done, outbox& out) {
    auto& s = *session_;
    const bool whole = (s.commit_flags & wire::state::whole_archive) != 0;
    const auto claimed = joined(s.commit->seen, whole ? s.archive_rows : joined(s.closed, s.archive_rows));
    if (const auto fault = fault_of_claim(claimed)) return end(*fault, done, out);
    done.beyond = origins_beyond(claimed);
    if (!done.beyond.empty()) return wake_by(at_.now + 50ms);
    if (const auto fault = fault_of_plan(claimed)) return end(*fault, done, out);
    const bool compared = s.has_compared();
    const bool newcomer =
        s.newcomer && std::none_of(s.seen.entries().begin(), s.seen.entries().end(),
                                   [&](const dot& id) { return claimed.of(id.replica) != 0; });
    const auto known = compared ? joined(s.seen, s.ranges->at) : s.seen;
    // A file holds everything under its cut. So a record that the file lacks was removed, not forgotten.
    const bool below = s.file && !newcomer && !(known.covers(s.commit_floor) && known.covers(s.archive_rows));
    if (below && settings_.broken != mutation::i8_skip_floor_check) {
        if (!s.absent_marked) s.absent_marked = mark_absent(claimed, settings_.bounds.slice);
        if (!s.absent_marked) return; // work_on_absent() calls finish() again
        mark_absent(claimed, std::size_t(-1));
    }
    if (!s.file && (!newcomer || compared) && !known.covers(s.commit_floor) &&
        settings_.broken != mutation::i8_skip_floor_check &&
        settings_.broken != mutation::i7_forget_open_sessions)
        return end(session_end::below_floor, done, out);
    commit(claimed, newcomer, done, out);
}

void session_receiver::commit(const cut& claimed, bool newcomer, outcome& done, outbox& out) {
    auto& s = *session_;
    const bool compared = s.has_compared();
    const auto before = store_.lacks(claimed);
    // Own writes may have reached the server and been removed there before this session began.
    if (newcomer && !compared && !store_.is_disjoint(claimed)) store_.stage_absent(claimed);
    store_.stage_archive(s.archive_rows);
    if (s.cached) store_.stage_trim(claimed);
    store_.commit(claimed, s.by_union);
    store_.close_for_good(s.final_rows);
    if (compared || newcomer || s.absent) store_.raise_floor(s.commit_floor);
    if (s.absent) store_.raise_floor(s.archive_rows);
    if (compared) store_.raise_floor(s.ranges->at); // a comparison brings no removal records
    if (compared || newcomer || s.absent) server_.drop_all(out);
    out.events_applied += before;
    counts_.applied += before;
    auto* const p = members_.find(s.from);
    if (p != nullptr && p->via) {
        out.actions.push_back(send_request{
            *p->via, mail_.encode_for(p, wire::credit{s.number, s.next_chunk, true, s.walk.value_or(0)})});
    }
    out.note("commit", s.from, s.number, before);
    bool first_overstated = false;
    if (p != nullptr) {
        p->holds.diverged = false;
        const bool overstated = believe_commit(*p, s, claimed, store_);
        first_overstated = overstated && !std::exchange(p->pull.overstated, true);
        if (overstated) out.note("overstated", s.from, s.number);
        if (!overstated || before != 0) {
            p->pull.pace.went_well();
        } else {
            p->pull.pace.failed(at_.now, true, random_());
        }
    }
    auto at = std::move(*s.commit);
    end(session_end::committed, done, out);
    done.end->at = std::move(at);
    done.end->overstated = first_overstated;
    room_short_ = false;
}

} // namespace baton::core
