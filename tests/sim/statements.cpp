// Compares what a node says with what is so at that moment on all nodes: that it is synced, that a leave was
// met, which keys a leave leaves unsafe, that a key is absent, that it owns a key for certain; and how long
// news of a reachable origin takes.
//
// Each check states what a partition may excuse.
#include "sim/world.hpp"

#include <algorithm>

namespace baton::sim {

using namespace std::chrono_literals;

namespace {

constexpr auto watch_every = 250ms;

bool sees_up(world::process& p, const replica_id& id) {
    const auto all = p.mesh->members_up();
    return std::find(all.begin(), all.end(), id) != all.end();
}

bool is_end(event_kind kind) {
    return kind == event_kind::crashed || kind == event_kind::left || kind == event_kind::restarted;
}

} // namespace

// ---------------------------------------------------------------- synced

// A process that starts later held nothing at that time except a file; a process that has not been met is not
// in view.
void world::note_start(process& p) {
    p.watched.since = clock_.now();
    for (const auto& other : processes_) {
        if (other->alive() && other.get() != &p) p.watched.at_start.emplace_back(other->number, other->cut);
    }
}

// "True once it holds everything that every member in view held when it joined."
void world::check_synced(process& p) {
    const bool synced = p.mesh->synced();
    if (std::exchange(p.watched.synced, synced) || !synced) return;
    const auto view = in_view(p);
    if (view.empty() && !p.mesh->settings().founding && p.watched.met.empty())
        fail(p, "is synced and has met nobody");
    for (const auto& [who, held] : p.watched.at_start) {
        const bool viewed = std::find(view.begin(), view.end(), who) != view.end();
        if (viewed && !covers(p.cut, held))
            fail(p, "is synced without what " + processes_[who]->name + " held when it started");
    }
    ++statements_checked_;
}

// ---------------------------------------------------------------- leaving

// Met without a copy means that nothing is held: no value that can be read under the cut, folded in or not.
void world::check_met(process& p) {
    if (!how_.check) return;
    std::vector<const oracle::written*> live;
    for (std::size_t key = 0; key < oracle_.keys(); ++key) {
        oracle_.visible(key, p.cut, live);
        if (!live.empty()) fail(p, "says that a leave is met, and nobody has been given " + key_name(key));
    }
    ++statements_checked_;
}

// A key is unsafe, and must be named, if no member in view has applied the value that is read here.
void world::check_unsafe(process& p) {
    if (!how_.check) return;
    std::vector<std::string> named;
    for (std::size_t shard = 0; shard < key_index::shards; ++shard) p.mesh->unsafe_keys(shard, named);
    const std::set<std::string> unsafe(named.begin(), named.end());
    std::vector<process_number> up;
    for (const auto& id : p.mesh->members_up()) {
        if (const auto at = by_id_.find(id); at != by_id_.end()) up.push_back(at->second);
    }
    std::vector<const oracle::written*> live;
    for (std::size_t key = 0; key < oracle_.keys(); ++key) {
        if (unsafe.contains(key_name(key))) continue;
        oracle_.visible(key, p.cut, live);
        for (const auto* e : live) {
            const bool held = std::any_of(up.begin(), up.end(), [&](process_number who) {
                return count_of(processes_[who]->cut, e->origin) >= e->counter;
            });
            if (!held) fail(p, "leaves and does not name " + key_name(key) + ", which nobody else holds");
        }
    }
    ++statements_checked_;
}

// ---------------------------------------------------------------- absence

// The nodes that a question must reach: those whose HELLO has come and that are not called gone. What a
// crashed node held beyond its reports is not counted, nor a node that nobody on this side of a partition
// knows. The contents of a file that a node has found and not merged count as held by it.
void world::note_question(process& p, process::promise& promise) {
    for (const auto& m : p.mesh->members()) {
        const auto at = by_id_.find(m.id);
        if (at == by_id_.end() || m.state == member_state::left || m.state == member_state::crashed) continue;
        if (m.state == member_state::contacting && !p.watched.greeted.contains(at->second)) continue;
        const auto& held = *processes_[at->second];
        if (!held.alive()) continue;
        promise.known.push_back({held.number, p.number, p.events.size(), held.cut});
        if (held.mesh->settings().versions.max < 5 || p.mesh->settings().versions.max < 5) continue;
        for (const auto& each : held.spills) {
            if (!each.file->damaged && !each.file->gone)
                promise.known.push_back({held.number, p.number, p.events.size(), each.file->cut, each.file});
        }
    }
}

void world::check_absent(process& p, const process::promise& promise) {
    std::vector<const oracle::written*> live;
    for (const auto& each : promise.known) {
        auto& who = *processes_[each.who];
        auto& by = *processes_[each.by];
        if (!who.alive() || !by.alive()) continue;
        // Left out if the member that knew it has called it gone since.
        const auto ended =
            std::any_of(by.events.begin() + static_cast<std::ptrdiff_t>(each.events), by.events.end(),
                        [&](const event& e) { return is_end(e.kind) && e.id == who.id; });
        if (ended || (by.number != p.number && !sees_up(p, by.id))) continue;
        const auto members = by.mesh->members();
        const auto now =
            std::find_if(members.begin(), members.end(), [&](const member& m) { return m.id == who.id; });
        if (now == members.end() || now->state == member_state::left || now->state == member_state::crashed)
            continue;
        if (each.file != nullptr && each.file->gone) continue; // merged, so that its answer may have named it
        oracle_.visible(promise.key, each.held, live);
        for (const auto* e : live) {
            if (count_of(p.cut, e->origin) >= e->counter) continue; // removed since
            fail(p, "calls " + key_name(promise.key) + " absent, which " + who.name +
                        (each.file != nullptr ? " has in a file" : " holds") +
                        (by.number == p.number ? "" : ", whom " + by.name + " knows"));
        }
    }
    ++statements_checked_;
}

// ---------------------------------------------------------------- claims

// Two that are up for one another do not both own a key without a doubt for longer than it takes to hear of
// the other's claim. Looking does not change what a node knows: the store is read, and not while it folds.
void world::check_owners(process& p, process& q) {
    for (const auto& each : p.claims) {
        const auto key = each.first;
        if (!q.claims.contains(key)) continue;
        const auto owns = [&](process& who) {
            if (who.mesh->registers().owned.is_tentative(key_name(key), who.claims.at(key))) return false;
            const auto now = who.mesh->state().read(key_name(key));
            return now && now->id.replica == who.id && now->epoch % 2 == 1;
        };
        auto& since = p.watched.both_own.try_emplace({q.number, key}, instant::max()).first->second;
        if (!owns(p) || !owns(q)) {
            since = instant::max();
            continue;
        }
        since = std::min(since, clock_.now());
        if (clock_.now() - since > both_own_max)
            fail(p, "owns " + key_name(key) + " without a doubt, and so does " + q.name);
    }
}

// ---------------------------------------------------------------- progress

// Every so often, each that runs is compared with each that it can reach.
void world::watch() {
    clock_.after(watch_every, [this] { watch(); });
    const auto all = alive();
    for (const auto receiver : all) {
        auto& p = at(receiver);
        for (const auto origin : all) {
            auto& q = at(origin);
            if (receiver == origin) continue;
            const bool reachable = !p.frozen && !q.frozen && !network_.blocked(p.slot, q.slot) &&
                                   !network_.blocked(q.slot, p.slot);
            const bool met = reachable && sees_up(p, q.id) && sees_up(q, p.id);
            if (!met) {
                p.watched.stands.erase(origin);
                p.watched.both_own.clear();
                continue;
            }
            if (receiver < origin && !p.mesh->state().folding() && !q.mesh->state().folding())
                check_owners(p, q);
            check_standstill(p, q);
        }
    }
}

// A member that is full or leaves applies nothing.
void world::check_standstill(process& p, process& q) {
    const auto applied = count_of(p.cut, q.origin);
    auto& stand = p.watched.stands.try_emplace(q.number, process::stand{clock_.now(), applied}).first->second;
    const bool waits = applied < q.mesh->state().counter_of(q.id) && !p.leaving && !p.mesh->is_full();
    if (!waits || applied != stand.applied) stand = {clock_.now(), applied};
    const auto stood = clock_.now() - stand.since;
    longest_standstill_ = std::max(longest_standstill_, stood);
    if (stood > how_.standstill_max)
        fail(p, "has applied nothing of " + q.name + " for " + std::to_string(stood / 1ms) + " ms");
}

// ---------------------------------------------------------------- in the end

// What is left of nodes that are gone and of keys that were removed.
std::string world::untidy() {
    const auto all = alive();
    for (const auto number : all) {
        auto& p = at(number);
        const auto stats = p.mesh->stats();
        const auto says = [&](const char* what, std::uint64_t count) {
            return p.name + " keeps " + std::to_string(count) + ' ' + what;
        };
        if (stats.removals != 0) return says("removal records", stats.removals);
        if (stats.origins > all.size() + origins_beyond) return says("origins in its cut", stats.origins);
        if (p.mesh->is_full() && stats.keys == 0) return p.name + " is full and holds no key";
    }
    return {};
}

} // namespace baton::sim
