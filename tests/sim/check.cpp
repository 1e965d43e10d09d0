// Checks what must hold after every step of every node, and once the mesh is well again. Equal digests are
// not enough, since a value could come back on every node; so each visible key is compared with what users
// wrote.
#include "sim/world.hpp"

#include <algorithm>

namespace baton::sim {

void world::fail(const process& p, const std::string& what) const {
    const auto ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now().time_since_epoch()).count();
    throw violation(p.name + " at " + std::to_string(ms) + " ms: " + what);
}

// Everything that a node has seen: its cut and its archive.
cut world::full_cut(const process& p) { return joined(p.mesh->state().seen(), p.mesh->state().archived()); }

counts world::counts_of(const cut& seen) const {
    counts all(processes_.size());
    for (const auto& id : seen.entries()) {
        const auto at = by_id_.find(id.replica);
        if (at == by_id_.end()) throw violation("a cut names a replica that never was: " + id.to_string());
        all[at->second] = id.counter;
    }
    return all;
}

void world::check(process& p) {
    auto& store = p.mesh->state();
    const auto sum = store.state_digest();
    if (!how_.check || (!p.unchecked && store.generation() == p.generation && sum == p.sum)) return;
    const auto now = counts_of(full_cut(p));
    if (!covers(now, p.cut)) fail(p, "its cut shrank");
    p.cut = now;
    p.generation = store.generation();
    p.sum = sum;
    p.unchecked = !sum;
    check_groups(p);
    if (!oracle_.causally_closed(now)) fail(p, "its cut is not causally closed (I2)");
    if (!sum) { // reading folds: leave most of it unfolded, so that the states in between are seen too
        ++half_folded_;
        for (int i = 0; i < 3; ++i) check_key(p, luck_.below(oracle_.keys()));
        return;
    }
    check_keys(p);
    std::uint64_t name = 0;
    for (std::size_t i = 0; i < now.size(); ++i) {
        if (now[i] != 0) name = (name ^ (i << 32) ^ now[i]) * 0x9e3779b97f4a7c15, name ^= name >> 31;
    }
    const auto [known, added] = digests_.try_emplace(name, *sum);
    if (!added && known->second != *sum) {
        for (std::size_t key = 0; key < oracle_.keys(); ++key)
            check_key(p, key); // names it, if it is this node's
        fail(p, "equal cuts, different digests (I1)");
    }
    mix(sum->low);
}

namespace {
/// The bytes of an action, or its address; an action may have either, or neither.
template <class Action>
std::string_view contents(const Action& what) {
    if constexpr (requires { what.bytes; }) {
        return what.bytes;
    } else if constexpr (requires { what.endpoint; }) {
        return what.endpoint;
    } else {
        return {};
    }
}
} // namespace

void world::mix_action(const core::action& what) {
    mix(what.index());
    mix(std::visit([](const auto& each) { return contents(each); }, what));
}

// Checks all keys if they are few; otherwise some, and all now and then.
void world::check_keys(process& p) {
    constexpr std::size_t few = 64;
    if (oracle_.keys() <= few || luck_.chance(30)) {
        for (std::size_t key = 0; key < oracle_.keys(); ++key) check_key(p, key);
    } else {
        for (std::size_t i = 0; i < few / 2; ++i) check_key(p, luck_.below(oracle_.keys()));
    }
}

void world::check_key(process& p, std::size_t key) {
    static thread_local std::vector<const oracle::written*> expected;
    static thread_local std::vector<record_view> found, all;
    oracle_.visible(key, p.cut, expected);
    const auto name = key_name(key);
    auto& store = p.mesh->state();
    const auto adds = [](const oracle::written* e) { return e->what.type == value_type::counter; };
    if (store.has_typed_keys() || std::any_of(expected.begin(), expected.end(), adds)) {
        check_counter(p, key, expected);
        std::erase_if(expected, adds);
    }
    // Every slot in which something is expected, and every one in which something might be left.
    all.clear();
    const auto look = [&](const slot_name& slot) {
        store.siblings(slot, found);
        all.insert(all.end(), found.begin(), found.end());
    };
    look({value_type::reg, name, {}});
    if (store.has_typed_keys()) {
        look({value_type::flag, name, {}});
        for (std::size_t element = 0; element < elements; ++element) {
            const auto text = element_name(element);
            look({value_type::set, name, text});
            look({value_type::map, name, text});
        }
    }
    const auto is_there = [&](const oracle::written* event) {
        return std::any_of(all.begin(), all.end(), [&](const record_view& r) {
            return r.id.counter == event->counter && r.id.replica == processes_[event->origin]->id &&
                   r.type == event->what.type && r.value == event->what.value &&
                   r.epoch == event->what.epoch && r.stamp == event->what.stamp;
        });
    };
    if (all.size() == expected.size() && std::all_of(expected.begin(), expected.end(), is_there)) return;
    std::string text = name + " shows";
    for (const auto& r : all) text += ' ' + name_of(r.id.replica) + ':' + std::to_string(r.id.counter);
    text += ", its cut says";
    for (const auto* e : expected)
        text += ' ' + processes_[e->origin]->name + ':' + std::to_string(e->counter);
    fail(p, text);
}

