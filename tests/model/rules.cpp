// Writes, and the rules of membership: stability, what may be dropped, what is archived.
#include "model.hpp"

#include <algorithm>

namespace model {

// ---------------------------------------------------------------- writing

void world::issue(node& x, block what, int amount, bool rewrite) {
    event e;
    what.id = {x.self, x.counter[x.self] + 1};
    e.past = x.seen();
    e.needs = x.cut();
    e.amount = amount;
    e.rewrite = rewrite;
    if (what.where.what == type::scope) {
        what.context = broken_ == mutation::context_without_archive ? x.cut() : e.past;
    }
    const bool kills = what.where.what != type::counter && !rewrite;
    if (const auto found = x.chains.find(what.where); kills && found != x.chains.end()) {
        for (const auto& b : found->second) {
            if (b.id.origin != x.self) e.kills.push_back(b.id);
        }
    }
    if (rewrite) {
        for (const auto& t : what.takes) e.kills.push_back({t.origin, t.counter});
        what.takes.clear();
    }
    e.what = what;
    // The oracle does not look at chains: what a removal or overwrite has seen in its slot or scope is gone.
    const bool ends = !rewrite && (what.where.what != type::counter || what.removal);
    for (auto& log : events_) {
        for (auto& each : log) {
            const auto& at = each.what.where;
            const bool reached = what.where.what == type::scope
                                     ? at.what == type::element && at.key == what.where.key
                                     : at == what.where;
            if (ends && reached && covers(e.past, each.what.id)) each.killers.push_back(what.id);
        }
    }
    say("node " + std::to_string(x.self) +
        (what.removal  ? " removes "
         : amount != 0 ? " adds "
                       : " puts ") +
        name(what.where) + " as " + name(what.id) + " having seen " + name(e.past));
    ask_for_line(x, e);
    x.apply(e, broken_);
    events_[x.self].push_back(e);
    for (const auto& other : nodes_) {
        const bool lost = cut_off_[x.self][other.self] || chance(loss_);
        if (other.alive && other.self != x.self && !lost) flying_[other.self][x.self].insert(what.id.counter);
    }
    check(x);
}

void world::write(node& x) {
    if (events_[x.self].size() > 40) return;
    block what;
    const int kind = only_ < 0 ? below(10) : only_;
    const bool remove = chance(removes_);
    const auto visible = [&](const slot& where) {
        const auto found = x.chains.find(where);
        return found != x.chains.end() &&
               std::any_of(found->second.begin(), found->second.end(),
                           [](const block& b) { return !b.removal && !b.residue(); });
    };
    if (kind < 3 || (kind < 6 && counters_ == 0)) {
        what.where = {type::reg, below(regs_), 0};
    } else if (kind < 6) {
        what.where = {type::counter, below(counters_), 0};
    } else if (kind < 9) {
        what.where = {type::element, 0, below(elements_)};
    } else {
        what.where = {type::scope, 0, 0};
        bool any = false;
        for (int i = 0; i < elements_; ++i) any |= visible({type::element, 0, i});
        what.removal = true;
        if (any) issue(x, what);
        return;
    }
    what.removal = remove;
    if (remove && !visible(what.where)) return;
    if (what.where.what != type::counter) {
        what.value = remove ? 0 : ++values_;
        return issue(x, what);
    }
    const auto& blocks = x.chains[what.where];
    if (remove) {
        for (const auto& b : blocks) {
            if (!b.removal && !b.residue()) what.takes.push_back({b.id.origin, b.id.counter, b.total});
        }
        return issue(x, what);
    }
    const int amount = 1 + below(9);
    what.total = amount;
    what.base_counter = broken_ == mutation::restart_without_base ? 0 : x.counter[x.self];
    what.birth = x.counter[x.self] + 1;
    for (const auto& b : blocks) {
        if (b.removal || b.id.origin != x.self) continue;
        if (b.residue() && lines_) continue; // a line all of which is removed may be closed
        what.birth = b.birth;
        what.total = b.total + amount;
        what.base_counter = b.base_counter;
        what.base_sum = b.base_sum;
    }
    issue(x, what, amount);
}

// The rest of a line when its origin was archived has been removed since, so the line can end, too.
bool world::has_open_residue(const node& x, int origin) const {
    for (const auto& [where, blocks] : x.chains) {
        for (const auto& b : blocks) {
            if (b.residue() && b.id.origin == origin && !x.is_closed(b)) return true;
        }
    }
    return false;
}

std::map<slot, int> world::readings(const node& x) {
    std::map<slot, int> all;
    for (const auto& [where, blocks] : x.chains) {
        for (const auto& b : blocks) {
            if (b.share()) all[where] += b.total - b.base_sum;
        }
    }
    std::erase_if(all, [](const auto& each) { return each.second == 0; });
    return all;
}

// The broken rule: one event names the shares of closed origins and adds them to the writer's own.
void world::fold_shares(node& x) {
    for (int key = 0; key < counters_; ++key) {
        block what;
        what.where = {type::counter, key, 0};
        what.birth = x.counter[x.self] + 1;
        what.base_counter = x.counter[x.self];
        for (const auto& b : x.chains[what.where]) {
            if (!b.share() || b.residue()) continue;
            if (b.id.origin == x.self) {
                what.total += b.total;
                what.birth = b.birth, what.base_counter = b.base_counter, what.base_sum = b.base_sum;
            } else if (x.archive()[b.id.origin] != 0) {
                what.total += b.total - b.base_sum;
                what.takes.push_back({b.id.origin, b.id.counter, b.total});
            }
        }
        if (what.takes.size() > 1) issue(x, what, 0, true);
    }
}

void world::try_archive(node& x) {
    if (broken_ == mutation::shares_folded) fold_shares(x);
    for (int o = 0; o < static_cast<int>(nodes_.size()); ++o) {
        auto& p = x.peers[o];
        const int last = x.seen()[o];
        const bool left = last != 0 && p.final == last, unsaid = left && x.closed[o] != last;
        const bool gone = p.gone && (p.final < 0 || broken_ != mutation::left_is_final);
        const bool unfenced = lines_ && x.archive()[o] != 0 && !left && has_open_residue(x, o);
        if (o == x.self || (x.cut()[o] == 0 && !unsaid && !unfenced) || p.counted ||
            !(gone || p.final == last))
            continue;
        bool mine = true;
        for (int m = 0; m < x.self; ++m) mine &= !x.peers[m].counted;
        mine |= x.cut()[o] == 0; // archived by somebody who has not heard the goodbye: whoever has adds it
        if (!mine || (!stable(x, {o, last}) && broken_ != mutation::archive_unstable)) continue;
        if (broken_ == mutation::archive_rewrites) {
            std::vector<block> again;
            for (const auto& [where, blocks] : x.chains) {
                for (const auto& b : blocks) {
                    if (b.id.origin != o || b.removal || where.what == type::counter) continue;
                    again.push_back(b);
                    again.back().takes = {{b.id.origin, b.id.counter, 0}};
                }
            }
            for (const auto& b : again) issue(x, b, 0, true);
        }
        block what;
        what.where = {type::archive, o, 0};
        what.removal = true;
        what.value = last;
        const auto before = readings(x);
        what.closed = left || broken_ == mutation::closed_by_silence;
        what.fences = lines_ && !what.closed;
        for (const auto& [where, blocks] : x.chains) {
            for (const auto& b : blocks) {
                const bool half = b.id.origin == o && b.touched() && !b.residue();
                if (half && what.fences && broken_ != mutation::line_half_removed) what.open.insert(b.birth);
            }
        }
        issue(x, what);
        if (readings(x) != before) fail("closing an origin changes what is counted");
        return;
    }
}

// ---------------------------------------------------------------- members

void world::hello(node& from, node& to) {
    auto& p = to.peers[from.self];
    p.counted = true;
    p.gone = false;
    p.told_cut = from.cut();
    p.told_archive = from.archive();
    for (int o = 0; o < origins_max; ++o) { // a LEFT is passed on
        auto& mine = to.peers[o];
        if (from.peers[o].final < 0 || o == to.self || !gossip_) continue;
        mine.final = from.peers[o].final;
        mine.counted = false;
    }
}

void world::deliver(node& x) {
    const int first = below(origins_max);
    for (int i = 0; i < origins_max; ++i) {
        const int o = (first + i) % origins_max;
        auto& flying = flying_[x.self][o];
        if (flying.empty()) continue;
        const dot id{o, *flying.begin()};
        const auto& e = events_[o][static_cast<std::size_t>(id.counter - 1)];
        const auto seen = x.seen();
        const auto& s = x.inbound;
        const bool parked = s && s->started && s->how == plan::ranges && covers(s->server_start, id) &&
                            broken_ != mutation::ranges_late_deltas;
        const bool next = id.counter == seen[o] + 1 && covers(seen, e.needs);
        if (!covers(seen, id) && (parked || !next)) { // waits; the buffer is small
            if (!chance(keep_)) flying.erase(flying.begin());
            continue;
        }
        flying.erase(flying.begin());
        if (covers(seen, id)) continue;
        if (!covers(seen, e.past)) fail("an event is applied before what its writer had seen");
        say("node " + std::to_string(x.self) + " applies " + name(id));
        ask_for_line(x, e);
        x.apply(e, broken_);
        return check(x);
    }
}

bool world::told(const node& x, int member, dot d) const {
    const auto& p = x.peers[member];
    return covers(p.told_cut, d) || (p.told_archive == x.archive() && covers(p.told_archive, d));
}

bool world::stable(const node& x, dot d) const {
    for (int m = 0; m < origins_max; ++m) {
        if (x.peers[m].counted && !told(x, m, d)) return false;
    }
    return true;
}

// A residue may go when no record of its origin with an older base can still arrive.
bool world::residue_done(const node& x, block& b) const {
    const int o = b.id.origin;
    const auto& p = x.peers[o];
    const auto seen = x.seen();
    if (broken_ == mutation::residue_at_once || o == x.self) return true;
    // The origin has left and all its events are here: by its own report, or by the archive, which newcomers
    // have too.
    if (p.final >= 0 && seen[o] == p.final) return true;
    if (x.closed[o] != 0 && x.closed[o] == x.archive()[o]) return true;
    if (x.archive()[o] != 0 && broken_ == mutation::residue_of_archived) return true;
    if (!b.residue_at) b.residue_at = seen;
    for (int i = 0; i < origins_max; ++i) {
        if ((*b.residue_at)[i] != 0 && !told(x, o, {i, (*b.residue_at)[i]})) return false;
    }
    return seen[o] >= p.told_cut[o] || broken_ == mutation::residue_told_only;
}

void world::collect(node& x, int percent) {
    vec held;
    held.fill(unbounded);
    for (const auto& other : nodes_) {
        const auto& s = other.inbound;
        if (s && s->open && s->server == x.self && broken_ != mutation::ignore_sessions)
            held = meet(held, s->start);
    }
    const bool compared = std::any_of(nodes_.begin(), nodes_.end(), [&](const node& other) {
        const auto& s = other.inbound;
        return s && s->open && s->server == x.self && s->how == plan::ranges &&
               broken_ != mutation::residue_while_compared;
    });
    for (auto at = x.chains.begin(); at != x.chains.end();) {
        auto& blocks = at->second;
        std::erase_if(blocks, [&](block& b) {
            if (!chance(percent)) return false;
            if (!b.removal) return b.residue() && !compared && residue_done(x, b);
            const bool free = stable(x, b.id);
            if (broken_ == mutation::drop_unstable && !free) return true; // and the floor does not know
            if (!free || !covers(held, b.id)) return false;
            say("node " + std::to_string(x.self) + " drops the removal record " + name(b.id));
            x.floor[b.id.origin] = std::max(x.floor[b.id.origin], b.id.counter);
            return true;
        });
        at = blocks.empty() ? x.chains.erase(at) : std::next(at);
    }
    check(x);
}

} // namespace model
