// Walks the logs for the events that the receiver's cut lacks, or sends what the receiver asks for by ranges
// (session_compare.cpp), in bounded chunks, and commits at the cut that it has reached.
#include "core/session_server.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr auto session_forgotten_after = 5s;
constexpr auto send_again_every = 100ms;
constexpr std::size_t chunk_bytes_min = 256;
constexpr std::size_t chunk_bytes_first = std::size_t{64} << 10; // until the speed of the link is known
// Less than every timeout.
constexpr std::chrono::duration<double> chunk_passes_in = 250ms, credit_passes_in = 2s;

// An upper bound: 16 bytes of id and 7 of counter per entry.
std::size_t commit_bytes(const cut& seen, const cut& floor) {
    constexpr std::size_t entry_bytes = 23, other_bytes = 256;
    return (seen.size() + floor.size()) * entry_bytes + other_bytes;
}
} // namespace

verdict session_server::on_pull(const replica_id& from, wire::pull f, instant now, outbox& out) {
    now_ = now;
    // A session number begins at most one walk. If a late or repeated PULL began a second walk, the receiver
    // could take some chunks of each, and commit with a gap between them.
    auto& begun = members_.add(from).serve.begun;
    const auto at = serving_.find(from);
    const bool running = at != serving_.end() && at->second->number == f.session;
    if (!running && f.session <= begun) {
        // Forgotten here: the receiver begins a new session.
        if (f.session == begun) tell_busy(from, f.session, out);
        return {};
    }
    if (running) { // a repeated PULL: the answer, or part of it, was lost
        auto& s = *at->second;
        send_again(from, s, out);
        if (s.ranges && !s.ranges->answer.empty()) out.actions.push_back(send_reply{from, s.ranges->answer});
        return {};
    }
    begun = f.session;
    if ((f.flags & wire::pull::since_told) != 0) {
        const auto* const p = members_.find(from);
        if (!p->holds.hash_known || p->holds.standing_hash != f.told) {
            ask_again(from, f.session, wire::state::wants_cut, out);
            return {};
        }
        auto whole = p->holds.told;
        whole.overlay(f.seen);
        f.seen = std::move(whole);
        f.archive = p->holds.archive;
    }
    // The receiver has seen its cut and its archive. An archive that is empty, or equal to this node's, need
    // not be sent.
    const bool same = f.archive == store_.archive_digest();
    const bool told = (f.flags & wire::pull::has_archive) != 0;
    if (!same && !told && f.archive != digest{}) {
        ask_again(from, f.session, wire::state::wants_archive, out);
        return {};
    }
    auto& slot = serving_[from];
    if (!slot && serving_.size() > settings_.limits.sessions_max) {
        serving_.erase(from);
        tell_busy(from, f.session, out);
        return {};
    }
    slot = std::make_unique<outbound_session>();
    auto& s = *slot;
    s.number = f.session;
    s.began_at = now_;
    s.version = mail_.version_for(members_.find(from));
    while (s.walk_id == 0) s.walk_id = random_();
    s.closed = same ? store_.archived() : f.closed;
    if (same) s.told_archive = f.archive;
    s.whole_archive = !same;
    s.receiver = joined(f.seen, s.closed);
    s.travelling = f.seen;
    s.start = joined(store_.seen(), store_.archived());
    const auto chunk_max = std::max(chunk_bytes_min, settings_.limits.chunk_bytes_max);
    s.chunk_bytes = std::clamp<std::uint64_t>(f.chunk_bytes, chunk_bytes_min, chunk_max);
    s.credit_bytes = std::clamp<std::uint64_t>(f.credit_bytes, s.chunk_bytes,
                                               std::max(s.chunk_bytes, settings_.limits.credit_bytes));
    s.chunk_bytes_max = s.chunk_bytes;
    s.credit_bytes_max = s.credit_bytes;
    s.chunk_bytes = std::min(s.chunk_bytes, chunk_bytes_first);
    // I8: below the floor, a walk would not show what was removed. No removal records are kept for a member
    // that was left behind.
    const bool compare = (f.flags & wire::pull::compare) != 0 || !store_.may_walk(s.receiver) ||
                         members_.find(from)->lag.evicted;
    s.from_nothing = store_.is_disjoint(s.receiver);
    s.walk = store_.walk_from(compare ? s.start : s.receiver);
    const std::uint64_t all = store_.records();
    s.records = std::min(all, events_missing(s.receiver, s.start));
    s.bytes = all == 0 ? 0 : store_.bytes_in_use() / all * s.records;
    for (const auto& id : s.start.entries()) {
        const auto start = compare ? id.counter : std::min(id.counter, s.receiver.of(id.replica));
        if (start != 0) s.pin.push_back({id.replica, start});
    }
    if (compare) {
        ++counts_.compared;
        s.ranges.emplace();
        open_ranges(s);
    }
    s.heard_at = now_;
    ++counts_.served;
    out.note("serve", from, f.session, s.records);
    return {};
}

