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
constexpr auto word_awaited_for = 2s; // of an origin that a COMMIT claims more of than it has said itself
constexpr auto cache_kept_for = 30s;  // what was staged, when there is nobody to go on with
} // namespace

// Asks the peer that holds most of what is missing here, once its grace is over. One session at a time.
void mesh::consider_pull(outbox& out) {
    if (pulling_ || store_.folding() || leaving_ || !deltas_.empty() || full_) return;
    std::uint64_t most = 0;
    std::pair<const replica_id, peer>* best = nullptr;
    for (auto& each : peers_) {
        auto& p = each.second;
        if (!p.pull_at || !is_member(p) || p.full) continue;
        // Equal cuts with different digests: what is missing cannot be counted (repair by union).
        const auto missing = p.diverged ? 1 : store_.lacks(p.seen);
        if (missing == 0) {
            p.pull_at.reset();
        } else if (at_.now < *p.pull_at) {
            wake_by(*p.pull_at);
        } else if (p.via && links_[*p.via].open && missing > most) {
            most = missing;
            best = &each;
        }
    }
    if (best != nullptr) start_pull(best->first, best->second, out);
}

void mesh::start_pull(const replica_id& id, peer& p, outbox& out) {
    p.pull_at.reset();
    pulling_.emplace(inbound_session{});
    auto& s = *pulling_;
    s.number = ++last_session_;
    s.from = id;
    s.progress_at = at_.now;
    s.closed = store_.archived();
    s.closed_digest = store_.archive_digest();
    s.travelling = store_.seen();
    s.seen = joined(store_.seen(), s.closed);
    s.by_union = p.diverged;
    s.newcomer = store_.is_disjoint(p.seen);
    const bool cached = store_.stage_is_cache() && settings_.broken != mutation::i8_trust_cache;
    s.cached = cached;
    s.compare = s.by_union || cached || p.compare_next;
    s.has_archive =
        p.wants_archive || (!s.closed.empty() && p.hash_known && p.archive != store_.archive_digest());
    if (s.has_archive && s.closed.size() > wire::cut_entries_max) {
        // Too long for one frame: as if nothing were archived here, which costs more and is as true.
        s.has_archive = false;
        s.closed = {};
        s.closed_digest = {};
        s.seen = s.travelling;
    }
    s.whole_cut = p.wants_cut || p.told_otherwise || s.has_archive;
    p.wants_archive = p.compare_next = p.wants_cut = false;
    send_pull(p, out);
    ++counters_.sessions_pulled;
    note(out, "pull", id, s.number);
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
    bool known = !s.whole_cut && s.closed_digest == published_.archive;
    for (const auto& id : published_.seen.entries()) known = known && s.travelling.of(id.replica) != 0;
    if (known) {
        f.flags |= wire::pull::since_told;
        f.told = wire::hash_of(published_);
    }
    for (const auto& id : s.travelling.entries()) {
        if (!known || published_.seen.of(id.replica) != id.counter) f.seen.push_back(id);
    }
    f.archive = s.closed_digest;
    if (s.has_archive) f.closed = s.closed;
    out.actions.push_back(send_request{*p.via, encode_for(&p, f)});
}

// A chunk or a request may be lost with a connection: say again what has come, a bounded number of times.
void mesh::nudge_pull(outbox& out) {
    if (!pulling_) {
        if (store_.staged_slots() != 0 && !store_.folding() && at_.now >= cached_until_) store_.stage_abort();
        return;
    }
    auto& s = *pulling_;
    if (leaving_) return abandon_pull("leaving", out);
    if (s.commit) {
        finish_pull(out);
        if (!pulling_ || !pulling_->commit || at_.now - pulling_->progress_at < word_awaited_for) return;
        ++refused_["commit beyond the origin's word"];
        ++counters_.refused_frames;
        return abandon_pull("commit beyond the origin's word", out);
    }
    if (s.file) return; // it neither forgets nor falls silent
    const bool at_work = !states_.empty() || (s.ranges && !s.ranges->to_check.empty());
    if (at_.now - s.progress_at >= repeat_after * (s.repeats + 1)) {
        auto* const p = find(s.from);
        if (p == nullptr || !p->via || (!at_work && ++s.repeats > repeats_max))
            return abandon_pull("no answer", out);
        if (at_work) s.progress_at = at_.now;
        if (s.next_chunk == 0) send_pull(*p, out);
        if (s.next_chunk != 0) {
            out.actions.push_back(send_request{
                *p->via, encode_for(p, wire::credit{s.number, s.next_chunk, false, s.walk.value_or(0)})});
        }
        if (s.ranges && !s.ranges->question.empty())
            out.actions.push_back(send_request{*p->via, s.ranges->question});
    }
    wake_by(s.progress_at + repeat_after * (s.repeats + 1));
}

