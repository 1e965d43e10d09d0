#include "core/stability.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr auto lag_patience = 2s; // how long a member may lag without catching up before it is left behind
} // namespace

namespace {
bool has_left_with(const peer& p, std::uint64_t counter) {
    return p.state == member_state::left && p.final == counter;
}
} // namespace

// True if stability waits for the member. A leaving or full member applies nothing more; once it has room
// again, its cut and the floor of its server decide how it is served (I8).
bool stability::holds_back(const peer& p) const {
    if (p.holds.full && settings_.broken != mutation::full_holds_back) return false;
    return (p.state == member_state::up || p.state == member_state::suspect) && !p.lag.evicted;
}

cut stability::stable_cut() const {
    auto own = joined(store_.seen(), store_.archived());
    if (settings_.broken == mutation::i7_drop_unstable) return own;
    cut all;
    for (const auto& id : own.entries()) {
        auto least = id.counter;
        // Every member has all events of an archived origin; a running session may still have to carry them.
        const bool closed = store_.archived().of(id.replica) == id.counter;
        for (auto at = closed ? members_.end() : members_.begin(); at != members_.end(); ++at) {
            if (holds_back(at->second)) least = std::min(least, at->second.holds.seen.of(id.replica));
        }
        if (settings_.broken != mutation::i7_forget_open_sessions)
            least = server_.least_pin(id.replica, least);
        if (least != 0) all.push_back({id.replica, least});
    }
    return all;
}

void stability::tend(bool takes_writes, const moment& at, outbox& out) {
    if (store_.removals() != 0 && settings_.broken != mutation::removals_stay) {
        stable_ = stable_cut();
        garbage_ = true;
    }
    if (takes_writes) close_for_good(at, out); // before the residues that it is about go
    settle_residues();
    archive_closed(takes_writes, at, out);
    forget_archived();
    if (server_.size() == 0 && store_.staged_slots() == 0 && store_.origins() > members_.size() + 1)
        store_.tidy();
}

bool stability::work() {
    if (store_.sweep(settings_.bounds.slice)) return true;
    if (garbage_) garbage_ = store_.collect(stable_, settings_.bounds.slice);
    return garbage_;
}

// A residue may go once no older record of its origin can arrive: the origin has reported that it has seen
// the removal, and everything that it had written by then is here; or it has left, and all its events are
// here.
void stability::settle_residues() {
    // A receiver that compares with this node needs the residues until it is done.
    if (store_.residues() == 0 || server_.compares()) return;
    store_.forget_closed_residues(settings_.bounds.slice);
    for (auto& each : members_) {
        const auto& id = each.first;
        auto& p = each.second;
        const auto count = store_.residues_of(id);
        if (count == 0) continue;
        if (settings_.broken == mutation::counter_drops_residue) store_.forget_residues(id, count);
        const bool left = p.state == member_state::left && store_.counter_of(id) == p.final;
        if (!left && !is_member(p)) continue;
        if (!left && !p.lag.settling) {
            p.lag.settling = joined(store_.seen(), store_.archived());
            p.lag.settling_count = count;
            continue;
        }
        // An origin that is archived here need not be complete at this member, unless the member has the same
        // archive.
        const bool same_archive = p.holds.archive == store_.archive_digest();
        const bool told =
            !left &&
            std::all_of(p.lag.settling->entries().begin(), p.lag.settling->entries().end(),
                        [&](const dot& seen) {
                            return seen.counter <= p.holds.told.of(seen.replica) ||
                                   (same_archive && seen.counter <= store_.archived().of(seen.replica));
                        });
        if (!left && (!told || store_.counter_of(id) < p.holds.told.of(id))) continue;
        store_.forget_residues(id, std::min(settings_.bounds.slice, left ? count : p.lag.settling_count));
        if (!left && p.lag.settling_count > settings_.bounds.slice) {
            p.lag.settling_count -= settings_.bounds.slice;
        } else {
            p.lag.settling.reset();
        }
    }
    const auto own = store_.residues_of(store_.self()); // a node knows all events of its own
    if (own != 0) store_.forget_residues(store_.self(), std::min(settings_.bounds.slice, own));
}

