// This node as the server of sessions: it walks its logs for what the receiver's cut lacks, in bounded
// chunks, and commits at the cut it has reached.
#include "core/jobs.hpp"
#include "core/mesh.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr std::size_t slice_slots = 512;
constexpr auto session_forgotten_after = 5s;
constexpr auto send_again_every = 100ms;
constexpr std::size_t chunk_bytes_min = 256;
constexpr std::size_t chunks_under_way_max = 128; // far below what ROUTER queues for one peer
} // namespace

verdict mesh::on_pull(const replica_id& from, const wire::pull& f, outbox& out) {
    // A number is begun at most once: were a late or repeated PULL to begin a second walk under it, the
    // receiver could take some chunks of the one and some of the other, and commit with a gap between them.
    auto& begun = peers_[from].session_begun;
    const auto at = serving_.find(from);
    const bool running = at != serving_.end() && at->second->number == f.session;
    if (!running && f.session <= begun) {
        if (f.session == begun) tell_busy(from, f.session, out); // forgotten here: begin anew
        return {};
    }
    if (running) { // asked again: the answer, or part of it, was lost
        at->second->heard_at = at_.now;
        send_again(from, *at->second, out);
        return {};
    }
    begun = f.session;
    auto& slot = serving_[from];
    if (!slot && serving_.size() > settings_.limits.sessions_max) {
        serving_.erase(from);
        tell_busy(from, f.session, out);
        return {};
    }
    slot = std::make_unique<outbound_session>();
    auto& s = *slot;
    s.number = f.session;
    s.receiver = f.seen;
    s.start = store_.seen();
    const auto chunk_max = std::max(chunk_bytes_min, settings_.limits.chunk_bytes_max);
    s.chunk_bytes = std::clamp<std::uint64_t>(f.chunk_bytes, chunk_bytes_min, chunk_max);
    s.credit_bytes = std::clamp<std::uint64_t>(f.credit_bytes, s.chunk_bytes,
                                               std::max(s.chunk_bytes, settings_.limits.credit_bytes));
    s.walk = store_.walk_from(f.seen);
    s.records = std::min<std::uint64_t>(store_.records(), events_missing(f.seen, store_.seen()));
    s.heard_at = at_.now;
    ++counters_.sessions_served;
    note(out, "serve", from, f.session, s.records);
    wake_by(at_.now + session_forgotten_after);
    return {};
}

// The window once more, and not again right away: a peer that asks and asks must not fill the queue to it.
void mesh::send_again(const replica_id& to, outbound_session& s, outbox& out) {
    if (s.sent_again_at && at_.now - *s.sent_again_at < send_again_every) return;
    s.sent_again_at = at_.now;
    for (const auto& chunk : s.window) out.actions.push_back(send_reply{to, chunk.bytes});
}

void mesh::tell_busy(const replica_id& to, std::uint64_t session, outbox& out) {
    wire::state busy{};
    busy.session = session;
    busy.flags = wire::state::busy;
    out.actions.push_back(send_reply{to, wire::encode(busy)});
}

verdict mesh::on_credit(const replica_id& from, const wire::credit& f, outbox& out) {
    const auto at = serving_.find(from);
    if (at == serving_.end() || at->second->number != f.session) {
        if (!f.done) tell_busy(from, f.session, out); // forgotten here: the receiver need not wait
        return {};
    }
    auto& s = *at->second;
    if (f.done) {
        if (s.complete && f.next >= s.next_chunk) {
            if (auto* const p = find(from)) p->seen.join(s.receiver);
        }
        serving_.erase(at);
        return {};
    }
    s.heard_at = at_.now;
    const bool repeated = f.next == s.acknowledged && f.next != 0;
    s.acknowledged = std::max(s.acknowledged, f.next);
    while (!s.window.empty() && s.window.front().number < s.acknowledged) {
        s.window_bytes -= s.window.front().bytes.size();
        s.window.pop_front();
    }
    if (repeated) send_again(from, s, out);
    return {};
}

void mesh::expire_sessions(outbox& out) {
    for (auto at = serving_.begin(); at != serving_.end();) {
        if (at_.now - at->second->heard_at >= session_forgotten_after) {
            note(out, "session expired", at->first, at->second->number);
            at = serving_.erase(at);
        } else {
            wake_by(at->second->heard_at + session_forgotten_after);
            ++at;
        }
    }
}

