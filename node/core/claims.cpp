#include "core/claims.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
// Between questions about claims that are not agreed yet.
constexpr mesh_clock::duration ask_min = 1ms, ask_max = 250ms;
error claim_is_lost(std::string_view key) {
    std::string what(key);
    what += " is not claimed by this handle any more";
    return {errc::claim_lost, std::move(what)};
}
// A leaving member has given up its claims and makes no more, so it agrees once everything it holds is here.
// Any other member agrees once it has seen the claim.
bool has_agreed(const peer& p, std::uint64_t counter, const store& here) {
    if (p.state == member_state::leaving && here.covers(p.holds.seen)) return true;
    return p.agreed.through() >= counter;
}
} // namespace

// ---------------------------------------------------------------- of this process

claims::claims(const mesh_options& settings, store& here, writer& write, membership& members, proofs& asked,
               courier& mail)
    : settings_(settings)
    , patience_{settings.liveness.suspect_after, settings.liveness.crashed_after,
                settings.liveness.closed_after}
    , store_(here)
    , writer_(write)
    , members_(members)
    , proofs_(asked)
    , mail_(mail) {}

result<claim_grant> claims::claim(const moment& at, std::string_view key, const claim_terms& how) {
    store_.set_now(at.now);
    const auto slot = register_of(key);
    expire(at, key);
    store_.siblings(slot, found_);
    if (found_.empty()) return error{errc::absent, "\"" + std::string(key) + "\" is absent on this node"};
    if (how.if_free && is_claim(found_.front().epoch) && !has_nobody(found_.front().id.replica))
        return error{errc::conflict, "\"" + std::string(key) + "\" already has an owner"};
    const auto present = found_.front().epoch;
    if (how.if_epoch && present != *how.if_epoch && present != *how.if_epoch + 1)
        return error{errc::conflict, "\"" + std::string(key) + "\" has the epoch " + std::to_string(present) +
                                         ", not " + std::to_string(*how.if_epoch) + " or the next one"};
    claim_grant grant;
    own_claim mine;
    std::uint64_t highest = 0;
    timestamp latest{};
    for (const auto& each : found_) {
        highest = std::max(highest, each.epoch);
        latest = std::max(latest, each.stamp);
        mine.shown.push_back(each.id);
        const auto epoch = each.epoch != 0 ? std::optional(owner_epoch{each.epoch}) : std::nullopt;
        grant.shown.push_back({std::string(each.value), version{each.id}, found_.size() - 1, epoch});
    }
    const auto stamp = writer_.tick(at.wall_ms);
    mine.number = grant.number = ++book_.last_number;
    // The epoch follows the record, not the clock: the longer history wins.
    if (settings_.broken == mutation::claim_above_own_clock) latest = std::max(latest, stamp);
    mine.epoch = grant.epoch = claim_epoch(highest, latest);
    mine.at = at.now;
    mine.copies = found_.size() == 1 && is_known_to_all(found_.front().id);
    const std::string value = grant.shown.front().value;
    end(key, "claimed again by this node");
    if (const auto beaten = book_.beaten.find(key); beaten != book_.beaten.end()) book_.beaten.erase(beaten);
    mine.since =
        writer_.put_over(slot, value, mine.epoch, {&mine.shown.front(), 1}, stamp, store_.time_left(key))
            .counter;
    ++counts_.made;
    mine.lease = how.lease;
    book_.newest = mine.since;
    book_.began = book_.began || how.lease || !members_.empty();
    auto& held = book_.held[std::string(key)] = std::move(mine);
    start_lease(at, key, held);
    return grant;
}

void claims::start_lease(const moment& at, std::string_view key, own_claim& held) {
    if (!held.lease) return;
    book_.leases.erase({held.until, std::string(key)});
    held.until = at.now + *held.lease;
    book_.leases.emplace(held.until, key);
}

// After a suspension a call may come before the timer that ends the lease, so every use checks the time
// first.
own_claim* claims::owned(const moment& at, std::string_view key, std::uint64_t number) {
    if (settings_.broken != mutation::lease_ignores_time) expire(at, key);
    const auto held = book_.held.find(key);
    if (held == book_.held.end() || held->second.number != number) return nullptr;
    return look_at(key) ? &held->second : nullptr;
}

result<version> claims::commit(const moment& at, std::string_view key, std::uint64_t number,
                               std::string_view value, std::optional<std::chrono::milliseconds> ttl) {
    store_.set_now(at.now);
    auto* const held = owned(at, key, number);
    if (held == nullptr) return claim_is_lost(key);
    const version done{
        writer_.put_over(register_of(key), value, held->epoch, held->shown, writer_.tick(at.wall_ms), ttl)};
    held->shown.clear();
    start_lease(at, key, *held);
    return done;
}

