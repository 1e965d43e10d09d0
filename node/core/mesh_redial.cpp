// Members that were called crashed, tried again: a cut heals by itself after hours, and the dead cost little.
#include "core/seeding.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
// Where to knock next: each address of it in turn, the last one that worked most often.
std::string address_to_try(const peer& p) {
    const auto turn = p.redial.knocks;
    if (p.ways.empty() || turn % 2 == 0) return p.endpoint;
    const auto& way = p.ways[p.ways.size() - 1 - turn / 2 % p.ways.size()];
    return discovery::endpoint_of(way.host, way.port);
}
} // namespace

// There is a link to that address already: of a seed, or of whoever lives there now.
bool mesh::is_dialled(const std::string& endpoint) const {
    return scout_.self_endpoints.contains(endpoint) ||
           std::any_of(links_.begin(), links_.end(),
                       [&](const auto& each) { return each.second.endpoint == endpoint; });
}

// O(peers), five times a second at most while one of them is dead.
void mesh::tend_dead(outbox& out) {
    if (handover_.has_said_left()) return;
    const std::pair<const replica_id, peer>*knocked_at = nullptr, *sent_to = nullptr;
    for (auto& each : peers_) {
        auto& [id, p] = each;
        auto& r = p.redial;
        if (p.state != member_state::crashed) {
            r = {};
            continue;
        }
        if (p.via) {
            const auto& l = links_[*p.via];
            r.waits = false;
            if (l.open && l.answered) { // it is there: what is missing is its PUB, or its subscription
                r.link_until = std::max<instant>(r.link_until, at_.now + redialling::link_tried_for);
            } else if (at_.now >= r.link_until) {
                release_link(p, out);
                out.note("given up", id);
            }
            if (p.via) wake_by(r.link_until);
        }
        if (p.via) continue;
        if (!r.waits) redialling::begin(r, at_.now, random_());
        if (p.address_taken) continue; // it will not be found there
        if (at_.now >= r.knock_at &&
            (knocked_at == nullptr || r.knock_at < knocked_at->second.redial.knock_at))
            knocked_at = &each;
        if (at_.now >= r.datagram_at &&
            (sent_to == nullptr || r.datagram_at < sent_to->second.redial.datagram_at))
            sent_to = &each;
    }
    if (knocked_at != nullptr && redialling_.knocks_now(at_.now)) {
        auto& p = peers_.add(knocked_at->first);
        const auto endpoint = address_to_try(p);
        redialling_.note_knock(p.redial, at_.now, random_());
        if (!endpoint.empty() && !is_dialled(endpoint)) {
            ++counters_.knocks;
            out.actions.push_back(knock{knocked_at->first, endpoint});
        }
    }
    if (sent_to != nullptr && redialling_.sends_now(at_.now)) {
        auto& p = peers_.add(sent_to->first);
        redialling_.note_datagram(p.redial, at_.now);
        detector_.probe_dead(p, out);
    }
    for (const auto& [id, p] : peers_) {
        if (p.state == member_state::crashed && !p.via && !p.address_taken)
            wake_by(redialling_.due(p.redial));
    }
}

verdict mesh::take(const knocked& in, outbox& out) {
    if (in.who.is_nil()) return seeding{*this}.knocked(in, out);
    auto* const p = peers_.find(in.who);
    if (p == nullptr || p->state != member_state::crashed) return {};
    redialling::knocked(p->redial, in.how, at_.now);
    if (in.how == knock_outcome::open) revive(in.who, *p, in.endpoint, out);
    wake_by(at_.now);
    return {};
}

// There is a sign of it: it has answered, or is said to live. Once in a while, as somebody may lie.
void mesh::revive(const replica_id& id, peer& p, const std::string& endpoint, outbox& out) {
    if (p.state != member_state::crashed || p.via || endpoint.empty() || is_dialled(endpoint)) return;
    const bool lately =
        p.redial.tried_at != instant{} && at_.now - p.redial.tried_at < redialling::tries_apart;
    if (lately || !introductions_.dials.take(at_.now)) return;
    p.redial.tried_at = at_.now;
    p.redial.link_until = at_.now + redialling::link_tried_for;
    out.note("tried again", id);
    bind(connect(endpoint, out, introductions_.known.key_of(id)), id, out);
    wake_by(p.redial.link_until);
}

} // namespace baton::core
