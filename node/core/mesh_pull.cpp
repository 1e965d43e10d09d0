// This node as the receiver of a session: PULL, staged chunks, COMMIT.
#include "core/jobs.hpp"
#include "core/mesh.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr auto repeat_after = 300ms;
constexpr unsigned repeats_max = 10;
constexpr std::size_t parts_bytes_max = std::size_t{256} << 20; // of one slot
constexpr std::size_t archive_entries_max = std::size_t{1} << 22;
constexpr auto word_awaited_for = 2s;     // of an origin that a COMMIT claims more of than it has said itself
constexpr auto server_forgets_after = 5s; // a session that it has heard nothing of
constexpr auto cache_kept_for = 30s;      // what was staged, when there is nobody to go on with

// A server is believed by its COMMIT: what it had told before the PULL was sent and has not got after all is
// not waited for. True when there was such a thing.
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

// Asks the peer that holds most of what is missing here, once its grace is over. One session at a time.
void mesh::consider_pull(outbox& out) {
    if (pulling_ || store_.folding() || handover_.is_leaving() || !inbox_.empty()) return;
    std::uint64_t most = 0;
    std::pair<const replica_id, peer>* best = nullptr;
    for (auto& each : peers_) {
        auto& p = each.second;
        if (!p.pull.at || !is_member(p) || !has_room_for(p)) continue;
        const auto due = settings_.broken == mutation::retry_undercut
                             ? *p.pull.at
                             : std::max(*p.pull.at, p.pull.pace.due());
        // Equal cuts with different digests: what is missing cannot be counted (repair by union).
        const auto missing = p.holds.diverged ? 1 : store_.lacks(p.holds.seen);
        if (missing == 0) {
            p.pull.at.reset();
        } else if (at_.now < due) {
            wake_by(due);
        } else if (p.via && contact_.links[*p.via].open && missing > most) {
            most = missing;
            best = &each;
        }
    }
    if (best != nullptr) start_pull(best->first, best->second, out);
}

void mesh::start_pull(const replica_id& id, peer& p, outbox& out) {
    p.pull.at.reset();
    pulling_.emplace(inbound_session{});
    auto& s = *pulling_;
    s.number = ++last_session_;
    s.from = id;
    s.progress_at = at_.now;
    s.closed = store_.archived();
    s.closed_digest = store_.archive_digest();
    s.travelling = store_.seen();
    s.seen = joined(store_.seen(), s.closed);
    s.told = p.holds.seen;
    s.by_union = p.holds.diverged;
    s.newcomer = store_.is_disjoint(p.holds.seen);
    const bool cached = store_.stage_is_cache() && settings_.broken != mutation::i8_trust_cache;
    s.cached = cached;
    s.compare = s.by_union || cached || p.pull.compare_next;
    s.has_archive = p.pull.wants_archive ||
                    (!s.closed.empty() && p.holds.hash_known && p.holds.archive != store_.archive_digest());
    if (s.has_archive && s.closed.size() > wire::cut_entries_max) {
        // Too long for one frame: as if nothing were archived here, which costs more and is as true.
        s.has_archive = false;
        s.closed = {};
        s.closed_digest = {};
        s.seen = s.travelling;
    }
    s.whole_cut = p.pull.wants_cut || p.holds.told_otherwise || s.has_archive;
    p.pull.wants_archive = p.pull.compare_next = p.pull.wants_cut = false;
    send_pull(p, out);
    ++counters_.sessions_pulled;
    out.note("pull", id, s.number);
    wake_by(at_.now + repeat_after);
}