void world::check_merged(process& p, std::size_t key) {
    std::vector<record_view> found;
    p.mesh->state().siblings(key_name(key), found);
    const auto differs = [&](const record_view& r) { return r.value != found.front().value; };
    const bool claimed = !found.empty() && is_claim(found.front().epoch); // only its owner writes it
    if (!claimed && std::any_of(found.begin(), found.end(), differs))
        fail(p, "has not merged " + key_name(key));
}

void world::check_counter(process& p, std::size_t key, const std::vector<const oracle::written*>& expected) {
    std::uint64_t sum = 0;
    bool any = false;
    for (const auto* e : expected) {
        if (e->what.type != value_type::counter) continue;
        any = true;
        sum += static_cast<std::uint64_t>(e->what.amount);
    }
    const auto found = p.mesh->state().count(key_name(key));
    if (found.has_value() == any && static_cast<std::uint64_t>(found.value_or(0)) == sum) return;
    fail(p, key_name(key) + " counts " + (found ? std::to_string(*found) : "nothing") + ", its cut says " +
                (any ? std::to_string(static_cast<std::int64_t>(sum)) : "nothing"));
}

void world::check_everything() {
    std::size_t siblings_max = 0; // the limit of the member that acts for all
    for (const auto number : alive())
        siblings_max = std::max(siblings_max, mesh(number).settings().limits.siblings_max);
    for (const auto number : alive()) {
        auto& p = at(number);
        for (std::size_t key = 0; key < oracle_.keys(); ++key) {
            check_key(p, key);
            if (p.mesh->state().sibling_count({value_type::reg, key_name(key), {}}) > siblings_max)
                fail(p, "keeps too many siblings of " + key_name(key));
            if (how_.merged && key_name(key).starts_with(*how_.merged)) check_merged(p, key);
        }
        for (const auto& found : p.spills) {
            if (!found.file->damaged && !covers(p.cut, found.file->cut))
                fail(p, "lacks what is in the spill of " + processes_[found.file->writer]->name);
        }
        const auto stats = p.mesh->stats();
        if (stats.diverged != 0) fail(p, "diverged");
        for (const auto& [reason, count] : stats.refused_by_reason) {
            // A frame of a stranger may arrive early, and an address may belong to a new incarnation that has
            // not greeted yet.
            const bool innocent =
                reason.find("nobody known") != std::string::npos || reason == "reply before hello" ||
                reason == "stolen identity" ||
                reason == "ack to nothing asked" ||          // an answer to its former incarnation
                reason == "replayed beacon" ||               // overtaken on its way
                reason == "replayed introduction" ||         // likewise, or doubled
                reason == "frame in another wire version" || // not greeted yet
                reason == "too many peers" || // incarnations before a restart count until they are forgotten
                reason == "commit beyond the origin's word" || // this node was cut off from the origin
                (boasted_ && reason == "told more than the commit held") ||
                reason.find("for no session") != std::string::npos; // it has restarted
            if (!innocent && tally_.of[static_cast<std::size_t>(fault::garbage)] == 0)
                fail(p, "refused an honest frame: " + reason);
        }
    }
    // A leave that was met lost nothing, as long as one of those who held it lives, or was met in leaving
    // later.
    const auto kept = [&](const auto& self, const process& p) -> bool {
        return std::any_of(p.heirs.begin(), p.heirs.end(), [&](process_number number) {
            const auto& heir = *processes_[number];
            return heir.alive() || (heir.left && heir.met > p.met && self(self, heir));
        });
    };
    for (const auto& leaver : processes_) {
        if (leaver->met == 0 || !kept(kept, *leaver)) continue;
        for (const auto number : alive()) {
            if (!covers(at(number).cut, leaver->cut))
                fail(at(number), "lacks what " + leaver->name + " handed over");
        }
    }
}

std::string world::unsettled() {
    const auto all = alive();
    for (const auto number : all) {
        auto& p = at(number);
        if (p.leaving) return p.name + " is leaving";
        if (!p.mesh->synced() && all.size() > 1) return p.name + " is not synced";
        if (p.mesh->state().folding()) return p.name + " is folding";
        if (p.mesh->spills_waiting() != 0) return p.name + " has a spill to merge";
        const auto members = p.mesh->members();
        for (const auto other : all) {
            if (other == number) continue;
            const auto known = std::find_if(members.begin(), members.end(),
                                            [&](const member& m) { return m.id == at(other).id; });
            if (known == members.end()) return p.name + " does not know " + at(other).name;
            if (known->state != member_state::up) {
                return p.name + " sees " + at(other).name + " as " + std::string(to_string(known->state));
            }
        }
        const auto& first = at(all.front());
        if (p.mesh->state().seen() != first.mesh->state().seen())
            return p.name + " and " + first.name + " differ";
        if (p.mesh->state().state_digest() != first.mesh->state().state_digest()) return "digests differ";
    }
    return {};
}

} // namespace baton::sim
