// This node as the receiver of a session: PULL, staged chunks, COMMIT.
#include "core/jobs.hpp"
#include "core/mesh.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr std::size_t slice_rows = 256;
constexpr auto repeat_after = 300ms;
constexpr unsigned repeats_max = 10;
constexpr std::size_t parts_bytes_max = std::size_t{64} << 20;
} // namespace

// Asks the peer that holds most of what is missing here, once its grace is over. One session at a time.
void mesh::consider_pull(outbox& out) {
    if (pulling_ || store_.folding() || leaving_ || !deltas_.empty()) return;
    const auto own = store_.seen();
    std::uint64_t most = 0;
    std::pair<const replica_id, peer>* best = nullptr;
    for (auto& each : peers_) {
        auto& p = each.second;
        if (!p.pull_at || !is_member(p)) continue;
        const auto missing = events_missing(own, p.seen);
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
    pulling_->number = ++last_session_;
    pulling_->from = id;
    pulling_->progress_at = at_.now;
    wire::pull f{pulling_->number,
                 id,
                 settings_.limits.chunk_bytes_max,
                 settings_.limits.credit_bytes,
                 store_.seen(),
                 {},
                 {}};
    f.id = settings_.self;
    out.actions.push_back(send_request{*p.via, wire::encode(f)});
    ++counters_.sessions_pulled;
    note(out, "pull", id, pulling_->number);
    wake_by(at_.now + repeat_after);
}

// A chunk or a request may be lost with a connection: say again what has come, a bounded number of times.
void mesh::nudge_pull(outbox& out) {
    if (!pulling_) return;
    auto& s = *pulling_;
    if (leaving_) return abandon_pull("leaving", out);
    if (at_.now - s.progress_at >= repeat_after * (s.repeats + 1)) {
        auto* const p = find(s.from);
        if (p == nullptr || !p->via || ++s.repeats > repeats_max) return abandon_pull("no answer", out);
        if (s.next_chunk == 0) {
            const wire::pull f{s.number,
                               settings_.self,
                               settings_.limits.chunk_bytes_max,
                               settings_.limits.credit_bytes,
                               store_.seen(),
                               {},
                               {}};
            out.actions.push_back(send_request{*p->via, wire::encode(f)});
        } else {
            out.actions.push_back(
                send_request{*p->via, wire::encode(wire::credit{s.number, s.next_chunk, false})});
        }
    }
    wake_by(s.progress_at + repeat_after * (s.repeats + 1));
}

void mesh::abandon_pull(std::string_view why, outbox& out) {
    const auto from = pulling_->from;
    note(out, why, from, pulling_->number);
    pulling_.reset();
    states_.clear();
    store_.stage_abort();
    ++counters_.sessions_failed;
    if (auto* const p = find(from); p != nullptr && is_member(*p)) note_lack(*p, 500ms);
    for (auto& [id, p] : peers_) {
        if (id != from && is_member(p)) note_lack(p, 0ms);
    }
    wake_by(at_.now + 1ms);
}

verdict mesh::on_state(const replica_id& from, std::string_view bytes, const wire::state& f, outbox& out) {
    if (!pulling_ || pulling_->number != f.session || pulling_->from != from)
        return {}; // of a session given up
    auto& s = *pulling_;
    if ((f.flags & wire::state::busy) != 0) {
        abandon_pull("server busy", out);
        return {};
    }
    const auto expected = s.next_chunk;
    if (f.chunk != expected) return {}; // twice, or after a lost one: the server is told what has come
    wire::state_reader rows(f.base, f.replicas, f.rows, row_limits_);
    wire::state_row row;
    while (rows.next(row)) {
    }
    if (!rows.ok()) {
        abandon_pull("malformed state", out);
        return refuse("malformed state");
    }
    ++s.next_chunk;
    s.progress_at = at_.now;
    s.repeats = 0;
    counters_.state_bytes_received += bytes.size();
    states_.emplace_back(std::string(bytes));
    if ((f.flags & wire::state::commit) == 0) {
        if (auto* const p = find(from); p != nullptr && p->via) {
            out.actions.push_back(
                send_request{*p->via, wire::encode(wire::credit{s.number, s.next_chunk, false})});
        }
    }
    return {};
}

bool mesh::work_on_state(outbox& out) {
    if (states_.empty() || !pulling_) return false;
    auto& job = states_.front();
    if (!job.opened) {
        auto frame = wire::decode(job.bytes);
        job.head = std::get<wire::state>(std::move(*frame));
        job.rows.emplace(job.head.base, job.head.replicas, job.head.rows, row_limits_);
        job.opened = true;
        if (job.head.chunk == 0) store_.expect(job.head.records);
        if (settings_.broken == mutation::i3_claim_partial_session && job.head.chunk == 0) {
            auto* const p = find(pulling_->from);
            store_.commit(p->seen); // the broken rule: claimed before its effects are here
            while (store_.fold(slice_rows)) {
            }
        }
    }
    wire::state_row row;
    for (std::size_t i = 0; i < slice_rows; ++i) {
        if (!job.rows->next(row)) {
            const bool last = (job.head.flags & wire::state::commit) != 0;
            if (last) {
                const auto at = job.head.at;
                states_.pop_front();
                finish_pull(at, out);
            } else {
                states_.pop_front();
            }
            break;
        }
        if (!stage_row(row)) {
            abandon_pull("bad parts", out);
            ++refused_["bad parts"];
            ++counters_.refused_frames;
            return false;
        }
    }
    return !states_.empty() || store_.folding();
}

// I4: what arrives is staged; nothing reads, kills or serves it before the COMMIT.
bool mesh::stage_row(const wire::state_row& row) {
    auto& s = *pulling_;
    if (row.part) {
        const auto& piece = *row.part;
        if (s.part_key != piece.key) {
            s.parts.clear();
            s.part_key = piece.key;
        }
        std::size_t held = piece.bytes.size();
        for (const auto& [id, bytes] : s.parts) held += bytes.size();
        auto& whole = s.parts[piece.id];
        if (piece.offset == 0) whole.clear();
        if (whole.size() != piece.offset || held > parts_bytes_max) return false;
        whole += piece.bytes;
        return true;
    }
    std::vector<staged_view> chain;
    for (const auto& entry : row.entries) {
        auto what = entry.what;
        if (entry.total) {
            const auto at = s.parts.find(what.id);
            if (s.part_key != row.key || at == s.parts.end() || at->second.size() != *entry.total)
                return false;
            what.value = at->second;
        }
        s.staged.raise(what.id);
        chain.push_back(what);
    }
    store_.stage(row.key, chain);
    s.parts.clear();
    s.part_key.clear();
    if (settings_.broken == mutation::i4_serve_staged) {
        // The broken rule: visible at once, with the cut still saying that nothing came.
        store_.commit({});
        while (store_.fold(slice_rows)) {
        }
    }
    return true;
}

void mesh::finish_pull(const wire::standing& at, outbox& out) {
    const auto from = pulling_->from;
    if (!at.seen.covers(pulling_->staged) || at.seen.of(settings_.self) > store_.counter_of(settings_.self)) {
        abandon_pull("commit below its records", out);
        ++refused_["commit below its records"];
        ++counters_.refused_frames;
        return;
    }
    const auto before = events_missing(store_.seen(), at.seen);
    store_.commit(at.seen);
    out.events_applied += before;
    counters_.events_applied += before;
    auto* const p = find(from);
    if (p != nullptr && p->via) {
        out.actions.push_back(
            send_request{*p->via, wire::encode(wire::credit{pulling_->number, pulling_->next_chunk, true})});
    }
    note(out, "commit", from, pulling_->number, before);
    pulling_.reset();
    ++remote_generation_;
    if (p != nullptr) learn_standing(from, *p, at, 100ms, out);
    cut_grew(out);
    consider_pull(out);
}

} // namespace baton::core
