// Chooses the server that this node asks for a session, handles its frames, and ends the session.
#include "core/session_receiver.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr auto repeat_after = 300ms;
constexpr unsigned repeats_max = 10;
// How long a COMMIT waits for the report of an origin of which it claims more than the origin has reported.
constexpr auto word_awaited_for = 2s;
constexpr auto server_forgets_after = 5s; // after this silence the server forgets a session
constexpr auto cache_kept_for = 30s; // how long staged rows are kept when no server is there to go on with
} // namespace

const cut* session_receiver::compared() const {
    return session_ && session_->ranges && session_->ranges->opened ? &session_->ranges->at : nullptr;
}

// ---------------------------------------------------------------- whom to ask

void session_receiver::note_lack(peer& p, instant when) {
    core::note_lack(p, store_, when);
    if (p.pull.at) wake_by(*p.pull.at);
}

void session_receiver::note_told(const wire::standing& at) {
    told_ = at;
    for (auto& [id, p] : members_) p.holds.told_otherwise = false;
}

// Asks the peer that holds most of what is missing here, once its grace is over. Only one session runs at a
// time.
void session_receiver::consider(const moment& at, const room& space, outbox& out) {
    at_ = at;
    if (session_ || store_.folding()) return;
    std::uint64_t most = 0;
    std::pair<const replica_id, peer>* best = nullptr;
    for (auto& each : members_) {
        auto& p = each.second;
        // A state that did not fit is tried again at the pace of sessions.
        const bool has_room = !space.is_full() || space.fits(p.holds.live_bytes);
        if (!p.pull.at || !is_member(p) || !has_room) continue;
        const auto due = settings_.broken == mutation::retry_undercut
                             ? *p.pull.at
                             : std::max(*p.pull.at, p.pull.pace.due());
        // After a divergence (equal cuts, different digests) the missing events cannot be counted: the repair
        // is by union.
        const auto missing = p.holds.diverged ? 1 : store_.lacks(p.holds.seen);
        if (missing == 0) {
            p.pull.at.reset();
        } else if (at_.now < due) {
            wake_by(due);
        } else if (mail_.has_open_link(p) && missing > most) {
            most = missing;
            best = &each;
        }
    }
    if (best != nullptr) start(best->first, best->second, out);
}

void session_receiver::start(const replica_id& id, peer& p, outbox& out) {
    p.pull.at.reset();
    session_.emplace(inbound_session{});
    auto& s = *session_;
    s.number = ++last_number_;
    s.from = id;
    s.began_at = s.progress_at = at_.now;
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
        // The archive is too long for one frame. The session acts as if nothing were archived here, which is
        // as correct and costs more.
        s.has_archive = false;
        s.closed = {};
        s.closed_digest = {};
        s.seen = s.travelling;
    }
    s.whole_cut = p.pull.wants_cut || p.holds.told_otherwise || s.has_archive;
    p.pull.wants_archive = p.pull.compare_next = p.pull.wants_cut = false;
    send_pull(p, out);
    ++counts_.pulled;
    out.note("pull", id, s.number);
    wake_by(at_.now + repeat_after);
}

void session_receiver::send_pull(const peer& p, outbox& out) {
    const auto& s = *session_;
    wire::pull f;
    f.session = s.number;
    f.id = settings_.self;
    f.chunk_bytes = settings_.limits.chunk_bytes_max;
    f.credit_bytes = settings_.limits.credit_bytes;
    if (s.has_archive) f.flags |= wire::pull::has_archive;
    if (s.compare) f.flags |= wire::pull::compare;
    // A hash stands for what the server knows already, so a repair costs only what has changed.
    bool known = !s.whole_cut && s.closed_digest == told_.archive;
    for (const auto& id : told_.seen.entries()) known = known && s.travelling.of(id.replica) != 0;
    if (known) {
        f.flags |= wire::pull::since_told;
        f.told = wire::hash_of(told_);
    }
    for (const auto& id : s.travelling.entries()) {
        if (!known || told_.seen.of(id.replica) != id.counter) f.seen.push_back(id);
    }
    f.archive = s.closed_digest;
    if (s.has_archive) f.closed = s.closed;
    out.actions.push_back(send_request{*p.via, mail_.encode_for(&p, f)});
}

void session_receiver::begin_file(spill_id file, const cut& claims, std::uint64_t written_ms,
                                  const moment& at, outbox& out) {
    at_ = at;
    // The cache was kept for a session that did not come.
    if (store_.staged_slots() != 0) store_.stage_abort();
    session_.emplace(inbound_session{});
    auto& s = *session_;
    s.number = ++last_number_;
    s.file = file;
    s.written_ms = written_ms;
    s.began_at = s.progress_at = at_.now;
    s.closed = store_.archived();
    s.travelling = store_.seen();
    s.seen = joined(store_.seen(), s.closed);
    s.newcomer = store_.is_disjoint(claims);
    out.note("spill", {}, s.number);
}