// I9: an origin that is gone for good leaves the cut that nodes exchange, by an ordinary event, so equal cuts
// mean equal archives. The member that acts for all writes the event once every member has all events of the
// origin.
void stability::archive_closed(bool takes_writes, const moment& at, outbox& out) {
    const auto seen = store_.seen();
    // The time counts for one absence: each new event and each return of the origin begins it again.
    std::erase_if(quiet_, [&](const auto& each) {
        const auto* const p = members_.find(each.first);
        return (p != nullptr && can_answer(*p)) || seen.of(each.first) != each.second.counter;
    });
    if (!members_.acts_for_all(takes_writes) || settings_.broken == mutation::archive_never) return;
    for (const auto& id : seen.entries()) {
        if (id.replica == store_.self()) continue;
        const auto* const p = members_.find(id.replica);
        const mesh_clock::duration patience = settings_.liveness.archive_after;
        bool closed = false;
        if (p != nullptr && p->state == member_state::left && p->final <= id.counter) {
            closed = true;
        } else if (p == nullptr || is_gone(*p)) { // no member has heard of it either
            closed =
                at.now - quiet_.try_emplace(id.replica, silence{id.counter, at.now}).first->second.since >=
                patience;
        }
        if (!closed) continue;
        const bool stable = std::all_of(members_.begin(), members_.end(), [&](const auto& each) {
            return !holds_back(each.second) || each.second.holds.seen.of(id.replica) >= id.counter;
        });
        if (!stable) continue;
        publisher_.depend_on(id); // the event needs the origin's last event, and the cut no longer names it
        const bool for_good = (p != nullptr && has_left_with(*p, id.counter)) ||
                              settings_.broken == mutation::closed_by_silence;
        writer_.archive(id.replica, for_good, writer_.tick(at.wall_ms));
        out.note("archive", id.replica, id.counter);
        if (settings_.broken == mutation::i9_rewrite_origin) rewrite(id.replica, at.wall_ms);
    }
}

// Archived origins leave the reports. A report of more than is archived stays, since this node still has to
// ask for the rest; so does the report of this node's own events, if it was archived by mistake.
void stability::forget_archived() {
    for (auto& [who, p] : members_) {
        if (p.holds.seen.size() <= members_.size() + 8) continue;
        p.holds.seen.erase_if(
            [this](const dot& id) { return id.replica != store_.self() && store_.archived().has(id); });
    }
}

// A member that had not heard the goodbye archived the origin, and residues of it are left. A member that has
// heard the goodbye writes the event again, marked as final; newcomers learn it from the archive.
void stability::close_for_good(const moment& at, outbox& out) {
    if (store_.residues() == 0) return;
    for (const auto& [id, p] : members_) {
        const auto counter = store_.archived().of(id);
        if (counter == 0 || !has_left_with(p, counter) || store_.is_closed_for_good(id)) continue;
        if (store_.residues_of(id) == 0) continue;
        writer_.archive(id, true, writer_.tick(at.wall_ms));
        out.note("closes for good", id, counter);
    }
}

// The broken rule: the values of the archived origin go on under this node's own dots.
void stability::rewrite(const replica_id& origin, std::uint64_t wall_ms) {
    std::vector<std::pair<std::string, std::string>> values;
    std::vector<record_view> records;
    for (std::size_t shard = 0; shard < key_index::shards; ++shard) {
        std::vector<std::string> keys;
        store_.keys_of(shard, {}, keys);
        for (const auto& key : keys) {
            store_.siblings(key, records);
            for (const auto& each : records) {
                if (each.id.replica == origin) values.emplace_back(key, each.value);
            }
        }
    }
    for (const auto& [key, value] : values)
        writer_.put({value_type::reg, key, {}}, value, writer_.tick(wall_ms));
}

std::uint64_t stability::bytes_behind(const peer& p) const {
    return publisher_.sent().bytes_from(p.holds.seen.of(store_.self()) + 1, store_.counter_of(store_.self()));
}

void stability::judge_lag(bool is_full, instant now, outbox& out) {
    const auto own = store_.seen();
    const auto most = is_full ? 0 : settings_.limits.lag_max;
    for (auto& [id, p] : members_) {
        // A member whose session makes progress is catching up.
        const bool still = is_member(p) && !server_.is_moving(id, now, lag_patience);
        auto lag = still ? events_missing(p.holds.seen, own) : 0;
        const auto bytes = still ? bytes_behind(p) : 0;
        if (!is_member(p) || (lag <= most && bytes <= settings_.limits.lag_bytes_max)) {
            if (!server_.is_moving(id, now, lag_patience)) {
                p.lag.evicted = false;
                p.lag.kept_up = is_member(p);
            }
            p.lag.low = 0;
            continue;
        }
        if (lag <= settings_.limits.lag_max) lag = bytes;
        if (p.lag.low == 0 || lag < p.lag.low) {
            p.lag.low = lag;
            p.lag.since = now;
        } else if (!p.lag.evicted && now - p.lag.since >= lag_patience) {
            p.lag.evicted = true;
            p.lag.kept_up = false;
            ++evictions_;
            server_.leave_behind(id, out);
            out.note("left behind", id, lag);
        }
    }
}

bool stability::is_crowded() const {
    constexpr std::uint64_t look_every = 64, look_every_bytes = 1 << 20; // every write calls this
    const auto own = store_.counter_of(store_.self());
    const auto written = publisher_.sent().written();
    if (own - uncrowded_at_ < look_every && written - uncrowded_bytes_ < look_every_bytes) return false;
    const bool crowded =
        server_.is_overtaken() || std::any_of(members_.begin(), members_.end(), [&](const auto& each) {
            const auto& p = each.second;
            return p.lag.kept_up && is_member(p) && !p.holds.full &&
                   (own > p.holds.seen.of(store_.self()) + settings_.limits.lag_max ||
                    bytes_behind(p) > settings_.limits.lag_bytes_max);
        });
    if (!crowded) uncrowded_at_ = own, uncrowded_bytes_ = written;
    return crowded;
}

} // namespace baton::core
