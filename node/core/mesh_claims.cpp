// Claims: a register that one node owns. Ownership is in the record: an odd epoch says that the replica that
// wrote it has claimed the key, an even one that it is free; of concurrent records the higher epoch is read.
// So a claim ends by an event and by nothing else, and reading asks no membership.
#include "core/jobs.hpp"
#include "core/mesh.hpp"

#include <algorithm>

namespace baton::core {

namespace {
slot_name register_of(std::string_view key) { return {value_type::reg, key, {}}; }
error claim_is_lost(std::string_view key) {
    std::string what(key);
    what += " is not claimed by this handle any more";
    return {errc::claim_lost, std::move(what)};
}
} // namespace

// ---------------------------------------------------------------- of this process

// Takes over the value that is read, whoever had it. The others stay beside it until they are committed over.
result<claim_grant> mesh::claim(const moment& at, std::string_view key,
                                std::optional<mesh_clock::duration> lease, bool if_free) {
    store_.set_now(at.now);
    const auto slot = register_of(key);
    if (const auto good = check_write(slot, 0); !good) return good.error();
    store_.siblings(slot, found_);
    if (found_.empty()) return error{errc::absent, "\"" + std::string(key) + "\" is not here"};
    if (if_free && is_claim(found_.front().epoch))
        return error{errc::conflict, "\"" + std::string(key) + "\" is owned already"};
    claim_grant grant;
    own_claim mine;
    std::uint64_t highest = 0;
    for (const auto& each : found_) {
        highest = std::max(highest, each.epoch);
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
    mine.epoch = grant.epoch = claim_epoch(highest, stamp);
    const std::string value = grant.shown.front().value;
    end_claim(key, "claimed again by this node");
    publish(store_.put_over(slot, value, mine.epoch, {&mine.shown.front(), 1}, stamp, buffers_,
                            store_.time_left(key)));
    ++counters_.claims;
    mine.lease = lease;
    auto& held = claims_.held[std::string(key)] = std::move(mine);
    start_lease(at, key, held);
    claims_.lease_began = lease.has_value();
    return grant;
}

void mesh::start_lease(const moment& at, std::string_view key, own_claim& held) {
    if (!held.lease) return;
    claims_.leases.erase({held.until, std::string(key)});
    held.until = at.now + *held.lease;
    claims_.leases.emplace(held.until, key);
    wake_by(held.until);
}

// Null when it has been lost, which is found out here at the latest.
own_claim* mesh::owned(std::string_view key, std::uint64_t number) {
    const auto at = claims_.held.find(key);
    if (at == claims_.held.end() || at->second.number != number) return nullptr;
    return look_at_claim(key) ? &at->second : nullptr;
}

result<version> mesh::commit(const moment& at, std::string_view key, std::uint64_t number,
                             std::string_view value, std::optional<std::chrono::milliseconds> ttl) {
    store_.set_now(at.now);
    const auto slot = register_of(key);
    if (const auto good = check_write(slot, value.size()); !good) return good.error();
    if (const auto good = check_ttl(slot, ttl); !good) return good.error();
    auto* const held = owned(key, number);
    if (held == nullptr) return claim_is_lost(key);
    ++counters_.stashes;
    const auto done = publish(
        store_.put_over(slot, value, held->epoch, held->shown, clock_.tick(at.wall_ms), buffers_, ttl));
    held->shown.clear();
    start_lease(at, key, *held);
    return done;
}

result<void> mesh::renew(const moment& at, std::string_view key, std::uint64_t number) {
    store_.set_now(at.now);
    auto* const held = owned(key, number);
    if (held == nullptr) return claim_is_lost(key);
    start_lease(at, key, *held);
    return {};
}

result<std::uint64_t> mesh::release(const moment& at, std::string_view key, std::uint64_t number) {
    store_.set_now(at.now);
    auto* const held = owned(key, number);
    if (held == nullptr) return claim_is_lost(key);
    const auto epoch = release_epoch(held->epoch);
    write_release(at, key);
    forget_claim(key);
    return epoch;
}

bool mesh::owns(std::string_view key, std::uint64_t number) { return owned(key, number) != nullptr; }

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

// ---------------------------------------------------------------- how they end

// The value that is read goes on, free. It is this node's own, or one whose owner is gone.
version mesh::write_release(const moment& at, std::string_view key) {
    const auto slot = register_of(key);
    const auto winner = *store_.read(slot);
    const std::string value(winner.value);
    const auto taken = winner.id;
    return publish(store_.put_over(slot, value, release_epoch(winner.epoch), {&taken, 1},
                                   clock_.tick(at.wall_ms), buffers_, store_.time_left(key)));
}

void mesh::forget_claim(std::string_view key) {
    const auto at = claims_.held.find(key);
    if (at == claims_.held.end()) return;
    if (at->second.lease) claims_.leases.erase({at->second.until, at->first});
    claims_.held.erase(at);
}

void mesh::end_claim(std::string_view key, std::string reason) {
    if (claims_.held.find(key) == claims_.held.end()) return;
    const auto now = store_.read(register_of(key));
    ++counters_.claims_lost;
    if (claims_.lost.size() < settings_.bounds.lost_claims)
        claims_.lost.push_back({std::string(key), now ? now->id.replica : replica_id{}, std::move(reason)});
    forget_claim(key);
}

// False, and the claim is over, when the value that is read is not the one that was claimed here.
bool mesh::look_at_claim(std::string_view key) {
    const auto at = claims_.held.find(key);
    if (at == claims_.held.end()) return false;
    const auto now = store_.read(register_of(key));
    if (now && now->id.replica == settings_.self && now->epoch == at->second.epoch) return true;
    std::string reason = "dropped";
    if (now) reason = is_claim(now->epoch) ? "claimed by another" : "released by another";
    end_claim(key, std::move(reason));
    return false;
}

// Every claim of this node that is held; at most `most` of them. True while some are left.
bool mesh::release_claims(const moment& at, std::size_t most, outbox& out) {
    for (; most != 0 && !claims_.held.empty(); --most) {
        const std::string key = claims_.held.begin()->first;
        if (look_at_claim(key)) {
            write_release(at, key);
            note(out, "releases", settings_.self, 0, store_.counter_of(settings_.self));
        }
        forget_claim(key);
    }
    return !claims_.held.empty();
}

// With every slice of work: what has been taken away is told.
void mesh::work_on_claims(outbox& out) {
    if (store_.take_disowned(claims_.disowned)) {
        std::vector<std::string> all; // more than were kept
        for (const auto& [key, held] : claims_.held) all.push_back(key);
        claims_.disowned.swap(all);
    }
    for (const auto& key : claims_.disowned) (void)look_at_claim(key);
    claims_.lease_began = false;
    for (auto& each : claims_.lost) {
        raise(out, event_kind::claim_lost, each.to, std::move(each.reason));
        out.events.back().key = std::move(each.key);
    }
    claims_.lost.clear();
}

void mesh::run_leases(outbox& out) {
    while (!claims_.leases.empty() && claims_.leases.begin()->first <= at_.now) {
        const auto key = claims_.leases.begin()->second;
        if (look_at_claim(key) && !leaving_) {
            write_release(at_, key);
            note(out, "releases", settings_.self, 0, store_.counter_of(settings_.self));
            end_claim(key, "its lease is over");
        }
        forget_claim(key);
    }
    if (!claims_.leases.empty()) wake_by(claims_.leases.begin()->first);
}

// ---------------------------------------------------------------- owners that are gone

// Left, crashed, or never met and silent for as long as it takes to close an origin. One that is merely
// suspect goes on owning.
bool mesh::is_gone_for_good(const replica_id& owner) {
    if (const auto* const p = find(owner)) {
        claims_.unknown_since.erase(owner);
        return is_gone(*p);
    }
    if (store_.archived().of(owner) != 0) return true;
    const auto since = claims_.unknown_since.try_emplace(owner, at_.now).first->second;
    return at_.now - since >= settings_.liveness.archive_after;
}

// With every heartbeat.
void mesh::release_for_gone(outbox& out) {
    if (leaving_ || full_ || store_.folding()) return;
    std::size_t left = settings_.bounds.releases_a_beat;
    for (const auto& owner : store_.claimants()) {
        const bool self = owner == settings_.self;
        if (!self && !is_gone_for_good(owner)) continue;
        auto& after = claims_.looked_to[owner];
        while (left != 0 && (after = store_.next_claim(owner, after)) != 0) {
            --left;
            release_if_ours_to({owner, after}, out);
        }
    }
    if (left == settings_.bounds.releases_a_beat) claims_.looked_to.clear();
}

// The member with the smallest id writes it, of those that have no value of their own there: theirs would go
// with it. Where everybody has one the claim stays, until somebody claims, resolves or drops the key.
void mesh::release_if_ours_to(const dot& claimed, outbox& out) {
    const std::string key(store_.slot_at(claimed).key);
    const auto slot = register_of(key);
    store_.siblings(slot, found_);
    if (found_.empty() || found_.front().id != claimed) return; // it is not read: nobody owns by it
    if (claimed.replica == settings_.self) {
        if (claims_.held.contains(key)) return; // else a claim that was lost is read again
    } else {
        const auto has_own = [&](const replica_id& id) {
            return std::any_of(found_.begin(), found_.end(),
                               [&](const record_view& r) { return r.id.replica == id; });
        };
        if (has_own(settings_.self)) return;
        for (const auto& [id, p] : peers_) {
            if (p.state == member_state::up && !p.full && id < settings_.self && !has_own(id)) return;
        }
    }
    write_release(at_, key);
    note(out, "releases", claimed.replica, claimed.counter, store_.counter_of(settings_.self));
}

} // namespace baton::core
