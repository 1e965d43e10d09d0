// The promises S1 to S6, each compared with what runs.
#include "model.hpp"

#include <algorithm>

namespace serving {

int world::value(std::vector<int> from, bool is_outside) {
    parents.push_back(std::move(from));
    outside.push_back(is_outside);
    return static_cast<int>(parents.size()) - 1;
}

bool world::descends(int value, int from) const {
    if (value == from) return true;
    std::set<int> open{value};
    while (!open.empty()) { // a parent has a smaller number
        const int next = *open.rbegin();
        open.erase(next);
        if (next == from) return true;
        if (next < from) return false;
        open.insert(parents[next].begin(), parents[next].end());
    }
    return false;
}

void world::bad(const std::string& which, const std::string& what) {
    faults.push_back({which, what, now});
    say("FAULT " + which + ": " + what);
    for (auto& m : all) {
        if (trace && m->alive && !m->left) describe(*m);
    }
}

// S1: of members that are up for one another at most one runs a key, unless one reports `tentative`. With the
// lease of a minority: of all members.
void world::check_runs() {
    for (int key = 0; key < keys; ++key) {
        std::vector<member*> who;
        for (auto& m : all) {
            if (m->keys[key].running && m->alive && !m->suspended && !m->left) who.push_back(m.get());
        }
        for (std::size_t i = 0; i < who.size(); ++i) {
            if (who[i]->tentative(key)) tentative_at[key] = now;
            for (std::size_t j = i + 1; j < who.size(); ++j) {
                auto &a = *who[i], &b = *who[j];
                const auto up = [](state s) { return s == state::up || s == state::leaving; };
                const bool mutual = up(a.p[b.self].is) && up(b.p[a.self].is);
                const bool tentative = a.tentative(key) || b.tentative(key);
                const auto &x = *a.keys[key].running, &y = *b.keys[key].running;
                std::string which;
                if (mutual && !tentative) which = "S1";
                if (pause && !x.slept && !y.slept) which = "S1 paused";
                if (which.empty()) {
                    counts[tentative ? "two runs, tentative" : "two runs, not in view"] +=
                        reported.insert({"", {x.no, y.no}}).second ? 1 : 0;
                } else if (reported.insert({which, {x.no, y.no}}).second) {
                    bad(which, "members " + std::to_string(a.self) + " and " + std::to_string(b.self) +
                                   " run key " + std::to_string(key));
                }
            }
        }
    }
}

// S3, S4: what the next run begins with. Fencing: its epoch is above those of all runs before it.
void world::check_start(member& m, int key, const run& r) {
    check_runs();
    say("member " + std::to_string(m.self) + " runs key " + std::to_string(key) + " at " +
        std::to_string(r.epoch) + (m.tentative(key) ? ", tentative" : ""));
    int starting = 0;
    for (const auto& k : m.keys) starting += k.running && !k.running->ready ? 1 : 0;
    if (starting > starts_max)
        bad("S2 pace", "member " + std::to_string(m.self) + " starts too many keys at once");
    if (!m.tentative(key)) {
        for (const auto& each : promises) {
            if (each.key != key || descends(r.value, each.value) || !descends(each.value, root[key]))
                continue;
            const bool held = std::any_of(all.begin(), all.end(), [&](const auto& x) {
                const bool known =
                    x.get() == &m || m.p[x->self].is != state::none; // else two meshes that have not met
                return x->alive && !x->left && known && x->seen[each.id.who] >= each.id.no;
            });
            if (!held) continue;
            // A tentative run meanwhile may have been the one whose values are read. Then what a leave
            // promised is a sibling that runs are shown.
            if (tentative_at[key] >= each.since) {
                const auto& s = shown[key];
                if (!each.of_leave ||
                    std::any_of(s.begin(), s.end(), [&](int v) { return descends(v, each.value); }))
                    continue;
            }
            bad(each.of_leave ? "S3" : "S4", "member " + std::to_string(m.self) + " begins key " +
                                                 std::to_string(key) + " with " + std::to_string(r.value) +
                                                 ", which does not follow " + std::to_string(each.value) +
                                                 " of " + std::to_string(each.id.who));
        }
        // Members that have never met may choose the same epoch.
        if (std::any_of(started[key].begin(), started[key].end(), [&](const auto& each) {
                return m.seen[each.first.who] >= each.first.no && r.epoch <= each.second;
            }))
            bad("S1 fence", "the epoch of member " + std::to_string(m.self) + " is not new");
    }
    std::erase_if(promises,
                  [&](const promise& each) { return each.key == key && !descends(r.value, each.value); });
    started[key].push_back({r.claim, r.epoch});
}

// A value that was written beside a claim is read by a run before a write of members replaces it.
void world::check_dead_stashes(int key, const event& e, const member& by) {
    const bool outside_write =
        !e.put || (e.put && stashes.contains(e.put->id)) || (e.put && e.put->epoch == 0);
    for (const auto& each : by.keys[key].records) {
        if (!stashes.contains(each.id) || read_by_runs.contains(each.id)) continue;
        const auto& claimed = by.keys[key].claimed;
        if (e.put && is_claim(e.put->epoch) && each.id.who == by.self && !by.keys[key].running &&
            !is(mutation::own_value_claimed))
            continue; // put back, or shown when the run begins
        (void)claimed;
        const bool replaced =
            each.id.who == by.self || std::find(e.kills.begin(), e.kills.end(), each.id) != e.kills.end();
        if (!replaced) continue;
        if (outside_write || (e.put && descends(e.put->value, each.value))) continue;
        bad("stash", "member " + std::to_string(by.self) + " replaces an unread value");
    }
}

// S4: a checkpoint counts once another member has acknowledged it, what that member named is applied, and its
// writer is still the owner.
void world::acknowledged() {
    std::vector<commitment> open;
    if (now - last_false_death < 20) // S4 is no promise if a living member was called dead
        std::erase_if(promises, [](const promise& each) { return !each.of_leave; });
    for (const auto& c : commits) {
        auto& m = *all[c.who];
        if (!m.alive || m.left) continue;
        const bool met = std::any_of(m.p.begin(), m.p.end(), [&](const peer& q) {
            if (q.is != state::up || q.seen[c.id.who] < c.id.no) return false;
            return m.covers(q.seen) || is(mutation::commits_unowned);
        });
        if (!met) {
            open.push_back(c);
        } else if (is(mutation::commits_unowned) || (m.keys[c.key].running && !m.lingers(c.key))) {
            promises.push_back({false, c.key, c.value, c.since, c.id});
        }
    }
    commits = std::move(open);
    if (commits.size() > 40) commits.erase(commits.begin(), commits.end() - 40);
    if (promises.size() > 40) promises.erase(promises.begin(), promises.end() - 40);
}

// S6: no route leads to a member that is known to be gone.
void world::check_routes() {
    for (auto& m : all) {
        if (!m->alive || m->left || m->suspended) continue;
        for (int key = 0; key < keys; ++key) {
            const int to = m->route(key);
            if (to < 0 || to == m->self) continue;
            const auto s = m->p[to].is;
            const auto* r = m->read(key);
            const bool heard = std::any_of(m->p.begin(), m->p.end(), [&](const peer& q) {
                return q.is == state::up && has(q.view, to);
            });
            const bool final_awaited = s == state::left && r->id.who == to && m->seen[to] < m->p[to].final;
            if (heard || final_awaited) continue;
            if ((s == state::crashed || s == state::left) && reported.insert({"S6", {m->self, to}}).second)
                bad("S6", "member " + std::to_string(m->self) + " routes to " + std::to_string(to) +
                              ", which is gone");
        }
    }
}

// For traces: the records of key 0, and the peers by number and state, and what was seen of each.
void world::describe(member& m) {
    if (!trace) return;
    std::string line = "member " + std::to_string(m.self) + ":";
    for (const auto& r : m.keys[0].records)
        line += " [" + std::to_string(r.id.who) + ":" + std::to_string(r.id.no) + " epoch " +
                std::to_string(r.epoch) + " value " + std::to_string(r.value) + "]";
    for (int j = 0; j < members_max; ++j) {
        const auto& q = m.p[j];
        static const std::array<std::string, 7> words{"",        "contact", "up",  "suspect",
                                                      "leaving", "crashed", "left"};
        if (q.is != state::none)
            line += " " + std::to_string(j) + " " + words[static_cast<std::size_t>(q.is)];
        if (m.seen[j] != 0) line += " #" + std::to_string(m.seen[j]);
    }
    say(line + (m.accepts() ? ", accepts" : "") + (m.keys[0].running ? ", runs" : ""));
}

// S2: every key runs once; S6: all know where.
void world::check_end() {
    std::vector<member*> present;
    for (auto& m : all) {
        if (m->alive && !m->left) present.push_back(m.get());
    }
    if (present.empty() || (pause && 2 * static_cast<int>(present.size()) <= mesh_size)) return;
    // Members that have never heard of one another, or cannot, are two meshes.
    for (const auto* a : present) {
        for (const auto* b : present) {
            if (a == b) continue;
            const bool linked = std::any_of(present.begin(), present.end(), [&](const member* c) {
                return c != a && c != b && in_view(a->p[c->self].is) && in_view(c->p[b->self].is);
            });
            if (!linked && !in_view(a->p[b->self].is) && (of == kind::triangle || !discovers))
                return void(++counts["islands"]);
        }
    }
    for (auto* m : present) describe(*m);
    for (int key = 0; key < keys; ++key) {
        const bool exists = std::any_of(present.begin(), present.end(),
                                        [&](const member* m) { return !m->full && m->read(key) != nullptr; });
        const bool stuck = std::any_of(present.begin(), present.end(), [&](const member* m) {
            const auto* r = m->read(key);
            return r != nullptr &&
                   (is(mutation::attempts_local) ? m->keys[key].tries : r->tries) >= attempts_max;
        });
        std::vector<member*> who;
        for (auto* m : present) {
            if (m->keys[key].running) who.push_back(m);
        }
        if (stuck) ++counts["stuck"];
        if (poison == key && poisoned > attempts_max * (1 + static_cast<int>(stashes.size())))
            bad("attempts", "the key was started " + std::to_string(poisoned) + " times");
        if (exists && !stuck && who.size() != 1) {
            bad("S2", std::to_string(who.size()) + " members run key " + std::to_string(key));
        } else if (exists && !stuck) {
            for (auto* m : present) {
                if (!m->full && m->route(key) != who[0]->self)
                    bad("S6", "member " + std::to_string(m->self) + " does not know that " +
                                  std::to_string(who[0]->self) + " runs key " + std::to_string(key) +
                                  " but " + std::to_string(m->route(key)));
            }
        }
    }
}

void world::moved(int key) { last_move = now, (void)key; }

// S5: one change of the membership, and what moves for it.
void world::begin_move() {
    before_ = owners();
    const auto some = live();
    joined_ = leaver_ = -1;
    if (now - last_move < 1500) bad("S5", "keys still move");
    restarted_ = by_hash && chance(30) && some.size() > 2;
    if (restarted_) {
        const int name = some[below(static_cast<int>(some.size()))]->name;
        for (auto* m : some) {
            if (m->name == name) m->leave();
        }
        at(1500, [this, name] { join(name); });
    } else if (chance(50) || some.size() < 3) {
        joined_ = join();
    } else {
        leaver_ = some[below(static_cast<int>(some.size()))]->self;
        all[leaver_]->leave();
    }
}

std::vector<int> world::owners() {
    std::vector<int> who(keys, -1);
    for (auto* m : live()) {
        for (int key = 0; key < keys; ++key) {
            if (m->keys[key].running) who[key] = m->self;
        }
    }
    return who;
}

void world::end_move() {
    const auto after = owners();
    if (now - last_move < 1500) bad("S5", "keys still move");
    const auto some = live();
    int moves = 0, excess = 0, least = keys, most = 0;
    int weights = 0;
    for (const auto* m : some) weights += m->weight;
    bool equal = true;
    for (const auto* m : some) {
        const auto mine = [&](const std::vector<int>& of_all) {
            return static_cast<int>(std::count(of_all.begin(), of_all.end(), m->self));
        };
        const int low = keys * m->weight / weights, high = (keys * m->weight + weights - 1) / weights;
        if (m->self != joined_) excess += std::max(0, mine(before_) - high);
        least = std::min(least, mine(after) - low);
        most = std::max(most, mine(after) - high);
        equal = equal && m->weight == some.front()->weight;
    }
    for (int key = 0; key < keys; ++key) {
        if (after[key] < 0) bad("S5", "key " + std::to_string(key) + " does not run");
        if (after[key] < 0 || before_[key] < 0) continue;
        if (restarted_) {
            if (all[after[key]]->name != all[before_[key]]->name) bad("S5", "a restart has moved a key");
            continue;
        }
        const bool moved = after[key] != before_[key], freed = before_[key] == leaver_;
        moves += moved && !freed ? 1 : 0;
        if (!by_hash) continue;
        auto order = some.front()->order(key);
        if (after[key] != order.front())
            bad("S5", "key " + std::to_string(key) + " is not at its first choice");
        if (moved && !freed && after[key] != joined_) bad("S5", "a key moved whose first choice is the same");
    }
    if (by_hash) return;
    if (leaver_ < 0 && moves > excess)
        bad("S5", std::to_string(moves) + " keys moved, " + std::to_string(excess) + " had to");
    if (least < 0 && most > 0) bad("S5", "a member has too few keys, another one too many");
    for (auto* m : some) {
        if (std::count(after.begin(), after.end(), m->self) > m->cap(m->self))
            bad("S5", "a member is above its cap");
    }
}

} // namespace serving
