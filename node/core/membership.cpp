#include "core/membership.hpp"

#include "crdt/store.hpp"

#include <algorithm>

namespace baton::core {

peer* membership::find(const replica_id& id) {
    const auto at = all_.find(id);
    return at == all_.end() ? nullptr : &at->second;
}

const peer* membership::find(const replica_id& id) const {
    const auto at = all_.find(id);
    return at == all_.end() ? nullptr : &at->second;
}

member_state membership::transition(peer& p, member_state to, event_kind why, instant now) {
    const member_state from = std::exchange(p.state.is_, to);
    if (to == member_state::up && from != member_state::suspect) {
        p.up_at = now;
        p.at_join = p.holds.seen;
        p.synced = false;
        met_any_ = true;
    }
    if (to == member_state::left || to == member_state::crashed) {
        p.ended_at = now;
        p.replaced = why == event_kind::restarted;
    }
    return from;
}

void membership::raise(outbox& out, event_kind kind, const replica_id& id, std::string reason) const {
    const auto* const p = find(id);
    out.events.push_back({kind, id, p == nullptr ? std::string{} : p->name, std::move(reason), 0});
    out.note(to_string(kind), id);
}

void membership::check_synced(const store& here, bool at_once, outbox& out) {
    for (auto& [id, p] : all_) {
        if (!is_member(p) || p.synced || p.holds.overfull) continue;
        if (!here.covers(p.at_join) && !at_once) continue;
        p.synced = true;
        raise(out, event_kind::synced, id,
              p.at_join.size() != 0 ? "all that it held is applied here" : "it held nothing");
    }
}

bool membership::all_synced() const {
    return met_any_ && std::all_of(all_.begin(), all_.end(), [](const auto& each) {
               const auto& p = each.second;
               return p.state == member_state::contacting || is_gone(p) || p.synced;
           });
}

std::size_t membership::count_up() const {
    return static_cast<std::size_t>(std::count_if(
        all_.begin(), all_.end(), [](const auto& each) { return each.second.state == member_state::up; }));
}

void note_lack(peer& p, const store& here, instant when) {
    if (here.covers(p.holds.seen) && !p.holds.diverged) {
        p.pull.at.reset();
    } else if (!p.pull.at || *p.pull.at > when) {
        p.pull.at = when;
    }
}

} // namespace baton::core
