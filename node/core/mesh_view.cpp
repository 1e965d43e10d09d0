// What people who watch the mesh want to see (view.hpp). Each function is one short hold of the lock.
#include "core/mesh.hpp"

#include <algorithm>

namespace baton::core {

bool mesh::is_ready() {
    if (is_leaving()) return false;
    if (peers_.met_any()) return is_caught_up();
    was_alone_ = was_alone_ || settings_.founding || contact_.seeds.is_alone();
    return was_alone_ && !spills_.has_unread();
}

std::vector<member_link> mesh::links() const {
    std::vector<member_link> all;
    all.reserve(peers_.size());
    for (const auto& [id, p] : peers_) {
        const bool there = is_member(p) || (p.state == member_state::contacting && p.greeted);
        const bool silent = p.state == member_state::suspect && !p.health.one_way_since;
        all.push_back({id, there && !silent, there && p.sees_me});
    }
    return all;
}

std::vector<member_view> mesh::views(const replica_id& after, std::size_t most) const {
    std::vector<member_view> some;
    for (auto each = peers_.upper_bound(after); each != peers_.end() && some.size() < most; ++each)
        some.push_back({each->first, is_member(each->second) ? each->second.proof.answer.named
                                                             : std::vector<replica_id>{}});
    return some;
}

bool mesh::has_answers(std::uint64_t question) const {
    return std::all_of(peers_.begin(), peers_.end(), [&](const auto& each) {
        return each.second.state != member_state::up || each.second.proof.answer.is_to(question);
    });
}

std::vector<sync_progress> mesh::syncs() const {
    std::vector<sync_progress> all;
    if (const auto own = receiver_.progress(time_.now())) all.push_back(*own);
    server_.progress(time_.now(), all);
    for (auto& each : all) {
        const auto* const p = peers_.find(each.with);
        if (p != nullptr) each.name = p->name;
    }
    return all;
}

std::vector<claimed_key> mesh::claims_seen(std::size_t most, std::size_t& all) {
    std::vector<claimed_key> seen;
    std::vector<record_view> found;
    all = 0;
    for (const auto& [owner, count] : store_.claimants()) {
        all += count;
        for (std::uint64_t at = store_.next_claim(owner, 0); at != 0 && seen.size() < most;
             at = store_.next_claim(owner, at)) {
            const dot claimed{owner, at};
            std::string key(store_.slot_at(claimed).key);
            store_.siblings(key, found);
            if (!found.empty() && found.front().id == claimed) seen.push_back({std::move(key), owner});
        }
    }
    return seen;
}

} // namespace baton::core
