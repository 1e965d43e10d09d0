// Links to others: whose each is, whether it still works, and which subscription goes with it.
#include "core/mesh.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
// By then a handshake has arrived or been given up: libzmq allows it 2 s.
constexpr auto check_after = 3s;
} // namespace

// Whether a living member has the link to this address. Then nobody's word counts but what answers there.
bool mesh::held_by_another(const std::string& endpoint, const replica_id& id) {
    for (auto& [number, l] : links_) {
        if (l.endpoint != endpoint || !l.peer || *l.peer == id) continue;
        const auto* const holder = peers_.find(*l.peer);
        if (holder == nullptr || !is_member(*holder)) return false;
        if (!is_open() && !l.open) return false; // its key is of no use there any more
        if (!l.doubted) {
            l.doubted = true;
            l.greet_at = at_.now;
            l.greet_every = 50ms;
            wake_by(at_.now);
        }
        return true;
    }
    return false;
}

// Makes `number` the link to `id`. Whoever had it before has been replaced at that address.
void mesh::bind(link_id number, const replica_id& id, outbox& out) {
    auto& l = links_[number];
    auto& p = peers_.add(id);
    if (l.peer && *l.peer != id) {
        const auto former = *l.peer;
        if (auto* const old = peers_.find(former)) {
            old->via.reset();
            if (is_member(*old)) {
                end_peer(former, *old, member_state::crashed, event_kind::restarted,
                         "its address answers as " + id.to_string().substr(0, 8), out);
            }
        }
    }
    l.peer = id;
    const auto former = p.via;
    p.via = number;
    follow(p, out);
    if (former && *former != number) { // two ways to the same peer: what answered last is where it hears us
        links_.erase(*former);
        out.actions.push_back(hang_up{*former});
        check_later(l);
    }
}

void mesh::check_later(link& l) { l.check_at = at_.now + check_after; }

// A link is asked until its peer answers on it, and once more when it has been open for a while. ROUTER hands
// a routing id over to the latest connection that has it, and hears no more of the one before, which stays
// open: a handshake of another way to the same peer that comes late, as over a bad network, ends this one
// without a sign.
void mesh::greet_links(outbox& out) {
    std::vector<link_id> silent;
    for (auto& [number, l] : links_) {
        if (!l.open) continue;
        if (l.check_at && at_.now >= *l.check_at) {
            l.check_at.reset();
            l.doubted = true;
            l.greet_at = at_.now;
            l.greet_every = 250ms;
        }
        if (l.check_at) wake_by(*l.check_at);
        const auto* const p = l.peer ? peers_.find(*l.peer) : nullptr;
        const bool settled = p != nullptr && p->sees_me && subscribers_.contains(*l.peer) &&
                             p->state != member_state::contacting && p->state != member_state::suspect &&
                             p->state != member_state::crashed;
        if (settled && !l.doubted) continue;
        if (l.asked_at && at_.now - *l.asked_at >= settings_.liveness.crashed_after) silent.push_back(number);
        if (at_.now >= l.greet_at) {
            greet(number, true, out);
            l.greet_at = at_.now + l.greet_every;
            l.greet_every = std::min<mesh_clock::duration>(l.greet_every * 2, 1s);
        }
        wake_by(l.greet_at);
    }
    for (const auto number : silent) {
        const auto id = links_[number].peer;
        auto* const p = id ? peers_.find(*id) : nullptr;
        if (!id) { // of a seed, which is dialled anew
            out.actions.emplace_back(hang_up{number});
            links_.erase(number);
            wake_by(at_.now + 1ms);
        } else if (p != nullptr && p->via == number) {
            redial(*id, *p, out);
        }
    }
}

// Connects SUB to the peer's PUB, on the link's account. `is_there`: it has connected from that very host.
void mesh::follow(peer& p, outbox& out, bool is_there) {
    if (!p.via || p.publish_endpoint.empty()) return;
    auto& l = links_[*p.via];
    if (!l.dialled || l.publish_endpoint == p.publish_endpoint) return;
    if (!l.open && (l.contact ? !is_there : p.redial.waits)) return; // one dial is enough to find out
    l.publish_endpoint = p.publish_endpoint;
    p.sees_me = false;
    out.actions.push_back(subscribe{*p.via, p.publish_endpoint, l.key});
}

void mesh::release_link(peer& p, outbox& out) {
    if (!p.via) return;
    out.actions.push_back(hang_up{*p.via});
    links_.erase(*p.via);
    p.via.reset();
}

} // namespace baton::core