// One slice for one session, the next one after the one served last. True while any can go on.
bool mesh::work_on_serving(outbox& out) {
    const auto can_go_on = [](const outbound_session& s) {
        return !s.complete && s.window_bytes < s.credit_bytes && s.window.size() < chunks_under_way_max;
    };
    auto at = last_served_ ? serving_.upper_bound(*last_served_) : serving_.begin();
    for (std::size_t tries = 0; tries < serving_.size(); ++tries, ++at) {
        if (at == serving_.end()) at = serving_.begin();
        if (can_go_on(*at->second)) break;
    }
    if (serving_.empty()) return false;
    if (at == serving_.end()) at = serving_.begin();
    auto& s = *at->second;
    if (!can_go_on(s)) return false;
    last_served_ = at->first;

    if (!s.chunk) s.chunk.emplace(timestamp::at(at_.wall_ms));
    std::size_t steps = slice_slots;
    fill(s, steps);
    const bool walked = steps != 0 && !s.pending && !s.parts;
    if (walked || s.chunk->bytes() >= s.chunk_bytes || s.pending || s.parts) {
        const bool commit = walked && !s.parts;
        if (commit || s.chunk->bytes() != 0) seal(s, commit, out);
    }
    return std::any_of(serving_.begin(), serving_.end(),
                       [&](const auto& each) { return can_go_on(*each.second); });
}

// Adds rows until the chunk is full (`pending` or `parts` is left), the slots are used up (`steps` 0), or
// everything under the present cut has been walked.
void mesh::fill(outbound_session& s, std::size_t& steps) {
    std::vector<staged_view> chain;
    while (steps != 0) {
        if (s.parts) {
            if (!fill_large(s)) return;
            continue;
        }
        if (!s.pending) s.pending = store_.next(s.walk, steps);
        if (!s.pending) return;
        if (settings_.broken == mutation::commit_without_tail && !s.start.has(*s.pending)) {
            s.pending.reset();
            continue;
        }
        const auto key = store_.chain_at(*s.pending, chain);
        if (key.empty()) { // overwritten since: its successor comes later in the walk
            s.pending.reset();
            continue;
        }
        std::size_t bytes = key.size() + 16;
        for (auto& entry : chain) {
            if (s.receiver.has(entry.id)) {
                entry.what = staged_view::kind::reference;
                entry.value = {};
            }
            bytes += entry.value.size() + 24;
        }
        const bool room = s.chunk->bytes() + bytes <= s.chunk_bytes;
        if (!room && s.chunk->bytes() != 0) return;
        if (!room && bytes > s.chunk_bytes + 1024) {
            s.parts.emplace(outbound_session::large{});
            s.parts->key = key;
            s.pending.reset();
            continue;
        }
        s.chunk->chain(key, chain, {});
        s.pending.reset();
    }
}

// A key with values too large for a chunk: each such value in parts, then the chain. The chain is looked at
// anew every time, as it may have changed between two chunks. False when the chunk is full.
bool mesh::fill_large(outbound_session& s) {
    auto& large = *s.parts;
    std::vector<staged_view> chain;
    store_.chain_of(large.key, chain);
    const staged_view* next = nullptr;
    for (auto& entry : chain) {
        if (s.receiver.has(entry.id)) {
            entry.what = staged_view::kind::reference;
            entry.value = {};
        }
        const bool sent = std::find(large.sent.begin(), large.sent.end(), entry.id) != large.sent.end();
        if (!sent && entry.value.size() > 128 && (next == nullptr || large.current == entry.id))
            next = &entry;
    }
    if (next == nullptr) {
        s.chunk->chain(large.key, chain, large.sent);
        s.parts.reset();
        return true;
    }
    if (large.current != next->id) { // a new value, or the one under way was overwritten
        large.current = next->id;
        large.offset = 0;
    }
    const auto overhead = large.key.size() + 48;
    const auto used = s.chunk->bytes() + overhead;
    if (used >= s.chunk_bytes && s.chunk->bytes() != 0) return false;
    const auto room = used < s.chunk_bytes ? s.chunk_bytes - used : 64;
    const auto piece = next->value.substr(large.offset, room);
    s.chunk->part({large.key, next->id, next->value.size(), large.offset, piece});
    large.offset += piece.size();
    if (large.offset == next->value.size()) {
        large.sent.push_back(next->id);
        large.current.reset();
        large.offset = 0;
    }
    return true;
}

void mesh::seal(outbound_session& s, bool commit, outbox& out) {
    wire::state f;
    f.session = s.number;
    f.chunk = s.next_chunk++;
    if (commit) f.flags |= wire::state::commit;
    f.records = s.records;
    f.base = s.chunk->base();
    f.replicas = s.chunk->replicas();
    f.rows = s.chunk->rows();
    if (commit) {
        f.at = standing();
        s.receiver.join(f.at.seen);
        s.complete = true;
    }
    auto bytes = wire::encode(f);
    s.chunk.reset();
    s.window_bytes += bytes.size();
    counters_.state_bytes_sent += bytes.size();
    out.actions.push_back(send_reply{*last_served_, bytes});
    s.window.push_back({f.chunk, std::move(bytes)});
}

} // namespace baton::core
