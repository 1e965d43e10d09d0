#include "core/contact/redialler.hpp"

#include <algorithm>

namespace baton::core {

namespace {
// The address to try next: each address of the member in turn, every second time the last one that worked.
std::string address_to_try(const peer& p) {
    const auto turn = p.redial.knocks;
    if (p.ways.empty() || turn % 2 == 0) return p.endpoint;
    const auto& way = p.ways[p.ways.size() - 1 - turn / 2 % p.ways.size()];
    return discovery::endpoint_of(way.host, way.port);
}
} // namespace

// Ends the link of a dead member, unless it answers.
void redialler::judge_link(const replica_id& id, peer& p, outbox& out) {
    auto& r = p.redial;
    const auto& l = links_[*p.via];
    r.waits = false;
    if (l.open && l.answered) { // the node is there: only its PUB or its subscription is missing
        r.link_until = std::max<instant>(r.link_until, time_.now() + redialling::link_tried_for);
    } else if (time_.now() >= r.link_until) {
        links_.release(p, out);
        out.note("given up", id);
    }
    if (p.via) time_.wake_by(r.link_until);
}

peer* redialler::tend(outbox& out) {
    const auto now = time_.now();
    std::pair<const replica_id, peer>*to_knock = nullptr, *to_probe = nullptr;
    for (auto& each : members_) {
        auto& [id, p] = each;
        auto& r = p.redial;
        if (p.state != member_state::crashed) {
            r = {};
            continue;
        }
        if (p.via) judge_link(id, p, out);
        if (p.via) continue;
        if (!r.waits) redialling::begin(r, now, random_());
        if (p.address_taken) continue; // another node has the address
        if (now >= r.knock_at && (to_knock == nullptr || r.knock_at < to_knock->second.redial.knock_at))
            to_knock = &each;
        if (now >= r.datagram_at &&
            (to_probe == nullptr || r.datagram_at < to_probe->second.redial.datagram_at))
            to_probe = &each;
    }
    if (to_knock != nullptr && pace_.knocks_now(now)) {
        auto& p = to_knock->second;
        const auto endpoint = address_to_try(p);
        pace_.note_knock(p.redial, now, random_());
        if (!endpoint.empty() && !links_.is_dialled(endpoint)) {
            ++knocks_;
            out.actions.push_back(knock{to_knock->first, endpoint});
        }
    }
    peer* probed = nullptr;
    if (to_probe != nullptr && pace_.sends_now(now)) {
        probed = &to_probe->second;
        pace_.note_datagram(probed->redial, now);
    }
    for (const auto& [id, p] : members_) {
        if (p.state == member_state::crashed && !p.via && !p.address_taken)
            time_.wake_by(pace_.due(p.redial));
    }
    return probed;
}

void redialler::knocked(const core::knocked& in, outbox& out) {
    auto* const p = members_.find(in.who);
    if (p == nullptr || p->state != member_state::crashed) return;
    redialling::knocked(p->redial, in.how, time_.now());
    if (in.how == knock_outcome::open) revive(in.who, *p, in.endpoint, out);
    time_.wake_by(time_.now());
}

void redialler::revive(const replica_id& id, peer& p, const std::string& endpoint, outbox& out) {
    const auto now = time_.now();
    if (p.state != member_state::crashed || p.via || endpoint.empty() || links_.is_dialled(endpoint)) return;
    const bool lately = p.redial.tried_at != instant{} && now - p.redial.tried_at < redialling::tries_apart;
    if (lately || !links_.may_dial()) return;
    p.redial.tried_at = now;
    p.redial.link_until = now + redialling::link_tried_for;
    out.note("tried again", id);
    // A new link replaces no peer.
    (void)links_.bind(links_.connect(endpoint, out, keys_.known().key_of(id)), id, out);
    time_.wake_by(p.redial.link_until);
}

} // namespace baton::core