// A commit by comparison removes records without removal records, so the receivers of this node have to begin
// again.
void session_server::drop_all(outbox& out) {
    for (const auto& [to, session] : serving_) tell_busy(to, session->number, out);
    serving_.clear();
}

// The receiver of a walk could not notice that removal records go: a newcomer has no cut to compare with the
// floor.
void session_server::leave_behind(const replica_id& to, outbox& out) {
    const auto at = serving_.find(to);
    if (at == serving_.end()) return;
    tell_busy(to, at->second->number, out);
    serving_.erase(at);
}

// Sends the window again if its first chunk should have passed by now. A peer that repeats its request must
// not fill the queue to it, and on a slow link the copies would only queue behind the originals. While
// nothing has passed, only as much is sent as shows whether anything does.
void session_server::send_again(const replica_id& to, outbound_session& s, outbox& out) {
    if (s.window.empty()) return;
    const auto& first = s.window.front();
    const bool known = s.seconds_a_byte != 0;
    const std::chrono::duration<double> passes_in{s.seconds_a_byte * static_cast<double>(first.bytes.size())};
    const auto patience = std::max<std::chrono::duration<double>>(send_again_every, 2 * passes_in);
    auto since = first.sent_again_at;
    if (known) since = std::max(s.heard_at, since.value_or(first.sent_at));
    if (since && now_ - *since < patience) return;
    std::size_t bytes = 0;
    for (auto& chunk : s.window) {
        bytes += chunk.bytes.size();
        if (!known && bytes > chunk_bytes_first && bytes != chunk.bytes.size()) break;
        chunk.sent_again_at = now_;
        out.actions.push_back(send_reply{to, chunk.bytes});
    }
}

// The speed is the amount that was under way divided by the time that its last chunk took (Little's law).
void outbound_session::note_passed(instant now) {
    const auto& passed = window.front();
    const std::chrono::duration<double> took = std::max<mesh_clock::duration>(now - passed.sent_at, 1us);
    seconds_a_byte = took.count() / static_cast<double>(passed.under_way);
    const auto pass_in = [&](std::chrono::duration<double> time) {
        return static_cast<std::size_t>(time.count() / seconds_a_byte);
    };
    chunk_bytes = std::min(std::max(chunk_bytes_first, pass_in(chunk_passes_in)), chunk_bytes_max);
    credit_bytes = std::min(std::max(2 * chunk_bytes, pass_in(credit_passes_in)), credit_bytes_max);
}

void session_server::tell_busy(const replica_id& to, std::uint64_t session, outbox& out) {
    ask_again(to, session, wire::state::busy, out);
}

// Sends a STATE without rows: a report about the session.
void session_server::ask_again(const replica_id& to, std::uint64_t session, wire::state::flag why,
                               outbox& out) {
    wire::state f{};
    f.session = session;
    f.flags = why;
    out.actions.push_back(send_reply{to, mail_.encode_for(members_.find(to), f)});
}

session_server::credited session_server::on_credit(const replica_id& from, const wire::credit& f, instant now,
                                                   outbox& out) {
    now_ = now;
    const auto at = serving_.find(from);
    const bool other = at != serving_.end() && f.walk != 0 && f.walk != at->second->walk_id;
    if (at == serving_.end() || at->second->number != f.session || other) {
        if (!f.done) tell_busy(from, f.session, out); // forgotten here: tell the receiver not to wait
        if (f.session > members_.add(from).serve.begun) return {{"credit for no session"}, {}};
        return {};
    }
    auto& s = *at->second;
    if (f.done) {
        credited result;
        if (s.complete && f.next >= s.next_chunk) result.holds = std::move(s.receiver);
        serving_.erase(at);
        return result;
    }
    const bool repeated = f.next == s.acknowledged && f.next != 0;
    // A receiver that makes no progress is forgotten in the end.
    if (f.next > s.acknowledged) s.heard_at = now_;
    s.acknowledged = std::max(s.acknowledged, f.next);
    while (!s.window.empty() && s.window.front().number < s.acknowledged) {
        s.note_passed(now_);
        s.window_bytes -= s.window.front().bytes.size();
        s.window.pop_front();
    }
    if (repeated) send_again(from, s, out);
    if (repeated && s.ranges && s.ranges->number == 0 && !s.ranges->answer.empty())
        out.actions.push_back(send_reply{from, s.ranges->answer});
    return {};
}

