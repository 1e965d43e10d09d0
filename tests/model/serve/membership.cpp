// Who is in view: heartbeats, suspicion, proofs of death, who is missing, and when a run is tentative.
#include "model.hpp"

#include <algorithm>

namespace serving {

mask member::members() const {
    mask all = 0;
    for (int j = 0; j < members_max; ++j) {
        if (p[j].greeted && (p[j].is == state::contact || in_view(p[j].is))) all |= bit(j);
    }
    return all;
}

mask member::inview() const {
    mask all = 0;
    for (int j = 0; j < members_max; ++j) {
        if (p[j].greeted && in_view(p[j].is)) all |= bit(j);
    }
    return all;
}

bool member::gone(int who) {
    const auto s = p[who].is;
    if (s == state::crashed || s == state::left || in_view(s)) {
        unknown_since[who] = -1;
        return !in_view(s);
    }
    if (unknown_since[who] < 0) unknown_since[who] = w.now;
    return w.now - unknown_since[who] > unknown_for;
}

mask member::missing() const {
    mask all = 0;
    for (int j = 0; j < members_max; ++j) {
        const bool crashed = p[j].is == state::crashed && !p[j].proven;
        if (p[j].is == state::suspect || (crashed && !w.is(mutation::missing_forgotten))) all |= bit(j);
    }
    return all;
}

mask member::known_dead() const {
    mask all = 0;
    for (int j = 0; j < members_max; ++j) {
        if (p[j].is == state::left || p[j].proven) all |= bit(j);
    }
    return all;
}

// Missed by others, and neither met since nor known to be dead.
mask member::heirs() {
    dead |= known_dead();
    inherited &= ~(dead | bit(self));
    for (int j = 0; j < members_max; ++j) {
        if (p[j].is == state::up || p[j].is == state::leaving) inherited &= ~bit(j);
    }
    return w.is(mutation::missing_own_only) ? 0 : inherited;
}

// Whom a member named that is gone now, and whom this member has not met, is missing: nobody else may know
// of it.
void member::inherit(int who) {
    if (w.is(mutation::view_of_gone_forgotten)) return;
    for (int j = 0; j < members_max; ++j) {
        if (has(p[who].view, j) && (p[j].is == state::none || p[j].is == state::contact)) inherited |= bit(j);
    }
}

bool member::tentative(int key) {
    if (missing() != 0 || heirs() != 0) return true;
    const auto& r = keys[key].running;
    if (w.is(mutation::return_unasked) || !r) return false;
    const auto who = members();
    for (int j = 0; j < members_max; ++j) {
        if (has(who, j) && p[j].back && p[j].answered[key] < r->question) return true;
    }
    return false;
}

message member::hello(bool answer, int to) {
    message m(message::kind::hello);
    m.at = seen;
    m.view = members();
    m.missing = missing() | heirs();
    m.dead = dead | known_dead();
    m.answer = answer;
    m.sees = p[to].is != state::none && p[to].greeted;
    m.leaving = leaving;
    m.accepts = accepts();
    m.since = born;
    for (int j = 0; j < members_max; ++j) m.heard[j] = in_view(p[j].is) ? w.now - p[j].heard : -1;
    return m;
}

bool member::is_synced() {
    const auto view = inview();
    if (view == 0) return self == 0 || met;
    for (int j = 0; j < members_max; ++j) {
        if (has(view, j) && !p[j].synced) return false;
    }
    return true;
}

// Nothing new while others hear somebody that this member does not hear.
bool member::accepts() {
    if (!w.is(mutation::takes_while_unheard)) {
        for (int j = 0; j < members_max; ++j) {
            if ((p[j].is != state::suspect && p[j].is != state::crashed) || p[j].proven) continue;
            if (w.now - p[j].heard <= crashed_after) continue;
            for (const auto& q : p) {
                if (q.is == state::up && has(q.view, j)) return false;
            }
        }
    }
    return !leaving && !draining && !full && (is_synced() || w.is(mutation::claims_unsynced));
}

void member::meet(int who) {
    if (who == self) return;
    auto& q = p[who];
    if ((q.is != state::none && q.is != state::crashed) || q.proven) return;
    if (q.is == state::none) q.is = state::contact;
    q.made = w.now;
    w.send(self, who, hello(true, who), false);
}

void member::pull(int from) {
    auto& q = p[from];
    if (covers(q.seen) || w.now < q.pull_at || full) return;
    q.pull_at = w.now + 60;
    message m(message::kind::pull);
    m.at = seen;
    w.send(self, from, m, false);
}

void member::greet(int from, const message& m) {
    auto& q = p[from];
    const bool first = !q.greeted;
    q.greeted = true;
    serving::join(q.seen, m.at);
    inherited |= m.missing;
    dead |= m.dead;
    for (int j = 0; j < members_max; ++j) {
        auto& x = p[j];
        if (has(m.dead, j) && (x.is == state::suspect || x.is == state::crashed || x.is == state::contact)) {
            x.is = state::crashed;
            x.proven = true;
        }
        // A successor of its name proves that a process is dead.
        if (j != from && j != self && w.all.size() > static_cast<std::size_t>(j) &&
            w.all[j]->name == w.all[from]->name && w.all[j]->born < m.since && x.is != state::none &&
            x.is != state::left) {
            x.is = state::crashed;
            x.proven = true;
        }
    }
    q.view = m.view;
    q.missing = m.missing;
    q.accepts = m.accepts;
    q.heard_of = m.heard;
    q.made = w.now; // the ages in heard_of are of this moment
    q.sees = q.sees || m.sees;
    if (m.answer || first) w.send(self, from, hello(!q.sees, from), false);
    if (q.sees && (q.is == state::contact || q.is == state::crashed)) {
        q.back = q.back || q.is == state::crashed || has(inherited, from) || q.accepts;
        q.is = state::up;
        q.answered.fill(0);
        met = true;
        q.joined = true;
        q.at_join = q.seen;
        q.synced = covers(q.at_join);
        q.proven = false;
        quiet_since = w.now;
        w.send(self, from, hello(false, from), false);
    }
    if (m.leaving && (q.is == state::up || q.is == state::contact)) q.is = state::leaving;
    for (int j = 0; j < members_max; ++j) {
        if (has(m.view, j)) meet(j);
    }
    pull(from);
}

void member::get(int from, const message& m) {
    if (left) return;
    auto& q = p[from];
    switch (m.what) {
    case message::kind::delta:
        if (q.is != state::none) q.heard = w.now;
        apply(m.id);
        return step();
    case message::kind::left:
        if (q.is != state::none) {
            q.is = state::left;
            q.final = m.at[from];
            q.left_at = w.now;
            quiet_since = w.now;
            inherit(from);
        }
        return step();
    default:
        break;
    }
    if (q.is == state::left) return;
    if (q.is == state::none) {
        q.is = state::contact;
        q.made = w.now;
    }
    q.heard = w.now;
    q.closed = -1;
    switch (m.what) {
    case message::kind::hello:
        greet(from, m);
        break;
    case message::kind::pull: {
        message reply(message::kind::state);
        reply.at = seen;
        if (w.snapshots) {
            auto whole = std::make_shared<snapshot>();
            for (int key = 0; key < w.keys; ++key) whole->records[key] = keys[key].records;
            whole->seen = seen;
            whole->clock = clock;
            reply.whole = std::move(whole);
        }
        w.send(self, from, std::move(reply), false);
        break;
    }
    case message::kind::state:
        if (m.whole) {
            merge(*m.whole);
            break;
        }
        if (left || drained || full) break;
        for (int o = 0; o < members_max; ++o) {
            for (int c = seen[o] + 1; c <= m.at[o]; ++c) buffer.insert({o, c});
        }
        drain_buffer();
        break;
    case message::kind::ask:
        asked[{from, m.key}] = m;
        break;
    case message::kind::ack:
        if (m.question >= q.answered[m.key]) {
            q.answered[m.key] = m.question;
            q.answer = m.at;
            q.held[m.key] = m.dead;
            q.votes = m.votes;
        }
        serving::join(q.seen, m.at);
        q.view = m.view;
        q.missing = m.missing;
        inherited |= m.missing;
        for (int j = 0; j < members_max; ++j) {
            if (has(m.view, j)) meet(j);
        }
        pull(from);
        break;
    case message::kind::lease_ask: {
        if (!in_view(q.is)) break; // who renews a lease names its owner to those who claim
        granted[from] = w.now;
        message reply(message::kind::lease_ack);
        reply.since = m.since;
        w.send(self, from, reply, false);
        break;
    }
    case message::kind::lease_ack:
        q.lease = std::max(q.lease, m.since);
        break;
    case message::kind::want:
        wanted(from, m.key);
        break;
    default:
        break;
    }
    step();
}

void member::judge() {
    for (int j = 0; j < members_max; ++j) {
        auto& q = p[j];
        if (q.is == state::contact && (w.now - std::max(q.heard, q.made) > 2000 ||
                                       (q.closed >= 0 && w.now - q.closed > closed_after))) {
            bool named = q.greeted;
            for (const auto& x : p) named = named || (x.is != state::none && has(x.view, j));
            if (q.closed < 0 && named) inherited |= bit(j);
            q = {};
            q.heard_of.fill(-1);
            continue;
        }
        if (!in_view(q.is)) continue;
        const auto died = [&] {
            q.is = state::crashed;
            quiet_since = w.now;
            inherit(j);
            if (w.all[j]->alive && !w.all[j]->left) w.last_false_death = w.now;
        };
        if (q.closed >= 0 && w.now - q.closed >= closed_after) {
            died();
            q.proven = !w.is(mutation::proof_ignored);
            continue;
        }
        const int quiet = w.now - q.heard;
        int vouched = 1'000'000'000;
        for (int m = 0; m < members_max; ++m) {
            const auto& x = p[m];
            if (m != j && x.is == state::up && x.heard_of[j] >= 0)
                vouched = std::min(vouched, x.heard_of[j] + w.now - x.made);
        }
        if (quiet >= crashed_after && vouched >= suspect_after + 2 * heartbeat) {
            died();
        } else if (quiet >= suspect_after || q.closed >= 0) {
            if (q.is == state::up) q.is = state::suspect;
        } else if (q.is == state::suspect) {
            q.is = state::up;
            q.answered.fill(0);
            q.back = true;
        }
    }
}

void member::tick() {
    if (left || !alive) return;
    ++beats;
    judge();
    for (int j = 0; j < members_max; ++j) {
        auto& q = p[j];
        if (q.is == state::none || q.is == state::left || q.proven) continue;
        if (q.is == state::crashed && beats % 5 != 0) continue;
        w.send(self, j, hello(q.is == state::contact || q.is == state::crashed, j), q.is == state::up);
        if (w.pause && q.is != state::crashed) {
            message m(message::kind::lease_ask);
            m.since = w.now;
            w.send(self, j, m, false);
        }
    }
    if (beats % 5 == 0) {
        const auto all = heirs();
        for (int j = 0; j < members_max; ++j) {
            if (has(all, j)) meet(j);
        }
    }
    for (int key = 0; key < w.keys; ++key) {
        const auto& k = keys[key];
        bool unanswered = k.claimed || k.question != 0;
        if (!unanswered && k.running && !w.is(mutation::return_unasked)) {
            const auto who = members();
            for (int j = 0; j < members_max; ++j)
                unanswered =
                    unanswered || (has(who, j) && p[j].back && p[j].answered[key] < k.running->question);
        }
        if (unanswered) ask(key);
    }
    rebalance();
    step();
}

} // namespace serving