void mesh::send_pull(const peer& p, outbox& out) {
    const auto& s = *pulling_;
    wire::pull f;
    f.session = s.number;
    f.id = settings_.self;
    f.chunk_bytes = settings_.limits.chunk_bytes_max;
    f.credit_bytes = settings_.limits.credit_bytes;
    if (s.has_archive) f.flags |= wire::pull::has_archive;
    if (s.compare) f.flags |= wire::pull::compare;
    // What the server has been told already is named by its hash: a repair costs what has changed.
    bool known = !s.whole_cut && s.closed_digest == herald_.published().archive;
    for (const auto& id : herald_.published().seen.entries())
        known = known && s.travelling.of(id.replica) != 0;
    if (known) {
        f.flags |= wire::pull::since_told;
        f.told = wire::hash_of(herald_.published());
    }
    for (const auto& id : s.travelling.entries()) {
        if (!known || herald_.published().seen.of(id.replica) != id.counter) f.seen.push_back(id);
    }
    f.archive = s.closed_digest;
    if (s.has_archive) f.closed = s.closed;
    out.actions.push_back(send_request{*p.via, courier_.encode_for(&p, f)});
}

// A chunk or a request may be lost with a connection: say again what has come, a bounded number of times.
void mesh::nudge_pull(outbox& out) {
    if (!pulling_) {
        if (store_.staged_slots() != 0 && !store_.folding() && at_.now >= cached_until_) store_.stage_abort();
        return;
    }
    auto& s = *pulling_;
    if (handover_.is_leaving()) return end_session(session_end::leaving, out);
    if (s.commit) {
        finish_pull(out);
        if (!pulling_ || !pulling_->commit || at_.now - pulling_->progress_at < word_awaited_for) return;
        return end_session(session_end::beyond_word, out);
    }
    if (s.file) return; // it neither forgets nor falls silent
    const bool at_work = !s.chunks.empty() || (s.ranges && !s.ranges->to_check.empty());
    if (at_.now - s.progress_at >= repeat_after * (s.repeats + 1)) {
        auto* const p = peers_.find(s.from);
        if (p == nullptr || !p->via || (!at_work && ++s.repeats > repeats_max))
            return end_session(session_end::silent, out);
        if (at_work) s.progress_at = at_.now;
        // Said again it may begin another walk: of a server that does not name them nothing must have come.
        if (s.next_chunk == 0 && (s.is_untouched() || s.is_named())) send_pull(*p, out);
        if (s.next_chunk != 0) {
            out.actions.push_back(send_request{
                *p->via,
                courier_.encode_for(p, wire::credit{s.number, s.next_chunk, false, s.walk.value_or(0)})});
        }
        if (s.ranges && !s.ranges->question.empty())
            out.actions.push_back(send_request{*p->via, s.ranges->question});
    }
    wake_by(s.progress_at + repeat_after * (s.repeats + 1));
}

// The one way out of a session. Nothing of it may be left for the next one: chunks that have come, parts,
// ranges and the archive told go with the record; what is staged has been committed, or goes, or becomes a
// cache that the next server has to confirm.
void mesh::end_session(session_end how, outbox& out) {
    const auto ended = std::move(*pulling_);
    pulling_.reset();
    if (how != session_end::committed) {
        out.note(to_string(how), ended.from, ended.number);
        // What a newcomer has staged is worth keeping: the next server confirms it. A session of which
        // nothing has come leaves a cache as it was.
        const bool worthless = ended.file || how == session_end::malformed || how == session_end::full ||
                               how == session_end::leaving;
        const bool kept =
            !worthless && (ended.is_untouched() ? store_.stage_is_cache() : store_.stage_keep());
        if (!kept) store_.stage_abort();
        cached_until_ = at_.now + cache_kept_for;
        wake_by(at_.now + 1ms);
    }
    if (is_refusal(how)) {
        ++refused_[to_string(how)];
        ++counters_.refused_frames;
    }
    if (ended.file) {
        end_spill(how, *ended.file, out);
    } else {
        pace_pulls(how, ended);
    }
}

