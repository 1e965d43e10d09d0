// Claims: a register that one node owns. Ownership is in the record: an odd epoch says that the replica that
// wrote it has claimed the key, an even one that it is free; of concurrent records the higher epoch is read.
// So a claim ends by an event and by nothing else, and reading asks no membership.
#include "core/claiming.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr mesh_clock::duration ask_min = 1ms, ask_max = 250ms; // about claims that are not agreed to
slot_name register_of(std::string_view key) { return {value_type::reg, key, {}}; }
error claim_is_lost(std::string_view key) {
    std::string what(key);
    what += " is not claimed by this handle any more";
    return {errc::claim_lost, std::move(what)};
}
// One that leaves has given its claims up and makes no more; else it has to have seen the claim.
bool has_agreed(const peer& p, std::uint64_t counter, const store& here) {
    if (p.state == member_state::leaving && here.covers(p.holds.seen)) return true;
    return p.agreed.through() >= counter;
}
} // namespace

// ---------------------------------------------------------------- of this process

// Takes over the value that is read, whoever had it. The others stay beside it until they are committed over.
result<claim_grant> mesh::claim(const moment& at, std::string_view key,
                                std::optional<mesh_clock::duration> lease, bool if_free) {
    store_.set_now(at.now);
    const auto slot = register_of(key);
    if (const auto good = check_write(slot, 0); !good) return good.error();
    claiming ours{*this};
    ours.expire(at, key);
    store_.siblings(slot, found_);
    if (found_.empty()) return error{errc::absent, "\"" + std::string(key) + "\" is not here"};
    if (if_free && is_claim(found_.front().epoch) && !ours.has_nobody(found_.front().id.replica))
        return error{errc::conflict, "\"" + std::string(key) + "\" is owned already"};
    claim_grant grant;
    own_claim mine;
    std::uint64_t highest = 0;
    timestamp latest{};
    for (const auto& each : found_) {
        highest = std::max(highest, each.epoch);
        latest = std::max(latest, each.stamp);
        mine.shown.push_back(each.id);
        grant.shown.push_back({pickup_outcome::found,
                               std::string(each.value),
                               version{each.id},
                               found_.size() - 1,
                               {},
                               each.epoch});
    }
    const auto stamp = clock_.tick(at.wall_ms);
    mine.number = grant.number = ++claims_.last_number;
    // The longer history wins, not the faster clock.
    if (settings_.broken == mutation::claim_above_own_clock) latest = std::max(latest, stamp);
    mine.epoch = grant.epoch = claim_epoch(highest, latest);
    mine.at = at.now;
    mine.copies = found_.size() == 1 && ours.is_known_to_all(found_.front().id);
    const std::string value = grant.shown.front().value;
    ours.end(key, "claimed again by this node");
    if (const auto beaten = claims_.beaten.find(key); beaten != claims_.beaten.end())
        claims_.beaten.erase(beaten);
    mine.since =
        writer_.put_over(slot, value, mine.epoch, {&mine.shown.front(), 1}, stamp, store_.time_left(key))
            .counter;
    ++counters_.claims;
    mine.lease = lease;
    claims_.newest = mine.since;
    claims_.began = claims_.began || lease || !peers_.empty();
    auto& held = claims_.held[std::string(key)] = std::move(mine);
    ours.start_lease(at, key, held);
    return grant;
}

void mesh::claiming::start_lease(const moment& at, std::string_view key, own_claim& held) {
    if (!held.lease) return;
    m.claims_.leases.erase({held.until, std::string(key)});
    held.until = at.now + *held.lease;
    m.claims_.leases.emplace(held.until, key);
    m.wake_by(held.until);
}

// After a suspension a call may come before the timer that ends a lease: so every use looks at the time
// first.
own_claim* mesh::claiming::owned(const moment& at, std::string_view key, std::uint64_t number) {
    if (m.settings_.broken != mutation::lease_ignores_time) expire(at, key);
    const auto held = m.claims_.held.find(key);
    if (held == m.claims_.held.end() || held->second.number != number) return nullptr;
    return m.look_at_claim(key) ? &held->second : nullptr;
}

result<version> mesh::commit(const moment& at, std::string_view key, std::uint64_t number,
                             std::string_view value, std::optional<std::chrono::milliseconds> ttl) {
    store_.set_now(at.now);
    const auto slot = register_of(key);
    if (const auto good = check_write(slot, value.size()); !good) return good.error();
    if (const auto good = check_ttl(slot, ttl); !good) return good.error();
    claiming ours{*this};
    auto* const held = ours.owned(at, key, number);
    if (held == nullptr) return claim_is_lost(key);
    ++counters_.stashes;
    const version done{writer_.put_over(slot, value, held->epoch, held->shown, clock_.tick(at.wall_ms), ttl)};
    held->shown.clear();
    ours.start_lease(at, key, *held);
    return done;
}