result<void> claims::renew(const moment& at, std::string_view key, std::uint64_t number) {
    store_.set_now(at.now);
    auto* const held = owned(at, key, number);
    if (held == nullptr) return claim_is_lost(key);
    start_lease(at, key, *held);
    return {};
}

result<std::uint64_t> claims::release(const moment& at, std::string_view key, std::uint64_t number) {
    store_.set_now(at.now);
    auto* const held = owned(at, key, number);
    if (held == nullptr) return claim_is_lost(key);
    const auto epoch = give_up(at, key);
    forget(key);
    return epoch;
}

bool claims::owns(const moment& at, std::string_view key, std::uint64_t number) {
    store_.set_now(at.now);
    return owned(at, key, number) != nullptr;
}

bool claims::is_tentative() const {
    std::size_t in_view = 1;
    for (const auto& [id, p] : members_) {
        if (p.state == member_state::suspect || (p.state == member_state::crashed && !p.replaced))
            return true;
        in_view += p.state == member_state::up || p.state == member_state::leaving ? 1 : 0;
    }
    return settings_.mesh_size != 0 && in_view * 2 <= settings_.mesh_size;
}

// A claim is not tentative if each member in view has seen it, and everything that the member held then is
// applied here. Then the earlier claims of the member are known here, and its later ones have seen this
// claim. Of two claims with the same epoch the later write is read, so the members have to have seen that
// write.
bool claims::is_tentative(std::string_view key, std::uint64_t number) {
    if (is_tentative()) return true;
    const auto held = book_.held.find(key);
    if (held == book_.held.end() || held->second.number != number) return false;
    if (settings_.broken == mutation::claim_trusts_view) return false;
    auto counter = held->second.since;
    store_.siblings(register_of(key), found_);
    if (found_.size() > 1 && found_[0].epoch == found_[1].epoch && found_[0].id.replica == settings_.self)
        counter = found_[0].id.counter;
    return std::any_of(members_.begin(), members_.end(), [&](const auto& each) {
        return is_member(each.second) && !has_agreed(each.second, counter, store_);
    });
}

bool claims::is_known_to_all(const dot& id) const {
    const auto& here = store_;
    return std::all_of(members_.begin(), members_.end(), [&](const auto& each) {
        const auto& [who, p] = each;
        if (!is_member(p)) return true;
        const bool has =
            p.holds.told.has(id) || (p.holds.archive == here.archive_digest() && here.archived().has(id));
        return has && here.counter_of(who) >= p.holds.told.of(who);
    });
}

// Asks every member what it holds once it should have the claim: after the usual round trip, then less and
// less often. Heartbeats report the same a little later.
void claims::seek_agreement() {
    auto& c = book_;
    bool agreed = true;
    if (!c.held.empty()) {
        for (auto& [id, p] : members_) {
            if (!is_member(p)) continue;
            p.agreed.look(store_);
            agreed = agreed && has_agreed(p, c.newest, store_);
        }
    }
    const bool answered = std::all_of(members_.begin(), members_.end(), [&](const auto& each) {
        return !is_member(each.second) || each.second.proof.answer.number >= c.question;
    });
    if (c.question != 0 && (agreed || answered)) {
        proofs_.end_question(std::exchange(c.question, 0));
        c.ask_every = std::min(ask_max, 2 * c.ask_every);
        c.ask_at = at_.now + c.ask_every;
    }
    if (agreed) {
        c.ask_at = {};
    } else if (c.question == 0) {
        if (c.ask_at == instant{}) {
            c.ask_every = std::clamp(proofs_.round_trip(), ask_min, ask_max);
            c.ask_at = at_.now + c.ask_every;
        }
        if (at_.now >= c.ask_at) c.question = proofs_.begin_question(at_.now);
    }
}

// ---------------------------------------------------------------- how they end

// If nothing was written under the claim and a member may not know of it, its epoch falls back to the one
// below it. So the release does not take the key from a node that claimed at the same time.
std::uint64_t claims::give_up(const moment& at, std::string_view key) {
    const auto& held = book_.held.find(key)->second;
    const bool unused = store_.read(register_of(key))->id.counter == held.since;
    const bool withdraws =
        unused && settings_.broken != mutation::withdraw_above && is_tentative(key, held.number);
    const auto epoch = withdraws ? unclaimed_epoch(held.epoch) : release_epoch(held.epoch);
    write_free(at, key, epoch);
    return epoch;
}