// What a newcomer has staged already is worth keeping: the next server confirms it.
void mesh::abandon_pull(std::string_view why, outbox& out) {
    if (pulling_->file) return abandon_spill(why, out);
    const auto from = pulling_->from;
    note(out, why, from, pulling_->number);
    pulling_.reset();
    states_.clear();
    const bool keep = !leaving_ && why != std::string_view{"malformed state"} && store_.stage_keep();
    if (keep) {
        cached_until_ = at_.now + cache_kept_for;
    } else {
        store_.stage_abort();
    }
    ++counters_.sessions_failed;
    if (auto* const p = find(from); p != nullptr && is_member(*p)) note_lack(*p, 500ms);
    for (auto& [id, p] : peers_) {
        if (id != from && is_member(p)) note_lack(p, 0ms);
    }
    wake_by(at_.now + 1ms);
}

verdict mesh::on_state(const replica_id& from, std::string_view bytes, const wire::state& f, outbox& out) {
    if (f.session > last_session_) return refuse("answer to nothing asked");
    if (!pulling_ || pulling_->number != f.session || pulling_->from != from)
        return {}; // of a session given up
    auto& s = *pulling_;
    if ((f.flags & wire::state::busy) != 0) {
        abandon_pull("server busy", out);
        return {};
    }
    const bool wants_archive = (f.flags & wire::state::wants_archive) != 0;
    if (wants_archive || (f.flags & wire::state::wants_cut) != 0) {
        if (wants_archive ? s.has_archive : s.whole_cut) return {};
        auto& p = peers_[from];
        (wants_archive ? p.wants_archive : p.wants_cut) = true;
        p.compare_next = s.compare;
        pulling_.reset();
        note_lack(p, 0ms);
        wake_by(at_.now);
        return {};
    }
    if (!s.is_of(f.walk) && settings_.broken != mutation::walk_ignored) {
        abandon_pull("server began anew", out);
        return {};
    }
    const auto expected = s.next_chunk;
    if (f.chunk != expected || s.commit)
        return {}; // twice, or after a lost one: the server is told what came
    const auto malformed = [&] {
        abandon_pull("malformed state", out);
        return refuse("malformed state");
    };
    const bool archive = (f.flags & wire::state::archive) != 0;
    if ((f.flags & wire::state::commit) != 0 && f.server != from) {
        abandon_pull("server replaced", out); // a PULL said again has reached its next incarnation
        return {};
    }
    if (archive) {
        const auto rows = wire::decode_cut(f.rows);
        if (!rows || (f.flags & wire::state::commit) != 0 || s.archive_rows.size() > archive_entries_max)
            return malformed();
        s.archive_rows.join(*rows);
    }
    ++s.next_chunk;
    s.progress_at = at_.now;
    s.repeats = 0;
    if (s.ranges && s.ranges->done) s.ranges->question.clear();
    counters_.state_bytes_received += bytes.size();
    if (archive) {
        give_credit(out);
    } else {
        states_.emplace_back(std::string(bytes));
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
    if (auto* const p = find(s.from); p != nullptr && p->via) {
        const wire::credit f{s.number, s.next_chunk - states_.size(), false, s.walk.value_or(0)};
        out.actions.push_back(send_request{*p->via, encode_for(p, f)});
    }
}

bool mesh::work_on_state(outbox& out) {
    if (states_.empty() || !pulling_) return false;
    auto& job = states_.front();
    if (!job.opened) {
        auto frame = wire::decode(job.bytes);
        job.head = std::get<wire::state>(std::move(*frame));
        job.rows.emplace(job.head.base, job.head.replicas, job.head.rows,
                         pulling_->file ? wire::row_limits{} : row_limits_);
        job.opened = true;
        if (job.head.chunk == 0) store_.expect(job.head.records);
        if (settings_.broken == mutation::i3_claim_partial_session && job.head.chunk == 0) {
            auto* const p = find(pulling_->from);
            store_.commit(p == nullptr ? cut{}
                                       : p->seen); // the broken rule: claimed before its effects are here
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
            if (!job.rows->ok()) return give_up_on_rows(out);
            auto& s = *pulling_;
            const bool last = (job.head.flags & wire::state::commit) != 0;
            if (last) {
                s.commit = job.head.at;
                if ((job.head.flags & wire::state::difference) != 0) {
                    s.commit->seen = s.travelling;
                    for (const auto& id : job.head.at.seen.entries())
                        s.commit->seen.set(id.replica, id.counter);
                }
                s.commit_floor = job.head.floor;
                s.commit_flags = job.head.flags;
            }
            states_.pop_front();
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
        if (!stage_row(row)) return give_up_on_rows(out);
    }
    return !states_.empty() || store_.folding();
}

// Nothing of the session has been shown yet: it goes whole.
bool mesh::give_up_on_rows(outbox& out) {
    abandon_pull("malformed state", out);
    ++refused_["malformed state"];
    ++counters_.refused_frames;
    return false;
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
        if (entry.total) {
            const auto at = s.parts.find(what.id);
            if (at == s.parts.end() || at->second.size() != *entry.total)
                return false; // written: never empty
            what.value = at->second;
        }
        s.staged.raise(what.id);
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
        auto* const p = find(id.replica);
        if (p == nullptr || p->state != member_state::up || id.counter <= p->seen.of(id.replica)) continue;
        beyond = true;
        if (at_.now - p->asked_at >= 100ms) {
            p->asked_at = at_.now;
            tell(id.replica, *p, true, out);
        }
    }
    return beyond;
}

void mesh::finish_pull(outbox& out) {
    auto& s = *pulling_;
    const auto from = s.from;
    const auto& at = *s.commit;
    const auto give_up = [&](const char* why) {
        ++refused_[why];
        ++counters_.refused_frames;
        abandon_pull(why, out);
    };
    const bool whole = (s.commit_flags & wire::state::whole_archive) != 0;
    const auto claimed = joined(at.seen, whole ? s.archive_rows : joined(s.closed, s.archive_rows));
    if (!claimed.covers(s.staged) || claimed.of(settings_.self) > store_.counter_of(settings_.self))
        return give_up("commit below its records");
    if (is_beyond_word(claimed, out)) {
        wake_by(at_.now + 50ms);
        return;
    }
    // By union only what stood still: whatever changed meanwhile might come back from the dead.
    if (s.by_union && (claimed != s.seen || joined(store_.seen(), store_.archived()) != s.seen))
        return abandon_pull("changed during a repair by union", out);
    // I8, once more: what the server has forgotten must have been seen here, or been compared.
    const bool compared = (s.commit_flags & wire::state::compared) != 0;
    if (compared && s.ranges && !claimed.covers(s.ranges->at)) return give_up("commit below its comparison");
    if (compared ? !(s.ranges && s.ranges->done) : s.ranges != nullptr)
        return give_up("commit before its comparison");
    if (s.cached && store_.staged_slots() != 0 && !store_.stage_is_cache())
        return abandon_pull("cache lost", out);
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
        settings_.broken != mutation::i7_forget_open_sessions) {
        if (auto* const p = find(from)) p->compare_next = true;
        return abandon_pull("below the floor", out);
    }
    const auto before = store_.lacks(claimed);
    // Own writes may have come and gone there before this session began.
    if (newcomer && !compared && !store_.is_disjoint(claimed)) store_.stage_absent(claimed);
    store_.stage_archive(s.archive_rows);
    if (s.cached) store_.stage_trim(claimed);
    store_.commit(claimed, s.by_union);
    if (compared || newcomer || s.absent) store_.raise_floor(s.commit_floor);
    if (s.absent) store_.raise_floor(s.archive_rows);
    if (compared) store_.raise_floor(s.ranges->at); // removal records do not come by ranges
    if (compared || newcomer || s.absent) drop_sessions(out);
    out.events_applied += before;
    counters_.events_applied += before;
    auto* const p = find(from);
    if (p != nullptr && p->via) {
        out.actions.push_back(send_request{
            *p->via, encode_for(p, wire::credit{s.number, s.next_chunk, true, s.walk.value_or(0)})});
    }
    note(out, "commit", from, s.number, before);
    const auto told = at;
    const auto file = s.file;
    pulling_.reset();
    ++remote_generation_;
    if (p != nullptr) {
        p->diverged = false;
        learn_standing(from, *p, told, 100ms, out);
    }
    if (file) spill_merged(*file, out);
    cut_grew(out);
    consider_pull(out);
}

} // namespace baton::core