// The server that failed is asked again when its own time has come, others at once if theirs has.
void mesh::pace_pulls(session_end how, const inbound_session& s) {
    auto* const p = peers_.find(s.from);
    if (how == session_end::asked_again) {
        if (p != nullptr) reports_.note_lack(*p, 0ms);
        return;
    }
    if (how == session_end::committed) return;
    ++counters_.sessions_failed;
    if (how == session_end::leaving) return;
    if (how == session_end::full) room_short_ = true;
    // That this node stood still is no fault of the server's.
    if (p != nullptr && how != session_end::paused) p->pull.pace.failed(at_.now, is_hopeless(how), random_());
    if (p != nullptr && how == session_end::below_floor) p->pull.compare_next = true;
    for (auto& [id, each] : peers_) {
        if (is_member(each)) reports_.note_lack(each, 0ms);
    }
}

// A process that did not run for a while cannot blame the server for its silence. But after a long pause the
// server has forgotten the session, and may begin its number once more when it is asked: a server that names
// no walk must not get the chance.
void mesh::excuse_pull(mesh_clock::duration pause, outbox& out) {
    if (!pulling_) return;
    const auto* const p = peers_.find(pulling_->from);
    const bool names_walks = p != nullptr && p->version >= 5;
    if (!pulling_->file && (pause >= server_forgets_after || !names_walks))
        return end_session(session_end::paused, out);
    pulling_->progress_at += pause;
}

verdict mesh::on_state(const replica_id& from, std::string_view bytes, const wire::state& f, outbox& out) {
    if (f.session > last_session_) return refuse("answer to nothing asked");
    if (!pulling_ || pulling_->number != f.session || pulling_->from != from)
        return {}; // of a session given up
    auto& s = *pulling_;
    if ((f.flags & wire::state::busy) != 0) {
        end_session(session_end::busy, out);
        return {};
    }
    const bool wants_archive = (f.flags & wire::state::wants_archive) != 0;
    if (wants_archive || (f.flags & wire::state::wants_cut) != 0) {
        if ((wants_archive ? s.has_archive : s.whole_cut) || !s.is_untouched()) return {};
        auto& p = peers_.add(from);
        (wants_archive ? p.pull.wants_archive : p.pull.wants_cut) = true;
        p.pull.compare_next = s.compare;
        end_session(session_end::asked_again, out);
        wake_by(at_.now);
        return {};
    }
    if (!s.is_of(f.walk) && settings_.broken != mutation::walk_ignored) {
        end_session(session_end::began_anew, out);
        return {};
    }
    const auto expected = s.next_chunk;
    if (f.chunk != expected || s.commit)
        return {}; // twice, or after a lost one: the server is told what came
    const auto malformed = [&] {
        end_session(session_end::malformed, out);
        return verdict{"malformed state"};
    };
    const bool archive = (f.flags & wire::state::archive) != 0;
    if ((f.flags & wire::state::commit) != 0 && f.server != from) {
        end_session(session_end::server_gone, out); // a PULL said again has reached its next incarnation
        return {};
    }
    if (archive) {
        const auto rows = wire::decode_cut(f.rows);
        if (!rows || (f.flags & wire::state::commit) != 0 || s.archive_rows.size() > archive_entries_max)
            return malformed();
        s.archive_rows.join(*rows);
        if ((f.flags & wire::state::for_good) != 0) s.final_rows.join(*rows);
    }
    // Where the same has been too much before, it is looked at before anything is staged.
    if (room_short_ && f.chunk == 0 && room_.is_exceeded(store_.state_bytes(), f.bytes)) {
        end_session(session_end::full, out);
        return {};
    }
    ++s.next_chunk;
    s.progress_at = at_.now;
    s.repeats = 0;
    if (s.ranges && s.ranges->done) s.ranges->question.clear();
    counters_.state_bytes_received += bytes.size();
    if (archive) {
        give_credit(out);
    } else {
        s.chunks.emplace_back(std::string(bytes));
    }
    return {};
}