void session_server::expire(instant now, outbox& out) {
    now_ = now;
    for (auto at = serving_.begin(); at != serving_.end();) {
        if (now_ - at->second->heard_at >= session_forgotten_after) {
            out.note("session expired", at->first, at->second->number);
            at = serving_.erase(at);
        } else {
            ++at;
        }
    }
}

instant session_server::deadline() const {
    auto first = instant::max();
    for (const auto& [to, session] : serving_)
        first = std::min(first, session->heard_at + session_forgotten_after);
    return first;
}

std::uint64_t session_server::least_pin(const replica_id& origin, std::uint64_t least) const {
    for (const auto& [to, session] : serving_) {
        const auto* const p = members_.find(to);
        if (p == nullptr || !p->lag.evicted) least = std::min(least, session->pin.of(origin));
    }
    return least;
}

bool session_server::compares() const {
    return std::any_of(serving_.begin(), serving_.end(),
                       [](const auto& each) { return each.second->ranges.has_value(); });
}

bool session_server::is_moving(const replica_id& to, instant now, mesh_clock::duration within) const {
    const auto session = serving_.find(to);
    if (session == serving_.end()) return false;
    const auto& s = *session->second;
    const bool moved = s.acknowledged != 0 || (s.ranges && s.ranges->number != 0);
    return moved && now - s.heard_at < within;
}

std::unique_ptr<outbound_session> session_server::begin_file(instant now) const {
    auto s = std::make_unique<outbound_session>();
    s->version = wire::version_min;
    s->began_at = now;
    s->to_file = s->from_nothing = s->whole_archive = true;
    s->walk = store_.walk_from({});
    s->chunk_bytes = settings_.limits.chunk_bytes_max;
    s->records = store_.records();
    return s;
}

bool session_server::write_file(outbound_session& s, const moment& at, std::string& into) {
    now_ = at.now;
    if (s.window.empty() && !s.complete) {
        outbox unused; // a file gets no frames
        if (!s.chunk) s.chunk.emplace(timestamp::at(at.wall_ms));
        std::size_t steps = settings_.bounds.slice;
        fill(s, steps);
        const bool walked = steps != 0 && !s.pending && !s.parts;
        if (walked) settle_cut(s, unused);
        if (walked || s.chunk->bytes() >= s.chunk_bytes || s.pending || s.parts) {
            if (walked || s.chunk->bytes() != 0) seal(s, walked, unused);
        }
    }
    if (!s.window.empty()) {
        into = std::move(s.window.front().bytes);
        s.window.pop_front();
    }
    return !s.complete || !s.window.empty();
}

// Works one slice for one session, in turns. Returns true while any session can go on.
bool session_server::work(const moment& at, outbox& out) {
    now_ = at.now;
    const auto can_go_on = [this](const outbound_session& s) {
        if (s.complete || s.window_bytes >= s.credit_bytes ||
            s.window.size() >= settings_.bounds.chunks_under_way)
            return false;
        return !s.ranges || s.ranges->finished || !s.ranges->answered || !s.ranges->ship.empty() ||
               s.pending || s.parts || (s.chunk && s.chunk->bytes() != 0);
    };
    auto next = last_served_ ? serving_.upper_bound(*last_served_) : serving_.begin();
    for (std::size_t tries = 0; tries < serving_.size(); ++tries, ++next) {
        if (next == serving_.end()) next = serving_.begin();
        if (can_go_on(*next->second)) break;
    }
    if (serving_.empty()) return false;
    if (next == serving_.end()) next = serving_.begin();
    auto& s = *next->second;
    if (!can_go_on(s)) return false;
    last_served_ = next->first;

    if (s.ranges && !s.ranges->answered) {
        work_on_answer(last_served_.value(), s, out);
        return true;
    }
    if (!s.chunk) s.chunk.emplace(timestamp::at(at.wall_ms));
    std::size_t steps = settings_.bounds.served_slots;
    fill(s, steps);
    bool walked = steps != 0 && !s.pending && !s.parts && (!s.settled || s.waiting.empty());
    if (s.ranges && !s.ranges->finished) { // more questions may come: the rows so far are sent
        if (walked && s.chunk->bytes() != 0) seal(s, false, out);
        walked = false;
    }
    if (!s.chunk) return true;
    if (walked && !s.settled) settle_cut(s, out);
    const bool commit = walked && s.waiting.empty();
    if (commit || s.chunk->bytes() >= s.chunk_bytes || s.pending || s.parts) {
        // The rows and the two cuts of a COMMIT may exceed a frame.
        if (commit &&
            s.chunk->bytes() + commit_bytes(s.settled->at.seen, s.settled->floor) > wire::frame_bytes_max) {
            seal(s, false, out);
            s.chunk.emplace(timestamp::at(at.wall_ms));
        }
        if (commit || s.chunk->bytes() != 0) seal(s, commit, out);
    }
    return std::any_of(serving_.begin(), serving_.end(),
                       [&](const auto& each) { return can_go_on(*each.second); });
}

