// Claims: when a key is free, the question before a claim, confirmation, stepping back.
#include "model.hpp"

#include <algorithm>

namespace serving {

void member::step() {
    if (left || !alive || suspended) return;
    for (auto& q : p) {
        if (in_view(q.is) && !q.synced && q.joined) q.synced = covers(q.at_join);
    }
    for (int key = 0; key < w.keys; ++key) {
        auto& k = keys[key];
        const auto* r = read(key);
        if (k.claimed && !(r != nullptr && r->id.who == self && r->epoch == k.claimed->epoch)) {
            drop_claim(key);
            ++w.counts["beaten"];
        }
        const auto running = k.running;
        if (!running || running->now != run::phase::running) continue;
        if (lingers(key)) {
            running->now = run::phase::losing;
            ++w.counts["lost"];
            w.at(w.between(1, 80), [this, key, running] { ended(key, running); });
        } else {
            told(key, running);
        }
    }
    answer();
    for (int key = 0; key < w.keys; ++key) step(key);
}

// It runs, and the store says that the key is not its own.
bool member::lingers(int key) {
    const auto& running = keys[key].running;
    if (!running) return false;
    const auto* r = read(key);
    return r == nullptr || r->id.who != self || r->epoch != running->epoch;
}

// Owners that may still run on a lease that this member has renewed.
mask member::not_excluded(int asker, int key, int owner) {
    mask some = 0;
    if (!w.pause || w.is(mutation::lease_unguarded)) return some;
    for (int x = 0; x < members_max; ++x) {
        if (x == asker || x == self || w.now - granted[x] > vote_wait) continue;
        if (p[x].is == state::left || p[x].proven || has(dead, x)) continue;
        if (w.is(mutation::lease_by_owner_named) ? owner == x : keys[key].claims[x]) some |= bit(x);
    }
    return some;
}

// A process that has just started does not know which leases its predecessor has renewed.
bool member::votes() const {
    return w.now - born >= vote_wait || born <= w.first_vote || w.is(mutation::newborn_votes);
}

// Each of them has answered for itself, or is dead.
bool member::is_resolved(mask held, int key, int asked_at) const {
    for (int x = 0; x < members_max; ++x) {
        if (!has(held, x) || x == self) continue;
        if (p[x].is == state::left || p[x].proven || has(dead, x)) continue;
        if (p[x].is == state::none || p[x].answered[key] < asked_at) return false;
    }
    return true;
}

void member::answer() {
    for (auto at = asked.begin(); at != asked.end();) {
        const int from = at->first.first;
        const auto& m = at->second;
        auto& q = p[from];
        if (q.is == state::none) {
            at = asked.erase(at);
            continue;
        }
        const bool applied = covers(m.needs), excused = drained || (full && !w.is(mutation::full_waits));
        if (!applied && !excused && !w.is(mutation::answers_unapplied)) {
            if (w.now >= q.pull_at) pull(from);
            ++at;
            continue;
        }
        if (m.id.no != 0) { // a claim
            const auto& running = keys[m.key].running;
            bool runs = lingers(m.key);
            if (!applied && running) { // full: it sees no claim but the one it is asked about
                runs = !w.is(mutation::full_answers_running);
                if (running->epoch < m.epoch && running->now == run::phase::running && !drained &&
                    !w.is(mutation::full_runs_on)) {
                    const auto r = running;
                    r->now = run::phase::losing;
                    const int key = m.key;
                    w.at(w.between(1, 80), [this, key, r] { ended(key, r); });
                }
            }
            if (runs && !w.is(mutation::answers_while_running)) {
                ++at;
                continue;
            }
        }
        message reply(message::kind::ack);
        reply.question = m.question;
        reply.key = m.key;
        reply.at = seen;
        reply.view = members();
        reply.missing = missing() | heirs();
        reply.dead = m.id.no != 0 ? not_excluded(from, m.key, m.owner) : 0;
        // Who has not applied the claim does not order it among others.
        reply.votes = votes() && (applied || w.is(mutation::unapplied_votes));
        at = asked.erase(at);
        w.send(self, from, reply, false);
    }
}

void member::ask(int key) {
    const auto& k = keys[key];
    message m(message::kind::ask);
    m.key = key;
    if (k.claimed) {
        m.question = k.claimed->question;
        m.id = k.claimed->id;
        m.epoch = k.claimed->epoch;
        m.owner = k.claimed->owner;
    } else if (k.question != 0) {
        m.question = k.question;
    } else if (k.running) {
        m.question = k.running->question;
        m.id = k.running->claim;
        m.epoch = k.running->epoch;
    }
    if (m.id.no != 0) m.needs[self] = m.id.no;
    const auto whom = members();
    for (int j = 0; j < members_max; ++j) {
        if (has(whom, j) && p[j].answered[key] >= m.question && p[j].votes &&
            is_resolved(p[j].held[key], key, m.question))
            m.view |= bit(j);
    }
    for (int j = 0; j < members_max; ++j) {
        if (has(whom, j) && !has(m.view, j)) w.send(self, j, m, false);
    }
}

bool member::owner_is_gone(int key, const record& r) {
    const int owner = r.id.who;
    auto& q = p[owner];
    if (!is_claim(r.epoch) || owner == self || !gone(owner)) return false;
    if (!w.is(mutation::gone_by_me_alone)) {
        for (const auto& x : p) {
            if (x.is == state::up && has(x.view, owner)) return false;
        }
    }
    // What a leaver wrote last may not be here yet.
    if (q.is == state::left && seen[owner] < q.final && !w.is(mutation::final_ignored) &&
        w.now - q.left_at < crashed_after)
        return false;
    (void)key;
    return true;
}

// Asks all what they have of an owner that is gone, and applies what the answers name.
bool member::has_asked(int key, const record& r) {
    auto& k = keys[key];
    if (w.is(mutation::claims_unasked)) return true;
    if (k.question == 0 || k.question_of != r.id.who) {
        k.question = ++question;
        k.question_of = r.id.who;
        ask(key);
    }
    const auto view = inview();
    for (int j = 0; j < members_max; ++j) {
        if (!has(view, j)) continue;
        if (p[j].answered[key] < k.question) return false;
        if (!covers(p[j].answer) && !w.is(mutation::named_unapplied)) return false;
    }
    return true;
}

void member::step(int key) {
    auto& k = keys[key];
    const auto* r = read(key);
    // A claim of this member that it does not hold any more is read again.
    if (r != nullptr && is_claim(r->epoch) && r->id.who == self && !k.claimed && !k.running && !drained) {
        give_up(key);
        r = read(key);
    }
    const bool gone_owner = r != nullptr && owner_is_gone(key, *r);
    const int tries = r == nullptr ? 0 : w.is(mutation::attempts_local) ? k.tries : r->tries;
    const bool stuck = tries >= attempts_max && !w.is(mutation::attempts_uncounted);
    const bool is_free = r != nullptr && (!is_claim(r->epoch) || gone_owner) && !stuck;
    if (!is_free) k.free_since = -1;
    if (is_free && k.free_since < 0) k.free_since = w.now;
    if (!is_free || !accepts() || !in_charge(key)) {
        if (!k.claimed) k.question = 0;
    } else if (!k.claimed && !k.running) {
        int starting = 0;
        for (const auto& each : keys)
            starting += each.claimed || (each.running && !each.running->ready) ? 1 : 0;
        if (starting >= starts_max && !w.is(mutation::starts_unpaced)) return;
        if (gone_owner && !has_asked(key, *r)) return;
        k.question = 0;
        make_claim(key);
    }
    if (k.claimed && w.now - k.claimed->at > confirm_within && !w.is(mutation::never_steps_back)) {
        k.back_until = w.now + k.backs_off;
        k.backs_off = std::min(2 * k.backs_off, 4 * back_off);
        drop_claim(key);
        ++w.counts["stepped back"];
        return;
    }
    if (!k.claimed || k.running || !confirmed(key)) return;
    // Another claim of the same epoch was made at the same time: both would have the same fencing token.
    const auto own = k.claimed->id;
    if (!w.is(mutation::starts_on_tie) &&
        std::any_of(k.records.begin(), k.records.end(),
                    [&](const record& each) { return each.id != own && each.epoch >= k.claimed->epoch; }))
        return make_claim(key);
    start(key);
}

// Precondition: this member's claim is read, and was never confirmed.
void member::give_up(int key) {
    const auto r = *read(key);
    record put;
    put.epoch = w.is(mutation::withdraws_above) ? r.epoch + 1 : r.epoch - 1;
    put.stamp = std::max(tick_clock(), r.epoch);
    put.value = r.value;
    put.tries = std::max(0, r.tries - 1);
    put.version = r.version;
    write(key, put, {r.id});
}

// A claim that was never confirmed ends: it is withdrawn if it is read.
void member::drop_claim(int key) {
    auto& k = keys[key];
    const auto c = *k.claimed;
    k.claimed.reset();
    const auto* r = read(key);
    const bool is_read = r != nullptr && r->id.who == self && is_claim(r->epoch);
    if (c.own && r != nullptr) {
        put_back(key, *c.own);
    } else if (is_read) {
        give_up(key);
    }
}

// The claim has replaced a value that no run has read. It killed nothing else, so all is as before.
void member::put_back(int key, const record& own) {
    record put = own;
    w.stashes[{self, seen[self] + 1}] = {key, own.value};
    write(key, put, {});
    ++w.counts["put back"];
}

void member::make_claim(int key) {
    auto& k = keys[key];
    const auto r = *read(key);
    std::int64_t highest = 0, latest = 0;
    for (const auto& each : k.records) {
        highest = std::max(highest, each.epoch);
        latest = std::max(latest, each.stamp);
    }
    claim c;
    c.shown = k.records;
    if (w.is(mutation::epoch_by_clock)) latest = tick_clock();
    c.epoch = (std::max(highest, latest) + 1) | 1;
    c.over = r.epoch;
    c.owner = is_claim(r.epoch) ? r.id.who : -1;
    c.at = w.now;
    c.asked = members();
    c.tries = r.tries + 1;
    // The newest value, which need not be the one that is read: the claimant's own record may have it, and
    // the claim replaces that.
    auto best = r;
    for (const auto& each : k.records) {
        if (w.stashes.contains(each.id) || w.is(mutation::claim_carries_read)) continue;
        if (best.version < each.version) best = each;
    }
    record put;
    put.epoch = c.epoch;
    put.value = best.value;
    put.tries = c.tries;
    put.version = best.version;
    std::vector<dot> kills{best.id};
    for (const auto& each : k.records) {
        if (each.id.who != self || !w.stashes.contains(each.id) || each.id == r.id ||
            w.is(mutation::own_value_claimed))
            continue;
        c.own = each;
        kills.clear();
    }
    if (k.claimed) { // again
        c.own = k.claimed->own;
        if (c.own) kills.clear();
        c.shown = k.claimed->shown;
        c.over = k.claimed->over;
        c.owner = k.claimed->owner;
        c.at = k.claimed->at;
        c.tries = put.tries = k.claimed->tries;
    }
    c.id = write(key, put, kills);
    c.question = ++question;
    k.claimed = c;
    w.say("member " + std::to_string(self) + " claims key " + std::to_string(key) + " at " +
          std::to_string(c.epoch));
    ask(key);
}

bool member::confirmed(int key) {
    const auto& c = *keys[key].claimed;
    if (w.is(mutation::starts_unconfirmed)) return true;
    mask whom = members();
    if (w.is(mutation::confirms_up_only)) {
        for (int j = 0; j < members_max; ++j) {
            if (p[j].is != state::up) whom &= ~bit(j);
        }
    }
    if (w.is(mutation::confirms_without_joined)) whom &= c.asked;
    if (!w.is(mutation::confirms_without_named)) {
        mask named = whom;
        for (int j = 0; j < members_max; ++j) {
            if (has(whom, j) && (p[j].is == state::up || p[j].is == state::suspect)) named |= p[j].view;
        }
        whom = named & ~bit(self);
    }
    int answered = 0;
    for (int j = 0; j < members_max; ++j) {
        if (!has(whom, j) || p[j].is == state::left || p[j].proven) continue;
        if (p[j].answered[key] < c.question) return false;
        if (!covers(p[j].answer) && !w.is(mutation::confirms_unapplied)) return false;
        if (w.pause && !is_resolved(p[j].held[key], key, c.question)) return false;
        answered += p[j].votes ? 1 : 0;
    }
    if (!w.pause || w.is(mutation::minority_runs)) return true;
    answered += votes() ? 1 : 0;
    return 2 * answered > w.mesh_size && lease_until() > w.now &&
           is_resolved(not_excluded(self, key, c.owner), key, c.question);
}

} // namespace serving