// What has been staged makes room for more: a server cannot be faster than this node for long.
void mesh::give_credit(outbox& out) {
    const auto& s = *pulling_;
    if (s.file) {
        out.actions.push_back(read_spill{*s.file, false});
        return;
    }
    if (auto* const p = peers_.find(s.from); p != nullptr && p->via) {
        const wire::credit f{s.number, s.next_chunk - s.chunks.size(), false, s.walk.value_or(0)};
        out.actions.push_back(send_request{*p->via, courier_.encode_for(p, f)});
    }
}

bool mesh::work_on_state(outbox& out) {
    if (!pulling_ || pulling_->chunks.empty()) return false;
    auto& job = pulling_->chunks.front();
    if (!job.opened) {
        auto frame = wire::decode(job.bytes);
        job.head = std::get<wire::state>(std::move(*frame));
        job.rows.emplace(job.head.base, job.head.replicas, job.head.rows, wire::row_limits{});
        job.opened = true;
        if (job.head.chunk == 0) store_.expect(job.head.records);
        if (settings_.broken == mutation::i3_claim_partial_session && job.head.chunk == 0) {
            auto* const p = peers_.find(pulling_->from);
            store_.commit(
                p == nullptr ? cut{} : p->holds.seen); // the broken rule: claimed before its effects are here
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
                end_session(session_end::malformed, out);
                return false;
            }
            auto& s = *pulling_;
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
                finish_pull(out);
            } else {
                give_credit(out);
            }
            break;
        }
        const auto& row = ring.rows[ring.first];
        ring.first = (ring.first + 1) % state_job::ahead;
        --ring.count;
        if (!stage_row(row)) {
            end_session(session_end::malformed, out);
            return false;
        }
    }
    return (pulling_ && !pulling_->chunks.empty()) || store_.folding();
}

// I4: what arrives is staged; nothing reads, kills or serves it before the COMMIT.
bool mesh::stage_row(const wire::state_row& row) {
    auto& s = *pulling_;
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
    auto& chain = chain_;
    chain.clear();
    for (const auto& entry : row.entries) {
        auto what = entry.what;
        if (s.file) age(what, s.written_ms, at_.wall_ms);
        if (entry.total) {
            const auto at = s.parts.find(what.id);
            if (at == s.parts.end() || at->second.size() != *entry.total)
                return false; // written: never empty
            what.value = at->second;
            const bool removal = what.what == block::kind::removal;
            if (!is_well_formed(row.slot, removal, what.value)) return false;
        }
        s.note_staged(what.id);
        chain.push_back(what);
    }
    if (!store_.stage(row.slot, chain)) return false;
    if (!s.parts.empty()) s.parts.clear();
    s.part_key.clear();
    if (settings_.broken == mutation::i4_serve_staged) {
        // The broken rule: visible at once, with the cut still saying that nothing came.
        store_.commit({});
        while (store_.fold(settings_.bounds.slice)) {
        }
    }
    return true;
}

// Nobody but an origin that is up can say how far it is; a COMMIT that claims more waits for its word.
bool mesh::is_beyond_word(const cut& claimed, outbox& out) {
    bool beyond = false;
    for (const auto& id : claimed.entries()) {
        if (id.replica == pulling_->from || id.counter <= store_.counter_of(id.replica)) continue;
        auto* const p = peers_.find(id.replica);
        if (p == nullptr || p->state != member_state::up || id.counter <= p->holds.seen.of(id.replica))
            continue;
        beyond = true;
        if (at_.now - p->asked_at >= 100ms) {
            p->asked_at = at_.now;
            contact_.greetings.tell(id.replica, *p, true, out);
        }
    }
    return beyond;
}