// I9: the cut of the COMMIT does not name archived origins, so the receiver gets the archive first.
void session_server::tell_archive(outbound_session& s, outbox& out) {
    if (s.told_archive == store_.archive_digest()) return;
    s.told_archive = store_.archive_digest();
    cut rows;
    const auto send = [&](std::uint64_t flags) {
        const auto bytes = wire::encode_cut(rows);
        wire::state f;
        f.session = s.number;
        f.chunk = s.next_chunk++;
        f.walk = s.walk_id;
        f.flags = flags;
        f.rows = bytes;
        queue_chunk(s, f.chunk, wire::encode(f, s.version), out);
        rows = {};
    };
    for (const auto& id : store_.archived().entries()) {
        if (!s.whole_archive && s.closed.of(id.replica) == id.counter) continue;
        rows.push_back(id);
        if (rows.size() >= settings_.bounds.archive_rows) send(wire::state::archive);
    }
    if (!rows.empty()) send(wire::state::archive);
    // The second pass lists the origins that said goodbye. Version 4 reads these rows as the same entries.
    const auto for_good = store_.closed_for_good();
    for (const auto& id : for_good.entries()) {
        if (!s.whole_archive && s.closed.of(id.replica) == id.counter) continue;
        rows.push_back(id);
        if (rows.size() >= settings_.bounds.archive_rows) send(wire::state::archive | wire::state::for_good);
    }
    if (!rows.empty()) send(wire::state::archive | wire::state::for_good);
}

void session_server::seal(outbound_session& s, bool commit, outbox& out) {
    wire::state f;
    f.session = s.number;
    f.walk = s.walk_id;
    f.chunk = s.next_chunk++;
    if (commit) f.flags |= wire::state::commit;
    f.records = s.records;
    f.bytes = s.bytes;
    f.base = s.chunk->base();
    f.replicas = s.chunk->replicas();
    f.rows = s.chunk->rows();
    if (commit) {
        const bool present = settings_.broken == mutation::commit_past_settled;
        f.at = present ? standing_of(store_) : s.settled->at;
        f.server = settings_.self;
        const bool needs_floor = s.ranges || store_.is_disjoint(s.receiver) || s.from_nothing;
        for (const auto& id : s.settled->floor.entries()) {
            if (needs_floor || id.counter > s.receiver.of(id.replica)) f.floor.push_back(id);
        }
        if (!s.to_file) shorten(s, f);
        if (s.whole_archive) f.flags |= wire::state::whole_archive;
        if (s.ranges) f.flags |= wire::state::compared;
        s.receiver.join(s.settled->at.seen);
        s.complete = true;
        if (auto* const p = s.to_file ? nullptr : members_.find(*last_served_))
            p->holds.told_otherwise = true;
    }
    auto bytes = wire::encode(f, s.version);
    s.chunk.reset();
    queue_chunk(s, f.chunk, std::move(bytes), out);
}

// The receiver knows its own cut, so a COMMIT names the difference to it, unless this node lacks an origin of
// that cut.
void session_server::shorten(const outbound_session& s, wire::state& f) {
    cut differs;
    for (const auto& id : f.at.seen.entries()) {
        if (s.travelling.of(id.replica) != id.counter) differs.push_back(id);
    }
    for (const auto& id : s.travelling.entries()) {
        if (f.at.seen.of(id.replica) == 0) return;
    }
    f.flags |= wire::state::difference;
    f.at.seen = std::move(differs);
}

void session_server::queue_chunk(outbound_session& s, std::uint64_t number, std::string bytes, outbox& out) {
    if (s.to_file) {
        s.window.push_back({number, std::move(bytes), 0, now_});
        return;
    }
    s.window_bytes += bytes.size();
    s.sent_bytes += bytes.size();
    counts_.bytes += bytes.size();
    const int times = settings_.broken == mutation::states_again ? 100 : 1;
    for (int i = 0; i < times; ++i) out.actions.push_back(send_reply{*last_served_, bytes});
    s.window.push_back({number, std::move(bytes), s.window_bytes, now_});
}

} // namespace baton::core