result<void> mesh::renew(const moment& at, std::string_view key, std::uint64_t number) {
    store_.set_now(at.now);
    claiming ours{*this};
    auto* const held = ours.owned(at, key, number);
    if (held == nullptr) return claim_is_lost(key);
    ours.start_lease(at, key, *held);
    return {};
}

result<std::uint64_t> mesh::release(const moment& at, std::string_view key, std::uint64_t number) {
    store_.set_now(at.now);
    claiming ours{*this};
    auto* const held = ours.owned(at, key, number);
    if (held == nullptr) return claim_is_lost(key);
    const auto epoch = ours.give_up(at, key);
    ours.forget(key);
    return epoch;
}

bool mesh::owns(const moment& at, std::string_view key, std::uint64_t number) {
    store_.set_now(at.now);
    return claiming{*this}.owned(at, key, number) != nullptr;
}

// Somebody who cannot be reached may have claimed the same.
bool mesh::is_tentative() const {
    std::size_t in_view = 1;
    for (const auto& [id, p] : peers_) {
        if (p.state == member_state::suspect || (p.state == member_state::crashed && !p.replaced))
            return true;
        in_view += p.state == member_state::up || p.state == member_state::leaving ? 1 : 0;
    }
    return settings_.mesh_size != 0 && in_view * 2 <= settings_.mesh_size;
}

// Of one claim: each member in view has seen it, and what it held then is here; so what it claimed before is
// known, and what it claims later has seen this. Where another claim has the same epoch the later write is
// read, so it is that one that has to have been seen.
bool mesh::is_tentative(std::string_view key, std::uint64_t number) {
    if (is_tentative()) return true;
    const auto held = claims_.held.find(key);
    if (held == claims_.held.end() || held->second.number != number) return false;
    if (settings_.broken == mutation::claim_trusts_view) return false;
    auto counter = held->second.since;
    store_.siblings(register_of(key), found_);
    if (found_.size() > 1 && found_[0].epoch == found_[1].epoch && found_[0].id.replica == settings_.self)
        counter = found_[0].id.counter;
    return std::any_of(peers_.begin(), peers_.end(), [&](const auto& each) {
        return is_member(each.second) && !has_agreed(each.second, counter, store_);
    });
}

bool mesh::claiming::is_known_to_all(const dot& id) const {
    const auto& here = m.store_;
    return std::all_of(m.peers_.begin(), m.peers_.end(), [&](const auto& each) {
        const auto& [who, p] = each;
        if (!is_member(p)) return true;
        const bool has =
            p.holds.told.has(id) || (p.holds.archive == here.archive_digest() && here.archived().has(id));
        return has && here.counter_of(who) >= p.holds.told.of(who);
    });
}

// Every member is asked what it holds once it should have the claim: after the usual round trip, and then
// less and less often. Their heartbeats say the same, a little later.
void mesh::claiming::seek_agreement() {
    auto& c = m.claims_;
    bool agreed = true;
    if (!c.held.empty()) {
        for (auto& [id, p] : m.peers_) {
            if (!is_member(p)) continue;
            p.agreed.look(m.store_);
            agreed = agreed && has_agreed(p, c.newest, m.store_);
        }
    }
    const bool answered = std::all_of(m.peers_.begin(), m.peers_.end(), [&](const auto& each) {
        return !is_member(each.second) || each.second.proof.answer.number >= c.question;
    });
    if (c.question != 0 && (agreed || answered)) {
        m.proofs_.end_question(std::exchange(c.question, 0));
        c.ask_every = std::min(ask_max, 2 * c.ask_every);
        c.ask_at = m.at_.now + c.ask_every;
    }
    if (agreed) {
        c.ask_at = {};
    } else if (c.question == 0) {
        if (c.ask_at == instant{}) {
            c.ask_every = std::clamp(m.proofs_.round_trip(), ask_min, ask_max);
            c.ask_at = m.at_.now + c.ask_every;
        }
        if (m.at_.now >= c.ask_at) {
            c.question = m.begin_question(m.at_);
        } else {
            m.wake_by(c.ask_at);
        }
    }
}

// ---------------------------------------------------------------- how they end

// A claim that nothing was written by, and that a member may not know of, has been nobody's: its epoch falls
// back to what it was made over, so that it takes nothing away from one who claimed at the same time.
std::uint64_t mesh::claiming::give_up(const moment& at, std::string_view key) {
    const auto& held = m.claims_.held.find(key)->second;
    const bool unused = m.store_.read(register_of(key))->id.counter == held.since;
    const bool withdraws =
        unused && m.settings_.broken != mutation::withdraw_above && m.is_tentative(key, held.number);
    const auto epoch = withdraws ? unclaimed_epoch(held.epoch) : release_epoch(held.epoch);
    write_free(at, key, epoch);
    return epoch;
}