void mesh::finish_pull(outbox& out) {
    auto& s = *pulling_;
    const auto from = s.from;
    const auto& at = *s.commit;
    const bool whole = (s.commit_flags & wire::state::whole_archive) != 0;
    const auto claimed = joined(at.seen, whole ? s.archive_rows : joined(s.closed, s.archive_rows));
    if (!claimed.covers(s.staged()) || claimed.of(settings_.self) > store_.counter_of(settings_.self))
        return end_session(session_end::below_records, out);
    if (joined(store_.seen(), at.seen).size() > wire::cut_entries_max) // then nobody could be told of it
        return end_session(session_end::too_many_origins, out);
    if (is_beyond_word(claimed, out)) {
        wake_by(at_.now + 50ms);
        return;
    }
    // By union only what stood still: whatever changed meanwhile might come back from the dead.
    if (s.by_union && (claimed != s.seen || joined(store_.seen(), store_.archived()) != s.seen))
        return end_session(session_end::changed, out);
    // I8, once more: what the server has forgotten must have been seen here, or been compared.
    const bool compared = (s.commit_flags & wire::state::compared) != 0;
    if (compared && s.ranges && !claimed.covers(s.ranges->at))
        return end_session(session_end::below_comparison, out);
    if (compared ? !(s.ranges && s.ranges->done) : s.ranges != nullptr)
        return end_session(session_end::before_comparison, out);
    if (s.cached && store_.staged_slots() != 0 && !store_.stage_is_cache())
        return end_session(session_end::cache_lost, out);
    const bool newcomer =
        s.newcomer && std::none_of(s.seen.entries().begin(), s.seen.entries().end(),
                                   [&](const dot& id) { return claimed.of(id.replica) != 0; });
    const auto known = compared ? joined(s.seen, s.ranges->at) : s.seen;
    // A file holds all that its cut leaves: what is not in it can be told from what was forgotten there.
    const bool below = s.file && !newcomer && !(known.covers(s.commit_floor) && known.covers(s.archive_rows));
    if (below && settings_.broken != mutation::i8_skip_floor_check) {
        if (!s.absent_marked) s.absent_marked = mark_absent(claimed, settings_.bounds.slice);
        if (!s.absent_marked) return; // work_on_spill comes back here
        mark_absent(claimed, std::size_t(-1));
    }
    if (!s.file && (!newcomer || compared) && !known.covers(s.commit_floor) &&
        settings_.broken != mutation::i8_skip_floor_check &&
        settings_.broken != mutation::i7_forget_open_sessions)
        return end_session(session_end::below_floor, out);
    const auto before = store_.lacks(claimed);
    // Own writes may have come and gone there before this session began.
    if (newcomer && !compared && !store_.is_disjoint(claimed)) store_.stage_absent(claimed);
    store_.stage_archive(s.archive_rows);
    if (s.cached) store_.stage_trim(claimed);
    store_.commit(claimed, s.by_union);
    store_.close_for_good(s.final_rows);
    if (compared || newcomer || s.absent) store_.raise_floor(s.commit_floor);
    if (s.absent) store_.raise_floor(s.archive_rows);
    if (compared) store_.raise_floor(s.ranges->at); // removal records do not come by ranges
    if (compared || newcomer || s.absent) server_.drop_all(out);
    out.events_applied += before;
    counters_.events_applied += before;
    auto* const p = peers_.find(from);
    if (p != nullptr && p->via) {
        out.actions.push_back(send_request{
            *p->via, courier_.encode_for(p, wire::credit{s.number, s.next_chunk, true, s.walk.value_or(0)})});
    }
    out.note("commit", from, s.number, before);
    const auto told = at;
    if (p != nullptr) {
        p->holds.diverged = false;
        const bool overstated = believe_commit(*p, s, claimed, store_);
        if (overstated && !std::exchange(p->pull.overstated, true))
            ++refused_["told more than the commit held"];
        if (overstated) out.note("overstated", from, s.number);
        if (!overstated || before != 0) {
            p->pull.pace.went_well();
        } else {
            p->pull.pace.failed(at_.now, true, random_());
        }
    }
    end_session(session_end::committed, out);
    publisher_.cut_grew();
    room_short_ = false;
    if (p != nullptr) reports_.learn_standing(from, *p, told, 100ms, out);
    cut_grew(out);
    consider_pull(out);
}

} // namespace baton::core
