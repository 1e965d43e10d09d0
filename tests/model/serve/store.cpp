// The store of a member: one multi-value register a key, written by events that are applied in causal order.
#include "model.hpp"

#include <algorithm>

namespace serving {

bool covers(const cut& a, const cut& b) {
    for (int o = 0; o < members_max; ++o) {
        if (a[o] < b[o]) return false;
    }
    return true;
}

void join(cut& a, const cut& b) {
    for (int o = 0; o < members_max; ++o) a[o] = std::max(a[o], b[o]);
}

member::member(world& in, int id, int of)
    : w(in)
    , self(id)
    , name(of) {
    skew = w.chance(33) ? w.between(-300, 300) : 0;
    born = w.now;
    unknown_since.fill(-1);
    granted.fill(never);
    for (auto& each : p) each.heard_of.fill(-1);
}

const record* member::read(int key) const {
    const auto& all = keys[key].records;
    return all.empty() ? nullptr : &*std::max_element(all.begin(), all.end());
}

std::vector<dot> member::dots(int key) const {
    std::vector<dot> all;
    for (const auto& each : keys[key].records) all.push_back(each.id);
    return all;
}

std::int64_t member::tick_clock() {
    clock = std::max<std::int64_t>(clock + 1, (w.now + 100000 + skew) * std::int64_t{1000});
    return clock;
}

dot member::write(int key, std::optional<record> put, std::vector<dot> kills, bool failed) {
    const dot id{self, seen[self] + 1};
    event e{key, put, std::move(kills), seen, tick_clock(), failed};
    if (e.put) {
        e.put->id = id;
        if (e.put->stamp == 0) e.put->stamp = e.stamp;
        if (e.put->version.second == 0) e.put->version = {e.put->epoch, e.put->stamp};
    }
    w.check_dead_stashes(key, e, *this);
    w.log[self].push_back(std::move(e));
    effect(id);
    message m(message::kind::delta);
    m.id = id;
    for (int j = 0; j < members_max; ++j) {
        if (p[j].greeted && p[j].is != state::left && p[j].is != state::none) w.send(self, j, m, true);
    }
    return id;
}

void member::effect(dot id) {
    const auto& e = w.log[id.who][id.no - 1];
    auto& k = keys[e.key];
    seen[id.who] = id.no;
    clock = std::max(clock, e.stamp);
    std::erase_if(k.records, [&](const record& r) {
        return r.id.who == id.who || std::find(e.kills.begin(), e.kills.end(), r.id) != e.kills.end();
    });
    if (e.put) k.records.push_back(*e.put);
    k.claims[id.who] = e.put && is_claim(e.put->epoch);
    if (w.is(mutation::attempts_local) && e.put) { // every watcher counts what it sees
        if (e.failed || e.put->tries > k.tries) ++k.tries;
        if (e.put->tries == 0) k.tries = 0;
    }
}

void member::apply(dot id) {
    if (id.no <= seen[id.who] || left || drained || full) return;
    buffer.insert(id);
    drain_buffer();
}

void member::drain_buffer() {
    for (bool again = true; again;) {
        again = false;
        for (auto at = buffer.begin(); at != buffer.end();) {
            const dot d = *at;
            if (d.no > seen[d.who]) {
                if (d.no != seen[d.who] + 1 || !covers(w.log[d.who][d.no - 1].needs)) {
                    ++at;
                    continue;
                }
                effect(d);
                again = true;
            }
            at = buffer.erase(at);
        }
    }
}

void member::merge(const snapshot& from) {
    if (left || drained || full) return;
    for (int key = 0; key < w.keys; ++key) {
        auto& mine = keys[key].records;
        const auto& theirs = from.records[key];
        std::erase_if(mine, [&](const record& r) {
            return r.id.no <= from.seen[r.id.who] &&
                   std::none_of(theirs.begin(), theirs.end(), [&](const record& t) { return t.id == r.id; });
        });
        for (const auto& t : theirs) {
            if (t.id.no > seen[t.id.who]) mine.push_back(t);
        }
        // What a session does not show may be a claim that has been overwritten.
        for (const auto& t : theirs) {
            if (t.id.no > seen[t.id.who]) keys[key].claims[t.id.who] = is_claim(t.epoch);
        }
    }
    serving::join(seen, from.seen);
    clock = std::max(clock, from.clock);
    drain_buffer();
}

} // namespace serving
