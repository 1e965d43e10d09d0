#include "core/contact/quests.hpp"

#include <algorithm>
#include <chrono>

namespace baton::core {

using namespace std::chrono_literals;
using discovery::address;

namespace {
constexpr auto dial_for = 1500ms; // longer than the shell's connect timeout
// Between rounds, doubling; the second one after the last round.
constexpr auto rest_first = 1s, rest_last = 10s;
constexpr unsigned rounds_max = 5;
} // namespace

std::vector<address> latest_first(const peer& p) { return {p.ways.rbegin(), p.ways.rend()}; }

// Keeps the latest addresses, without the one in use.
void learn_ways(peer& p, const std::vector<address>& ways) {
    for (const auto& each : ways) {
        if (each.port == 0 || discovery::endpoint_of(each.host, each.port) == p.endpoint) continue;
        std::erase(p.ways, each);
        if (p.ways.size() >= discovery::addresses_max) p.ways.erase(p.ways.begin());
        p.ways.push_back(each);
    }
}

bool quests::is_trying(const replica_id& id) const {
    const auto at = all_.find(id);
    return at != all_.end() && at->second.under_way != 0;
}

void quests::note_moved(const replica_id& id, peer& p, std::string_view reach, std::string_view seen_at) {
    if (!p.via || !discovery::is_numeric(p.host) || discovery::is_loopback(p.host) ||
        discovery::is_link_local(p.host))
        return;
    const auto all = discovery::parse_hosts(reach, {}, {});
    const auto has = [&](std::string_view host) {
        return std::any_of(all.begin(), all.end(), [&](const address& each) { return each.host == host; });
    };
    if (has(p.host) || !has(seen_at)) return;
    links_[*p.via].stale = true;
    seek(id, latest_first(p), 0ms);
}

void quests::seek(const replica_id& id, const std::vector<address>& ways, mesh_clock::duration after) {
    if (ways.empty() || stopped_) return;
    auto at = all_.find(id);
    if (at == all_.end()) {
        if (all_.size() >= quests_max) {
            ++counters_.peers_ignored;
            return;
        }
        at = all_.emplace(id, quest{}).first;
        at->second.next_at = time_.now() + after;
        const auto* const p = members_.find(id);
        at->second.of_contact = p != nullptr && p->state == member_state::contacting && !p->greeted;
    }
    auto& q = at->second;
    for (const auto& each : ways) {
        if (q.ways.size() >= discovery::addresses_max) break;
        if (std::find(q.ways.begin(), q.ways.end(), each) != q.ways.end()) continue;
        q.ways.push_back(each);
        q.over_at.reset();
        if (q.rounds != 0) q.next_at = std::min(q.next_at, time_.now());
    }
    time_.wake_by(q.over_at.value_or(q.next_at));
}

void quests::seek_reported(const replica_id& id, const std::vector<address>& ways, const replica_id& by) {
    counters_.peers_heard += !all_.contains(id);
    seek(id, ways, 0ms);
    if (const auto at = all_.find(id); at != all_.end()) at->second.told_by = by;
}

void quests::try_way(const replica_id& id, quest& q, outbox& out) {
    const auto& way = q.ways[q.next++];
    const auto endpoint = discovery::endpoint_of(way.host, way.port);
    if (links_.is_own(endpoint) || links_.held_by_another(endpoint, id)) return;
    if (links_.is_dialled(endpoint)) return;
    const auto* const p = members_.find(id);
    const auto* const via = p != nullptr ? links_.of(*p) : nullptr;
    const auto key = via != nullptr ? via->key : discovery::link_key{};
    const bool is_open = links_.is_open_mesh();
    const bool contact = !is_open || p == nullptr || p->state == member_state::contacting;
    if (is_open && contact && !links_.may_dial()) return;
    auto& l = links_[links_.connect(endpoint, out, key, contact)];
    l.trying = id;
    l.until = time_.now() + dial_for;
    ++q.under_way;
    ++counters_.ways_dialled;
    time_.wake_by(l.until);
}

void quests::seek_where_needed() {
    for (auto& [id, p] : members_) {
        if (!is_member(p) || p.ways.empty() || all_.contains(id) || !links_.needs_way(p)) continue;
        if (p.via && p.state == member_state::suspect) { // it may be heard by another link than this one
            auto& l = links_[*p.via];
            l.stale = l.doubted = true;
            l.greet_at = time_.now();
        }
        seek(id, latest_first(p), 0ms);
    }
}

// The number of links that are dialled for quests. Hangs up those whose quest is over.
std::size_t quests::judge_links(outbox& out) {
    for (auto& [id, q] : all_) q.under_way = 0;
    std::size_t dialled = 0;
    auto& links = links_.all();
    for (auto at = links.begin(); at != links.end();) {
        auto& [number, l] = *at;
        if (l.peer) l.trying.reset(); // a node has answered, whichever it is
        if (l.trying) {
            const auto q = all_.find(*l.trying);
            const auto* const p = members_.find(*l.trying);
            if (stopped_ || q == all_.end() || time_.now() >= l.until ||
                (p != nullptr && !links_.needs_way(*p))) {
                if (p != nullptr && p->via) links_.check_later(links_[*p->via]);
                out.actions.emplace_back(hang_up{number});
                at = links.erase(at);
                continue;
            }
            ++q->second.under_way, ++dialled;
            time_.wake_by(l.until);
        }
        ++at;
    }
    return dialled;
}

void quests::tend(outbox& out) {
    seek_where_needed();
    auto dialled = judge_links(out);
    for (auto at = all_.begin(); at != all_.end();) {
        const auto& id = at->first;
        auto& q = at->second;
        auto* const p = members_.find(id);
        const bool ended = q.of_contact && p == nullptr; // a new beacon begins a new quest
        if (stopped_ || ended || (p != nullptr && !links_.needs_way(*p)) ||
            (q.over_at && time_.now() >= *q.over_at)) {
            at = all_.erase(at);
            continue;
        }
        const auto others = q.under_way + (p != nullptr && p->via ? 1 : 0);
        if (q.next < q.ways.size() && time_.now() >= q.next_at && others < at_a_time &&
            dialled < dialled_max) {
            try_way(id, q, out);
            ++dialled;
            q.next_at = time_.now() + dials_apart;
        }
        if (q.next < q.ways.size()) {
            time_.wake_by(std::max(q.next_at, time_.now() + dials_apart / 4));
        } else if (q.under_way == 0 && !q.over_at) {
            end_round(q, p);
            time_.wake_by(q.next_at);
        }
        if (q.over_at) time_.wake_by(*q.over_at);
        ++at;
    }
}

// No address answered: the present link remains the only one until the next round.
void quests::end_round(quest& q, peer* p) {
    const bool unproven = p != nullptr && p->state == member_state::contacting && !p->greeted;
    if (++q.rounds >= rounds_max || unproven) {
        q.over_at = time_.now() + rest_last;
    } else {
        q.next = 0;
        q.next_at = time_.now() + rest_first * (1U << (q.rounds - 1));
    }
    if (p == nullptr || !p->via) return;
    auto& l = links_[*p->via];
    l.stale = false;
    // The peer may be heard by links that it opened itself.
    const bool heard = time_.now() - p->health.life.heard_at() < settings_.liveness.suspect_after;
    if (is_member(*p) && !l.open && !heard) p->health.life.unreachable(time_.now());
}

} // namespace baton::core
