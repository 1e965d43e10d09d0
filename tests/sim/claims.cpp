// Claims in a simulated world: what the oracle learns of them, by their rules, and who owns a key in the end.
#include "sim/world.hpp"

#include <algorithm>

namespace baton::sim {

std::vector<const oracle::written*> world::registers(std::size_t key, const counts& saw) const {
    std::vector<const oracle::written*> live;
    oracle_.visible(key, saw, live);
    std::erase_if(live, [](const auto* e) { return e->what.type != value_type::reg; });
    return live;
}

// A put of a register that replaces what it names.
void world::note_register(process& p, const dot& id, std::size_t key, std::string value, counts saw,
                          std::vector<const oracle::written*> only) {
    operation what{value_type::reg, false, 0, 0, std::move(value)};
    learn(p, id, what);
    what.only.emplace();
    for (const auto* e : only) what.only->emplace_back(e->origin, e->counter);
    oracle_.write(p.origin, id.counter, key, std::move(what), std::move(saw));
}

// The value that is read gets an epoch above all present ones; the others stay.
bool world::claim(process_number who, std::size_t key, std::optional<duration> lease) {
    auto& p = *processes_[who];
    (void)owns(who, key);
    auto saw = counts_of(full_cut(p));
    const auto name = key_name(key);
    const auto grant = p.mesh->registers().claim(moment_of(p), name, {lease});
    if (!grant) return false;
    p.claims[key] = grant->number;
    p.leases.erase(key);
    if (lease) p.leases[key] = {clock_.now() + *lease, *lease};
    p.shown[key].clear();
    for (const auto& each : grant->shown) p.shown[key].insert(each.written.id);
    const dot id{p.id, p.mesh->state().counter_of(p.id)};
    p.claimed[key] = id;
    mix(name), mix(grant->epoch);
    tell(p, "claim " + name + ' ' + std::to_string(id.counter));
    if (how_.check) {
        const auto live = registers(key, saw);
        const auto* const best = best_of(live, value_type::reg, 0);
        if (best == nullptr || grant->shown.front().value != best->what.value)
            fail(p, "claimed another value than the one that is read: " + name);
        note_register(p, id, key, best->what.value, std::move(saw), {best});
        const auto now = *p.mesh->state().read(name);
        std::uint64_t highest = 0; // no clock is asked
        for (const auto* e : live) highest = std::max({highest, e->what.epoch, e->what.stamp.raw});
        if (now.id != id || now.epoch != grant->epoch || grant->epoch != ((highest + 1) | 1))
            fail(p, "claimed and is not read, or under another number: " + name);
    }
    toil(p);
    return true;
}

// Replaces what the handle was shown, as far as it is still there: with what came since it lives on.
bool world::commit(process_number who, std::size_t key, std::string value) {
    auto& p = *processes_[who];
    const auto name = key_name(key);
    const auto held = p.claims.find(key);
    if (held == p.claims.end() || !owns(who, key)) return false;
    auto saw = counts_of(full_cut(p));
    const auto before = registers(key, saw);
    const auto written = p.mesh->registers().commit(moment_of(p), name, held->second, value);
    if (!written) return false;
    if (const auto lease = p.leases.find(key); lease != p.leases.end())
        lease->second.until = clock_.now() + lease->second.span;
    mix(name), mix(value);
    tell(p, "commit " + name + ' ' + std::to_string(written->id.counter));
    if (how_.check) {
        std::vector<record_view> left;
        p.mesh->state().siblings(name, left);
        std::vector<const oracle::written*> gone;
        for (const auto* e : before) {
            const dot id{processes_[e->origin]->id, e->counter};
            const bool stays =
                std::any_of(left.begin(), left.end(), [&](const auto& r) { return r.id == id; });
            if (!stays && !p.shown[key].contains(id) && e->origin != p.origin)
                fail(p, "committed over what its handle was not shown: " + name);
            if (!stays) gone.push_back(e);
            if (stays && p.shown[key].contains(id)) fail(p, "left what its handle was shown: " + name);
        }
        note_register(p, written->id, key, std::move(value), std::move(saw), std::move(gone));
    }
    toil(p);
    return true;
}

bool world::release(process_number who, std::size_t key) {
    auto& p = *processes_[who];
    const auto name = key_name(key);
    const auto held = p.claims.find(key);
    if (held == p.claims.end() || !owns(who, key)) return false;
    auto saw = counts_of(full_cut(p));
    const bool tentative = p.mesh->registers().owned.is_tentative(name, held->second);
    if (!p.mesh->registers().owned.release(moment_of(p), name, held->second)) return false;
    const dot id{p.id, p.mesh->state().counter_of(p.id)};
    mix(name);
    tell(p, "release " + name + ' ' + std::to_string(id.counter));
    if (how_.check) {
        const auto* const best = best_of(registers(key, saw), value_type::reg, 0);
        if (best == nullptr || best->origin != p.origin) fail(p, "released what is not its own: " + name);
        // No other node may know of the claim yet, so giving it up takes nothing from a node that claimed at
        // the same time.
        operation freed;
        learn(p, id, freed);
        const bool unused = dot{p.id, best->counter} == p.claimed[key];
        if (unused && tentative && freed.epoch > best->what.epoch)
            fail(p, "beats others by a claim that may have been nobody's: " + name);
        note_register(p, id, key, best->what.value, std::move(saw), {best});
    }
    toil(p);
    return true;
}

// A call that finds a lease over writes that the key is free.
bool world::owns(process_number who, std::size_t key) {
    auto& p = *processes_[who];
    const auto held = p.claims.find(key);
    if (held == p.claims.end()) return false;
    const auto before = p.mesh->state().counter_of(p.id);
    const bool is = p.mesh->registers().owned.owns(moment_of(p), key_name(key), held->second);
    if (const auto now = p.mesh->state().counter_of(p.id); now != before) {
        p.called = {now, counts_of(full_cut(p))};
        slice(p);
    }
    const auto lease = p.leases.find(key);
    if (how_.check && is && lease != p.leases.end() && clock_.now() >= lease->second.until)
        fail(p, "owns by a lease that is over: " + key_name(key));
    return is;
}

bool world::is_tentative(process_number who, std::size_t key) {
    auto& p = *processes_[who];
    const auto held = p.claims.find(key);
    return held == p.claims.end() || p.mesh->registers().owned.is_tentative(key_name(key), held->second);
}

// If two nodes that see each other own the same key, at least one of them must say that it may not be the
// only owner.
void world::check_owners() {
    std::map<std::size_t, std::vector<process_number>> sure;
    for (const auto who : alive()) {
        auto& p = *processes_[who];
        if (p.frozen) continue;
        for (const auto& [key, number] : p.claims) {
            if (owns(who, key) && !is_tentative(who, key)) sure[key].push_back(who);
        }
    }
    const auto sees = [&](process_number a, process_number b) {
        const auto all = processes_[a]->mesh->members();
        return std::any_of(all.begin(), all.end(), [&](const member& m) {
            return m.id == processes_[b]->id && m.state == member_state::up;
        });
    };
    for (const auto& [key, all] : sure) {
        for (const auto a : all) {
            for (const auto b : all) {
                if (a < b && sees(a, b) && sees(b, a))
                    fail(*processes_[a], "owns " + key_name(key) + " as " + processes_[b]->name +
                                             " does, and neither is tentative");
            }
        }
    }
}

// If the owner is gone, a member writes the release, unless all living members have different values of their
// own in the slot.
std::string world::unowned() {
    const auto all = alive();
    for (std::size_t key = 0; key < how_.keys; ++key) {
        const auto name = key_name(key);
        std::optional<replica_id> owner;
        for (const auto who : all) {
            const auto found = mesh(who).state().read(name);
            const auto reads =
                found && found->epoch % 2 != 0 ? std::optional(found->id.replica) : std::nullopt;
            if (who != all.front() && reads != owner) return name + " has owners that differ";
            owner = reads;
        }
        bool held = false;
        for (const auto who : all) {
            if (!owns(who, key)) continue;
            if (owner != at(who).id) return at(who).name + " believes that it owns " + name;
            held = true;
        }
        if (!owner || held) continue;
        std::vector<record_view> found;
        mesh(all.front()).state().siblings(name, found);
        const bool somebody_can = std::any_of(all.begin(), all.end(), [&](process_number who) {
            return std::none_of(found.begin(), found.end(), [&](const record_view& r) {
                return r.id.replica == at(who).id && r.value != found.front().value;
            });
        });
        if (by_id_.contains(*owner) && processes_[by_id_.at(*owner)]->alive())
            return name + " is owned by " + name_of(*owner) + ", which does not know it";
        if (somebody_can) return name + " is still owned by " + name_of(*owner) + ", which is gone";
    }
    return {};
}

} // namespace baton::sim
