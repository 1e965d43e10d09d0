// Runs: how they begin, write checkpoints, learn of values written beside them, and end.
#include "model.hpp"

#include <algorithm>

namespace serving {

void member::start(int key) {
    auto& k = keys[key];
    const auto c = *k.claimed;
    k.claimed.reset();
    k.backs_off = back_off;
    const auto mine = *read(key);
    auto r = std::make_shared<run>();
    r->no = ++w.runs;
    r->question = c.question;
    r->claim = c.id;
    r->epoch = c.epoch;
    r->at = w.now;
    r->tries = c.tries;
    r->value = mine.value;
    ++w.counts["starts"];
    // The newest value, whoever claimed over which: a claim carries the version of the value it took over.
    auto newest = mine.version;
    for (const auto& each : k.records) {
        if (each.id == mine.id ||
            (w.stashes.contains(each.id) && !w.is(mutation::stash_taken_for_checkpoint)))
            continue;
        if (w.is(mutation::checkpoint_by_epoch)) { // as first written
            const bool shown =
                std::any_of(c.shown.begin(), c.shown.end(), [&](const record& s) { return s.id == each.id; });
            if (shown || each.epoch < c.over ||
                (newest != mine.version && newest > std::pair{each.epoch, each.stamp}))
                continue;
            newest = {each.epoch, each.stamp};
        } else if (each.version <= newest || w.is(mutation::checkpoint_unread)) {
            continue;
        } else {
            newest = each.version;
        }
        r->value = each.value;
        ++w.counts["newer checkpoint"];
    }
    k.running = r;
    for (const auto& each : c.shown) w.shown[key].insert(each.value);
    for (const auto& each : k.records) w.shown[key].insert(each.value);
    w.check_start(*this, key, *r);
    std::vector<int> merged{r->value};
    const auto shows = [&](const record& each) {
        if (each.id == mine.id || !r->shown.insert(each.id).second) return;
        if (!w.stashes.contains(each.id)) return;
        w.read_by_runs.insert(each.id);
        merged.push_back(each.value);
    };
    for (const auto& each : c.shown) shows(each);
    for (const auto& each : k.records) shows(each);
    if (merged.size() > 1) r->value = w.value(merged);
    if (r->value != mine.value) commit(key);
    w.at(w.between(20, 150), [this, key, r] {
        if (k_running(key, r)) r->ready = true;
        work(key, r);
    });
    if (w.poison == key && w.poisoned < 40) {
        const bool kills = w.poison_kills;
        w.at(w.between(1, 15), [this, key, r, kills] {
            if (!alive || left || !k_running(key, r)) return;
            if (kills) {
                ++w.poisoned;
                const int again = name;
                w.crash(*this);
                w.at(50, [this, again] { w.join(again); });
            } else {
                refuse(key, r);
            }
        });
    }
}

bool member::k_running(int key, const std::shared_ptr<run>& r) const { return keys[key].running == r; }

// The handler refuses to run the key: it is free, and the attempt counts.
void member::refuse(int key, const std::shared_ptr<run>& r) {
    if (r->now != run::phase::running || lingers(key) || drained) return;
    ++w.poisoned;
    const auto mine = *read(key);
    record put;
    put.epoch = mine.epoch + 1;
    put.value = r->value;
    put.tries = r->tries;
    write(key, put, {mine.id}, true);
    keys[key].back_until = w.now + 200;
    ended(key, r);
}

void member::commit(int key) {
    const auto& r = keys[key].running;
    r->value = w.value({r->value});
    if (w.now - r->at >= soon) r->tries = 0;
    record put;
    put.epoch = r->epoch;
    put.value = r->value;
    put.tries = r->tries;
    std::vector<dot> kills(r->shown.begin(), r->shown.end());
    if (w.is(mutation::stash_unread)) kills = dots(key);
    const auto id = write(key, put, kills);
    r->shown.clear();
    w.commits.push_back({self, key, r->value, r->at, id});
}

// A value that was written beside the claim: the handler hears of it, and only then a commit replaces it.
void member::told(int key, const std::shared_ptr<run>& r) {
    for (const auto& each : keys[key].records) {
        if (each.id.who == self || r->shown.contains(each.id) || !r->on_the_way.insert(each.id).second)
            continue;
        w.at(w.below(30), [this, key, r, id = each.id] {
            if (!k_running(key, r) || r->now != run::phase::running || !alive || suspended)
                return void(r->on_the_way.erase(id));
            for (const auto& now : keys[key].records) {
                if (now.id != id) continue;
                r->shown.insert(id);
                w.shown[key].insert(now.value);
                if (!w.stashes.contains(id)) continue;
                w.read_by_runs.insert(id);
                r->value = w.value({r->value, now.value});
            }
        });
    }
}

void member::work(int key, const std::shared_ptr<run>& r) {
    if (keys[key].running != r || r->now != run::phase::running || !alive || left) return;
    if (suspended) return w.at(50, [this, key, r] { work(key, r); });
    if (!lingers(key) && !drained) commit(key);
    w.at(w.between(20, 200), [this, key, r] { work(key, r); });
}

void member::stop(int key, std::function<void()> then, int to) {
    const auto r = keys[key].running;
    if (!r) return then();
    if (r->now != run::phase::running) {
        if (!alive || left) return;
        return w.at(10, [this, key, then, to] { stop(key, then, to); });
    }
    r->now = run::phase::stopping;
    int takes = w.chance(50) ? 5 : 60;
    if (w.pause) takes = w.between(5, stop_within - 30);
    if (draining && !w.pause && w.chance(5)) takes = 3000; // longer than a leave waits
    const auto release = [this, key, r, to] {
        if (lingers(key) || drained) return;
        const auto mine = *read(key);
        record put;
        put.epoch = mine.epoch + 1;
        put.value = w.value({r->value});
        put.tries = w.now - r->at >= soon ? 0 : r->tries - 1; // this one ended well
        put.to = to;
        std::vector<dot> kills(r->shown.begin(), r->shown.end());
        kills.push_back(mine.id);
        const auto id = write(key, put, kills);
        finals.push_back({key, put.value, r->at, id});
        w.say("member " + std::to_string(self) + " stops key " + std::to_string(key) + " with " +
              std::to_string(put.value));
    };
    const bool early = w.is(mutation::releases_before_stop);
    if (early) {
        release();
        // What `stop` will give comes too late.
        if (!finals.empty() && finals.back().key == key) finals.back().value = w.value({finals.back().value});
    }
    const auto end = [this, key, r, then, release, early] {
        if (!early) release();
        ended(key, r);
        then();
    };
    w.at(takes, [this, end] { awake(end); });
}

// Calls it once this process is not suspended; never, if it is gone.
void member::awake(const std::function<void()>& call) {
    if (!alive || left) return;
    if (!suspended) return call();
    w.at(20, [this, call] { awake(call); });
}

void member::ended(int key, const std::shared_ptr<run>& r) {
    if (suspended) return w.at(20, [this, key, r] { ended(key, r); });
    if (keys[key].running != r || !alive) return;
    r->now = run::phase::over;
    keys[key].running.reset();
    step();
}

// A program writes the key beside its owner.
void member::stash(int key) {
    auto& k = keys[key];
    if (!alive || left || drained || suspended || full || k.claimed || k.running || k.records.empty()) return;
    const auto r = *read(key);
    record put;
    std::vector<dot> kills;
    for (const auto& each : k.records) {
        const bool claims = is_claim(each.epoch);
        put.epoch = std::max(put.epoch, claims ? each.epoch - 1 : each.epoch);
        if (!claims || each.id.who == self) kills.push_back(each.id);
    }
    std::vector<int> replaced{r.value}; // its writer has read what it replaces
    for (const auto& each : k.records) {
        if (std::find(kills.begin(), kills.end(), each.id) == kills.end()) continue;
        replaced.push_back(each.value);
        w.shown[key].insert(each.value);
    }
    put.value = w.value(replaced, true);
    const dot id{self, seen[self] + 1};
    w.stashes[id] = {key, put.value};
    write(key, put, kills);
    ++w.counts["stashes"];
}

void member::leave() {
    draining = true;
    auto open = std::make_shared<int>(1);
    auto unfinished = std::make_shared<bool>(false);
    const auto wait = std::make_shared<std::function<void()>>();
    *wait = [this, wait, unfinished] {
        if (!alive) return;
        if (suspended) return w.at(20, *wait);
        int up = 0, hold = 0;
        for (const auto& q : p) {
            if (q.is != state::up) continue;
            ++up;
            hold += serving::covers(q.seen, seen) ? 1 : 0;
        }
        const bool met_copies = hold >= std::min(2, up) && hold > 0;
        if (!met_copies && w.now - sealed_at <= 2000) return w.at(20, *wait);
        message m(message::kind::left);
        m.at = seen;
        for (int j = 0; j < members_max; ++j) {
            if (p[j].is != state::none) w.send(self, j, m, false);
        }
        left = true;
        w.say("member " + std::to_string(self) + (met_copies ? " has left, safe, " : " has left, ") +
              std::to_string(hold) + " hold" + (*unfinished ? ", unfinished" : ""));
        safe = met_copies && !*unfinished;
        if (!met_copies) w.spill(*this);
        if (safe) {
            for (const auto& each : finals)
                w.promises.push_back({true, each.key, each.value, each.since, each.id});
        }
    };
    const auto seal = [this, wait, unfinished] {
        if (!alive || drained) return;
        leaving = true;
        for (int key = 0; key < w.keys; ++key) {
            auto& k = keys[key];
            if (k.claimed) drop_claim(key);
            const auto* r = read(key);
            if (k.running) {
                *unfinished = true;
                ++w.counts["unfinished"];
            } else if (r != nullptr && is_claim(r->epoch) && r->id.who == self) {
                give_up(key);
            }
        }
        for (int j = 0; j < members_max; ++j) {
            if (p[j].is != state::none) w.send(self, j, hello(false, j), false);
        }
        drained = true;
        sealed_at = w.now;
        (*wait)();
    };
    const auto done = [open, seal] {
        if (--*open == 0) seal();
    };
    for (int key = 0; key < w.keys; ++key) {
        if (!keys[key].running) continue;
        ++*open;
        stop(key, done);
    }
    w.at(1000, seal);
    done();
}

// Running is a lease: a majority has answered, counted from the question.
int member::lease_until() const {
    std::vector<int> since;
    for (const auto& q : p) since.push_back(q.lease);
    std::sort(since.rbegin(), since.rend());
    const int others = w.mesh_size / 2; // and this member
    return others == 0 ? w.now + 1 : since[others - 1] + suspect_after;
}

void member::check_lease() {
    if (!alive || left || suspended || w.is(mutation::minority_runs) || lease_until() > w.now) return;
    for (int key = 0; key < w.keys; ++key) {
        const auto r = keys[key].running;
        if (!r || r->now != run::phase::running) continue;
        ++w.counts["paused"];
        stop(key, [] {});
    }
}

} // namespace serving