void mesh::claiming::write_free(const moment& at, std::string_view key, std::uint64_t epoch) {
    const auto slot = register_of(key);
    const auto winner = *m.store_.read(slot);
    const std::string value(winner.value);
    const auto taken = winner.id;
    const bool withdraws = epoch < winner.epoch && epoch != release_epoch(winner.epoch);
    auto stamp = m.clock_.tick(at.wall_ms);
    // What is withdrawn has been told to a program: the next claim is above it, whosever clock is behind.
    if (withdraws) stamp = std::max(stamp, timestamp{winner.epoch});
    const auto written = m.writer_.put_over(slot, value, epoch, {&taken, 1}, stamp, m.store_.time_left(key));
    m.claims_.given.push_back({taken, written.counter, withdraws});
}

void mesh::tell_given_up(outbox& out) {
    for (const auto& each : claims_.given)
        out.note(each.withdrawn ? "withdraws" : "releases", each.claimed.replica, each.claimed.counter,
                 each.counter);
    claims_.given.clear();
}

void mesh::claiming::forget(std::string_view key) {
    const auto at = m.claims_.held.find(key);
    if (at == m.claims_.held.end()) return;
    if (at->second.lease) m.claims_.leases.erase({at->second.until, at->first});
    m.claims_.held.erase(at);
}

void mesh::claiming::end(std::string_view key, std::string reason) {
    auto& c = m.claims_;
    if (c.held.find(key) == c.held.end()) return;
    const auto now = m.store_.read(register_of(key));
    ++m.counters_.claims_lost;
    if (c.lost.size() < m.settings_.bounds.lost_claims)
        c.lost.push_back({std::string(key), now ? now->id.replica : replica_id{}, std::move(reason)});
    forget(key);
}

// False, and the claim is over, when the value that is read is not the one that was claimed here.
bool mesh::look_at_claim(std::string_view key) {
    const auto at = claims_.held.find(key);
    if (at == claims_.held.end()) return false;
    const auto& held = at->second;
    const auto now = store_.read(register_of(key));
    if (now && now->id.replica == settings_.self && now->epoch == held.epoch) return true;
    std::string reason = "dropped";
    if (now) {
        reason = is_claim(now->epoch) ? "claimed by another" : "released by another";
        claims_.beaten.insert_or_assign(std::string(key), beaten_claim{held.since, held.at, held.copies});
    }
    claiming{*this}.end(key, std::move(reason));
    return false;
}

// Every claim of this node that is held; at most `most` of them. True while some are left.
bool mesh::release_claims(const moment& at, std::size_t most, outbox& out) {
    claiming ours{*this};
    for (; most != 0 && !claims_.held.empty(); --most) {
        const std::string key = claims_.held.begin()->first;
        if (look_at_claim(key)) ours.give_up(at, key);
        ours.forget(key);
    }
    tell_given_up(out);
    return !claims_.held.empty();
}

// With every slice of work: what has been taken away is told.
bool mesh::work_on_claims(bool wrote, bool busy, outbox& out) {
    if (store_.take_disowned(claims_.disowned)) {
        std::vector<std::string> all; // more than were kept
        for (const auto& [key, held] : claims_.held) all.push_back(key);
        claims_.disowned.swap(all);
    }
    for (const auto& key : claims_.disowned) (void)look_at_claim(key);
    claims_.began = false;
    for (auto& each : claims_.lost) {
        peers_.raise(out, event_kind::claim_lost, each.to, std::move(each.reason));
        out.events.back().key = std::move(each.key);
    }
    claims_.lost.clear();
    claiming ours{*this};
    ours.seek_agreement();
    const auto slice = settings_.bounds.slice;
    const auto slice_while_busy = (slice + 3) / 4;
    const bool more = ours.work(wrote ? 0 : busy ? slice_while_busy : slice); // a slice writes to a slot once
    tell_given_up(out);
    return more;
}

void mesh::claiming::expire(const moment& at, std::string_view key) {
    const auto held = m.claims_.held.find(key);
    if (held == m.claims_.held.end() || !held->second.lease || at.now < held->second.until) return;
    if (!m.look_at_claim(key)) return;
    if (!m.leaving_) give_up(at, key);
    end(key, "its lease is over");
}

// With the timers.
void mesh::tend_claims(outbox& out) {
    claiming ours{*this};
    while (!claims_.leases.empty() && claims_.leases.begin()->first <= at_.now) {
        const auto key = claims_.leases.begin()->second;
        ours.expire(at_, key);
    }
    if (!claims_.leases.empty()) wake_by(claims_.leases.begin()->first);
    ours.seek_agreement();
    tell_given_up(out);
}

} // namespace baton::core
