// Decides whether a key is absent. It is absent if every node that could hold it has answered, and all events
// that they named are applied here. Otherwise the result names the nodes that the caller waits for.
#include "core/mesh.hpp"

#include <algorithm>

namespace baton::core {

// No node has the key if four things hold. It is absent here. Every node that can answer has answered a
// question that was asked after the call began. Everything that the answers named is applied here, and they
// name no node that has not answered. No silent or crashed node is known to have held more.
absence mesh::judge_absence(std::uint64_t question) const {
    absence now;
    std::size_t in_view = 1;
    for (const auto& [id, p] : peers_) {
        in_view += is_member(p) ? 1 : 0;
        if (settings_.broken == mutation::absent_by_local_view) continue;
        if (is_gone(p)) { // its reports name what it held
            if (!store_.covers(p.holds.seen) && !is_lost_for_good(p)) now.who.push_back(id);
        } else if (can_answer(p)) {
            if (!p.proof.answer.is_heard(question, store_)) now.who.push_back(id);
            if (p.proof.answer.is_to(question)) proofs_.name_unheard(id, p, now.who);
        }
    }
    std::sort(now.who.begin(), now.who.end());
    now.who.erase(std::unique(now.who.begin(), now.who.end()), now.who.end());
    if (!now.who.empty()) return now;
    if (settings_.mesh_size != 0 && in_view <= settings_.mesh_size / 2) return now;
    // An unread file may hold that key.
    if (spills_.has_unread()) return now;
    now.confirmed = peers_.met_any() || settings_.founding || contact_.seeds.is_alone();
    if (now.confirmed) return now;
    now.seeds = contact_.seeds.standing();
    contact_.seeds.name_unmet(now.who);
    return now;
}

void mesh::catch_up(const moment& at) {
    proofs_.want_views(at.now);
    wake_by(proofs_.deadline());
}

bool mesh::is_caught_up() const {
    if (!synced() || spills_.has_unread()) return false;
    std::vector<replica_id> unheard;
    return std::all_of(peers_.begin(), peers_.end(), [&](const auto& each) {
        const auto& [id, p] = each;
        if (p.state == member_state::contacting) return !p.greeted || store_.covers(p.holds.seen);
        if (p.state == member_state::up && !p.proof.answer.given) return false;
        if (is_member(p)) proofs_.name_unheard(id, p, unheard);
        return unheard.empty();
    });
}

} // namespace baton::core