void claims::write_free(const moment& at, std::string_view key, std::uint64_t epoch) {
    const auto slot = register_of(key);
    const auto winner = *store_.read(slot);
    const std::string value(winner.value);
    const auto taken = winner.id;
    const bool withdraws = epoch < winner.epoch && epoch != release_epoch(winner.epoch);
    auto stamp = writer_.tick(at.wall_ms);
    // A program has seen the epoch that is withdrawn. The stamp makes the next claim higher, even on a node
    // whose clock is behind.
    if (withdraws) stamp = std::max(stamp, timestamp{winner.epoch});
    const auto written = writer_.put_over(slot, value, epoch, {&taken, 1}, stamp, store_.time_left(key));
    book_.given.push_back({taken, written.counter, withdraws});
}

void claims::report_given_up(outbox& out) {
    for (const auto& each : book_.given)
        out.note(each.withdrawn ? "withdraws" : "releases", each.claimed.replica, each.claimed.counter,
                 each.counter);
    book_.given.clear();
}

void claims::forget(std::string_view key) {
    const auto at = book_.held.find(key);
    if (at == book_.held.end()) return;
    if (at->second.lease) book_.leases.erase({at->second.until, at->first});
    book_.held.erase(at);
}

void claims::end(std::string_view key, std::string reason) {
    auto& c = book_;
    if (c.held.find(key) == c.held.end()) return;
    const auto now = store_.read(register_of(key));
    ++counts_.lost;
    if (c.lost.size() < settings_.bounds.lost_claims)
        c.lost.push_back({std::string(key), now ? now->id.replica : replica_id{}, std::move(reason)});
    forget(key);
}

bool claims::look_at(std::string_view key) {
    const auto at = book_.held.find(key);
    if (at == book_.held.end()) return false;
    const auto& held = at->second;
    const auto now = store_.read(register_of(key));
    if (now && now->id.replica == settings_.self && now->epoch == held.epoch) return true;
    std::string reason = "dropped";
    if (now) {
        reason = is_claim(now->epoch) ? "claimed by another" : "released by another";
        book_.beaten.insert_or_assign(std::string(key), beaten_claim{held.since, held.at, held.copies});
    }
    end(key, std::move(reason));
    return false;
}

bool claims::release_some(const moment& at, std::size_t most, outbox& out) {
    for (; most != 0 && !book_.held.empty(); --most) {
        const std::string key = book_.held.begin()->first;
        if (look_at(key)) give_up(at, key);
        forget(key);
    }
    report_given_up(out);
    return !book_.held.empty();
}

bool claims::work(std::size_t steps, bool may_write, outbox& out) {
    if (store_.take_disowned(book_.disowned)) {
        std::vector<std::string> all; // the store could not list them all
        for (const auto& [key, held] : book_.held) all.push_back(key);
        book_.disowned.swap(all);
    }
    for (const auto& key : book_.disowned) (void)look_at(key);
    book_.began = false;
    for (auto& each : book_.lost) {
        members_.raise(out, event_kind::claim_lost, each.to, std::move(each.reason));
        out.events.back().key = std::move(each.key);
    }
    book_.lost.clear();
    seek_agreement();
    const bool more = work_on_gone(steps, may_write);
    report_given_up(out);
    return more;
}

void claims::expire(const moment& at, std::string_view key) {
    const auto held = book_.held.find(key);
    if (held == book_.held.end() || !held->second.lease || at.now < held->second.until) return;
    if (!look_at(key)) return;
    if (!frozen_) give_up(at, key);
    end(key, "its lease is over");
}

void claims::tend(outbox& out) {
    while (!book_.leases.empty() && book_.leases.begin()->first <= at_.now) {
        const auto key = book_.leases.begin()->second;
        expire(at_, key);
    }
    seek_agreement();
    report_given_up(out);
}

instant claims::deadline() const {
    auto first = book_.leases.empty() ? instant::max() : book_.leases.begin()->first;
    const bool asks_later = book_.question == 0 && book_.ask_at != instant{};
    if (asks_later) first = std::min(first, book_.ask_at);
    return first;
}

void claims::heard(const replica_id& owner, instant when) {
    const auto gone = book_.releases.gone.find(owner);
    if (gone == book_.releases.gone.end()) return;
    auto& heard_at = gone->second.heard_at;
    heard_at = std::max(when, heard_at.value_or(when));
}

} // namespace baton::core