// ---------------------------------------------------------------- frames

session_receiver::outcome session_receiver::on_state(const replica_id& from, std::string_view bytes,
                                                     const wire::state& f, bool fits, const moment& at,
                                                     outbox& out) {
    at_ = at;
    outcome done;
    if (f.session > last_number_) return {{"answer to nothing asked"}};
    if (!session_ || session_->number != f.session || session_->from != from)
        return done; // a frame of a session that was given up
    auto& s = *session_;
    const auto over = [&](session_end how) {
        end(how, done, out);
        return std::move(done);
    };
    if ((f.flags & wire::state::busy) != 0) return over(session_end::busy);
    const bool wants_archive = (f.flags & wire::state::wants_archive) != 0;
    if (wants_archive || (f.flags & wire::state::wants_cut) != 0) {
        if ((wants_archive ? s.has_archive : s.whole_cut) || !s.is_untouched()) return done;
        auto& p = members_.add(from);
        (wants_archive ? p.pull.wants_archive : p.pull.wants_cut) = true;
        p.pull.compare_next = s.compare;
        wake_by(at_.now);
        return over(session_end::asked_again);
    }
    if (!s.is_of(f.walk) && settings_.broken != mutation::walk_ignored) return over(session_end::began_anew);
    if (f.chunk != s.next_chunk || s.commit)
        return done; // a repeated chunk, or one after a lost chunk: the CREDIT tells the server what came
    const bool commits = (f.flags & wire::state::commit) != 0;
    if (commits && f.server != from) // a repeated PULL has reached the next incarnation of the server
        return over(session_end::server_gone);
    const bool archive = (f.flags & wire::state::archive) != 0;
    if (archive && !take_archive(f)) {
        done.why = {"malformed state"};
        return over(session_end::malformed);
    }
    // If the same state did not fit before, its size is checked before anything is staged.
    if (room_short_ && f.chunk == 0 && !fits) return over(session_end::full);
    ++s.next_chunk;
    s.progress_at = at_.now;
    s.repeats = 0;
    if (s.ranges && s.ranges->done) s.ranges->question.clear();
    counts_.bytes += bytes.size();
    s.note_chunk(f.records, f.bytes, bytes.size());
    if (archive) {
        give_credit(out);
    } else {
        s.chunks.emplace_back(std::string(bytes));
    }
    return done;
}

session_receiver::outcome session_receiver::on_file(const spill_read& in, const moment& at, outbox& out) {
    at_ = at;
    outcome done;
    if (!session_ || session_->file != in.file) return done; // the session was given up
    auto& s = *session_;
    s.progress_at = at_.now;
    const auto decoded = wire::decode(in.bytes);
    const auto* const f = decoded ? std::get_if<wire::state>(&*decoded) : nullptr;
    const bool partial = settings_.broken == mutation::spill_claims_partial;
    if (f == nullptr || (f->chunk != s.next_chunk && !partial) || s.commit) {
        end(session_end::malformed, done, out);
        return done;
    }
    s.next_chunk = f->chunk + 1;
    s.note_chunk(f->records, f->bytes, in.bytes.size());
    if ((f->flags & wire::state::archive) == 0) {
        s.chunks.emplace_back(std::string(in.bytes));
    } else if (take_archive(*f)) {
        give_credit(out);
    } else {
        end(session_end::malformed, done, out);
    }
    return done;
}

// Takes archive rows of a member or of a file. Returns false if they are malformed or too many.
bool session_receiver::take_archive(const wire::state& f) {
    auto& s = *session_;
    const auto rows = wire::decode_cut(f.rows);
    const bool commits = (f.flags & wire::state::commit) != 0;
    if (!rows || commits || s.archive_rows.size() > settings_.bounds.archive_entries) return false;
    s.archive_rows.join(*rows);
    if ((f.flags & wire::state::for_good) != 0) s.final_rows.join(*rows);
    return true;
}

// Staged chunks make room for more, so a server is never far ahead of this node.
void session_receiver::give_credit(outbox& out) {
    const auto& s = *session_;
    if (s.file) {
        out.actions.push_back(read_spill{*s.file, false});
        return;
    }
    if (auto* const p = members_.find(s.from); p != nullptr && p->via) {
        const wire::credit f{s.number, s.next_chunk - s.chunks.size(), false, s.walk.value_or(0)};
        out.actions.push_back(send_request{*p->via, mail_.encode_for(p, f)});
    }
}

// ---------------------------------------------------------------- timers

