// Placement: who takes a free key, who passes one on, and where a key is said to run.
#include "model.hpp"

#include <algorithm>
#include <cmath>

namespace serving {

int member::count(int who) const {
    int all = 0;
    for (int key = 0; key < w.keys; ++key) {
        const auto* r = read(key);
        all += r != nullptr && is_claim(r->epoch) && r->id.who == who ? 1 : 0;
    }
    return all;
}

// Candidates in the order of weighted rendezvous over (key, name). A suspect stays one.
std::vector<int> member::order(int key) {
    std::vector<std::pair<double, int>> all;
    const auto add = [&](int j) {
        const int by = w.is(mutation::score_by_process) ? j : w.all[j]->name;
        all.push_back({-std::log((w.score[key][by] + 1) / 1e6) / w.all[j]->weight, j});
    };
    add(self);
    for (int j = 0; j < members_max; ++j) {
        if ((p[j].is == state::up || p[j].is == state::suspect) && p[j].accepts) add(j);
    }
    std::sort(all.begin(), all.end());
    std::vector<int> names;
    for (const auto& [score, j] : all) names.push_back(j);
    // A claim would replace the claimant's own value. Who has one that no run has read is last.
    if (!w.is(mutation::own_value_claimed)) {
        std::stable_partition(names.begin(), names.end(), [&](int j) {
            return std::none_of(keys[key].records.begin(), keys[key].records.end(), [&](const record& each) {
                return each.id.who == j && w.stashes.contains(each.id) && keys[key].records.size() > 1;
            });
        });
    }
    return names;
}

double member::fair(int who) {
    int weights = accepts() || self == who ? weight : 0, present = 0;
    for (int j = 0; j < members_max; ++j) {
        if ((p[j].is == state::up || p[j].is == state::suspect) && (p[j].accepts || j == who))
            weights += w.all[j]->weight;
    }
    for (int key = 0; key < w.keys; ++key) present += keys[key].records.empty() ? 0 : 1;
    return weights == 0 ? 0 : static_cast<double>(present) * w.all[who]->weight / weights;
}

int member::share_above(int who) { return static_cast<int>(std::ceil(fair(who) - 1e-9)); }

int member::cap(int who) { return std::max(1, static_cast<int>(std::ceil(fair(who) * 1.25 - 1e-9))); }

bool member::in_charge(int key) {
    auto& k = keys[key];
    if (w.now < k.back_until) return false;
    auto all = order(key);
    const auto* r = read(key);
    const auto first = std::find_if(all.begin(), all.end(), [&](int j) {
        if (r != nullptr && r->to >= 0 && std::find(all.begin(), all.end(), r->to) != all.end())
            return j == r->to;
        return w.by_hash || w.is(mutation::caps_ignored) || count(j) < cap(j);
    });
    if (first != all.end()) std::rotate(all.begin(), first, first + 1);
    const auto rank = static_cast<int>(std::find(all.begin(), all.end(), self) - all.begin());
    return rank == 0 || (k.free_since >= 0 && w.now - k.free_since > rank_wait * rank);
}

// Below its share rounded down; or, if somebody is above its cap, rounded up.
bool member::may_take(int who, bool from_above_cap) {
    const bool up = from_above_cap && !w.is(mutation::pulls_below_floor_only);
    return count(who) < (up ? share_above(who) : static_cast<int>(fair(who) + 1e-9));
}

void member::rebalance() {
    if ((w.of != kind::hash && w.of != kind::sticky) || w.now - quiet_since < settle_after || !accepts())
        return;
    if (w.by_hash) { // an owner passes a key to its first choice
        for (int key = 0; key < w.keys; ++key) {
            if (keys[key].running && !lingers(key)) wanted(order(key).front(), key);
        }
        return;
    }
    if (!may_take(self, false) && !may_take(self, true) && !w.is(mutation::grants_unchecked)) return;
    int richest = -1, excess = 0; // who is furthest above its share
    for (int j = 0; j < members_max; ++j) {
        if (p[j].is != state::up || !p[j].accepts) continue;
        const int above = w.is(mutation::grants_unchecked)    ? count(j)
                          : may_take(self, count(j) > cap(j)) ? count(j) - share_above(j)
                                                              : 0;
        if (above > excess) richest = j, excess = above;
    }
    for (int key = 0; richest >= 0 && key < w.keys; ++key) {
        const auto* r = read(key);
        if (r == nullptr || !is_claim(r->epoch) || r->id.who != richest) continue;
        message m(message::kind::want);
        m.key = key;
        return w.send(self, richest, m, false);
    }
}

void member::wanted(int by, int key) {
    const auto& r = keys[key].running;
    if (by == self || !r || r->now != run::phase::running || lingers(key) || !accepts()) return;
    if (p[by].is != state::up || !p[by].accepts || w.now - quiet_since < settle_after) return;
    int moving = 0;
    for (const auto& k : keys) moving += k.running && k.running->now == run::phase::stopping ? 1 : 0;
    if (moving >= moves_max) return;
    if (!w.by_hash && !w.is(mutation::grants_unchecked)) {
        const int enough = w.is(mutation::grants_above_cap_only) ? cap(self) : share_above(self);
        if (count(self) <= enough || !may_take(by, count(self) > cap(self))) return;
    }
    ++w.counts["passed"];
    w.moved(key);
    stop(
        key, [] {}, by);
}

// The owner that is read here, or else the member in charge.
int member::route(int key) {
    const auto* r = read(key);
    if (r == nullptr) return -1;
    if (is_claim(r->epoch) && (!owner_is_gone(key, *r) || w.is(mutation::route_names_gone))) return r->id.who;
    auto all = order(key);
    if (!accepts()) std::erase(all, self);
    for (const int j : all) {
        if (r->to == j || (r->to < 0 && (w.by_hash || count(j) < cap(j)))) return j;
    }
    return all.empty() ? -1 : all.front();
}

} // namespace serving