// A chunk or a request may be lost with a connection. This node repeats what has come, a bounded number of
// times.
session_receiver::outcome session_receiver::tend(const moment& at, outbox& out) {
    at_ = at;
    outcome done;
    if (!session_) {
        if (store_.staged_slots() != 0 && !store_.folding() && at_.now >= cached_until_) store_.stage_abort();
        return done;
    }
    auto& s = *session_;
    if (s.commit) {
        finish(done, out);
        if (session_ && at_.now - s.progress_at >= word_awaited_for) end(session_end::beyond_word, done, out);
        return done;
    }
    if (s.file) return done; // a file neither forgets the session nor falls silent
    const bool at_work = !s.chunks.empty() || (s.ranges && !s.ranges->to_check.empty());
    if (at_.now - s.progress_at >= repeat_after * (s.repeats + 1)) {
        auto* const p = members_.find(s.from);
        if (p == nullptr || !p->via || (!at_work && ++s.repeats > repeats_max)) {
            end(session_end::silent, done, out);
            return done;
        }
        if (at_work) s.progress_at = at_.now;
        // A repeated PULL may begin another walk. If the server does not name its walks, that is safe only
        // while nothing has come.
        if (s.next_chunk == 0 && (s.is_untouched() || s.is_named())) send_pull(*p, out);
        if (s.next_chunk != 0) {
            out.actions.push_back(send_request{
                *p->via,
                mail_.encode_for(p, wire::credit{s.number, s.next_chunk, false, s.walk.value_or(0)})});
        }
        if (s.ranges && !s.ranges->question.empty())
            out.actions.push_back(send_request{*p->via, s.ranges->question});
    }
    wake_by(s.progress_at + repeat_after * (s.repeats + 1));
    return done;
}

// A process that did not run cannot blame the server for its silence. But after a long pause the server has
// forgotten the session and may begin its number again: a server that does not name its walks must not get
// the chance.
session_receiver::outcome session_receiver::excuse(mesh_clock::duration pause, const moment& at,
                                                   outbox& out) {
    at_ = at;
    outcome done;
    if (!session_) return done;
    const auto* const p = members_.find(session_->from);
    const bool names_walks = p != nullptr && p->version >= 5;
    if (!session_->file && (pause >= server_forgets_after || !names_walks)) {
        end(session_end::paused, done, out);
    } else {
        session_->progress_at += pause;
    }
    return done;
}

session_receiver::outcome session_receiver::work(const moment& at, outbox& out) {
    at_ = at;
    outcome done;
    done.more = work_on_state(done, out) || work_on_ranges(out) || work_on_absent(done, out);
    return done;
}

// ---------------------------------------------------------------- the end of a session

session_receiver::outcome session_receiver::drop(const replica_id& from, const moment& at, outbox& out) {
    const bool of_it = session_ && session_->from == from;
    return of_it ? abandon(session_end::server_gone, at, out) : outcome{};
}

session_receiver::outcome session_receiver::abandon(session_end how, const moment& at, outbox& out) {
    at_ = at;
    outcome done;
    if (session_) end(how, done, out);
    return done;
}

// Every session ends here, and nothing of it is left for the next one. Chunks, parts, ranges and archive rows
// go with the record. Staged rows have been committed, or are dropped, or become a cache that the next server
// has to confirm.
void session_receiver::end(session_end how, outcome& done, outbox& out) {
    const auto over = std::move(*session_);
    session_.reset();
    if (how != session_end::committed) {
        out.note(to_string(how), over.from, over.number);
        // The staged rows of a newcomer are worth keeping: the next server confirms them. A session without
        // any chunk leaves an earlier cache as it was.
        const bool worthless = over.file || how == session_end::malformed || how == session_end::full ||
                               how == session_end::leaving;
        const bool kept = !worthless && (over.is_untouched() ? store_.stage_is_cache() : store_.stage_keep());
        if (!kept) store_.stage_abort();
        cached_until_ = at_.now + cache_kept_for;
        wake_by(at_.now + 1ms);
    }
    if (how == session_end::full) room_short_ = true;
    if (!over.file) pace(how, over);
    done.end.emplace(ended{how, over.from, over.file});
}

// The failed server is asked again at its own pace; other servers at once, if their time has come.
void session_receiver::pace(session_end how, const inbound_session& s) {
    auto* const p = members_.find(s.from);
    if (how == session_end::asked_again) {
        if (p != nullptr) note_lack(*p, at_.now);
        return;
    }
    if (how == session_end::committed) return;
    ++counts_.failed;
    if (how == session_end::leaving) return;
    // A pause of this node is not the fault of the server.
    if (p != nullptr && how != session_end::paused) p->pull.pace.failed(at_.now, is_hopeless(how), random_());
    if (p != nullptr && how == session_end::below_floor) p->pull.compare_next = true;
    for (auto& [id, each] : members_) {
        if (is_member(each)) note_lack(each, at_.now);
    }
}

} // namespace baton::core
