#include "core/contact/link_table.hpp"

#include <algorithm>
#include <chrono>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr auto check_after = 3s; // longer than the 2 s that libzmq allows a handshake
constexpr auto ask_every_min = 50ms, ask_strangers_every_min = 100ms;
constexpr auto redial_contact_min = 2000ms, redial_contact_max = 10'000ms; // a handshake may take 2 s
constexpr unsigned unanswered_told_at = 5;
} // namespace

link_table::link_table(const mesh_options& settings, membership& members, introducer& keys,
                       std::mt19937_64& random, schedule& time)
    : settings_(settings)
    , members_(members)
    , keys_(keys)
    , random_(random)
    , time_(time)
    , dials_(settings.limits.dials_max)
    , redials_(std::max<std::size_t>(1, settings.limits.dials_max / 10)) {}

// ---------------------------------------------------------------- the map

link* link_table::find(link_id number) {
    const auto at = all_.find(number);
    return at == all_.end() ? nullptr : &at->second;
}

link* link_table::of(const peer& p) { return p.via ? find(*p.via) : nullptr; }

const link* link_table::of(const peer& p) const {
    const auto at = p.via ? all_.find(*p.via) : all_.end();
    return at == all_.end() ? nullptr : &at->second;
}

// ---------------------------------------------------------------- making and ending

link_id link_table::connect(const std::string& endpoint, outbox& out, const discovery::link_key& key,
                            bool contact) {
    for (auto& [number, l] : all_) {
        if (l.endpoint != endpoint) continue;
        if (!key.is_none() && l.key != key) { // another node has the address now
            if (l.dialled) out.actions.push_back(core::hang_up{number});
            l.publish_endpoint.clear();
            l.open = l.dialled = false;
            prepare(number, key, contact, out);
            // This node has only sent questions there so far.
        } else if (!contact && !l.dialled && !key.is_none()) {
            l.contact = false;
            dial_now(number, out);
        }
        return number;
    }
    const link_id number{++last_};
    auto& l = all_[number];
    l.endpoint = endpoint;
    l.greet_every = greet_first;
    prepare(number, key, contact, out);
    return number;
}

void link_table::prepare(link_id number, const discovery::link_key& key, bool contact, outbox& out) {
    auto& l = all_[number];
    l.key = key;
    l.contact = contact;
    l.dial_at = l.ask_at = time_.now();
    l.ask_every = contact ? ask_strangers_every_min : ask_every_min;
    l.dial_every = redial_contact_min;
    l.unanswered = 0;
    if (is_open_mesh() || (!key.is_none() && !contact)) {
        dial_now(number, out);
    } else {
        tend(number, l, out);
    }
}

void link_table::dial_now(link_id number, outbox& out) {
    auto& l = all_[number];
    l.dialled = true;
    l.ask_at = time_.now() + 1s; // asked again then, unless the link opens
    const bool once = l.contact && is_open_mesh();
    if (once) {
        l.dial_at = time_.now() + l.dial_every;
        l.dial_every = std::min<mesh_clock::duration>(2 * l.dial_every, redial_contact_max);
        time_.wake_by(l.dial_at);
    }
    out.actions.push_back(dial{number, l.endpoint, l.key, once});
    if (auto* const p = peer_of(l); p != nullptr && p->via == number) follow(*p, out);
}

// With a key, a node is dialled only after it has answered. In an open mesh a contact is dialled again less
// and less often, and all contacts together no more often than `redials_` allows: the address comes from
// others and may be that of an innocent machine.
void link_table::tend(link_id number, link& l, outbox& out) {
    if (l.open) return;
    if (is_open_mesh()) {
        const bool repeats = l.contact && !l.trying; // a quest repeats in its own rounds
        if (l.dialled && !repeats) return;
        if (time_.now() >= l.dial_at && l.contact && !redials_.take(time_.now()))
            l.dial_at = time_.now() + redial_contact_min;
        if (time_.now() < l.dial_at) return time_.wake_by(l.dial_at);
        out.actions.push_back(core::hang_up{number}); // ends an attempt that was refused, if there was one
        l.publish_endpoint.clear();
        return dial_now(number, out);
    }
    if (time_.now() >= l.ask_at) {
        if (++l.unanswered == unanswered_told_at && !l.dialled) {
            out.remarks.push_back(
                "event=unanswered endpoint=" + l.endpoint +
                " reason=\"no answer to an introduction: no node runs there, or it has none of "
                "our keys, or UDP does not reach that port\"");
        }
        keys_.ask(l.endpoint, l.contact, out);
        l.ask_at = time_.now() + l.ask_every + std::chrono::milliseconds{random_() % 20};
        l.ask_every = std::min<mesh_clock::duration>((l.contact ? 4 : 2) * l.ask_every, l.dialled ? 10s : 2s);
    }
    time_.wake_by(l.ask_at);
}

void link_table::tend(outbox& out) {
    for (auto& [number, l] : all_) tend(number, l, out);
}

void link_table::excuse(mesh_clock::duration pause) {
    for (auto& [number, l] : all_) {
        if (l.asked_at) *l.asked_at += pause;
    }
}

std::optional<replica_id> link_table::bind(link_id number, const replica_id& id, outbox& out) {
    auto& l = all_[number];
    auto& p = members_.add(id);
    std::optional<replica_id> replaced;
    if (l.peer && *l.peer != id) {
        if (auto* const old = members_.find(*l.peer)) {
            old->via.reset();
            if (is_member(*old)) replaced = *l.peer;
        }
    }
    l.peer = id;
    const auto former = p.via;
    p.via = number;
    follow(p, out);
    // Two links to the same peer: it hears this node by the one where it answered last.
    if (former && *former != number) {
        all_.erase(*former);
        out.actions.push_back(core::hang_up{*former});
        check_later(l);
    }
    return replaced;
}

void link_table::follow(peer& p, outbox& out, bool is_there) {
    if (!p.via || p.publish_endpoint.empty()) return;
    auto& l = all_[*p.via];
    if (!l.dialled || l.publish_endpoint == p.publish_endpoint) return;
    // The link shows first whether the node is there.
    if (!l.open && (l.contact ? !is_there : p.redial.waits)) return;
    l.publish_endpoint = p.publish_endpoint;
    p.sees_me = false;
    out.actions.push_back(subscribe{*p.via, p.publish_endpoint, l.key});
}

void link_table::redial(const replica_id& id, peer& p, outbox& out) {
    p.health.redialled_at = time_.now();
    const bool at_once = settings_.broken == mutation::redial_at_once;
    if (!p.via || (!all_[*p.via].open && !at_once)) return;
    if (at_once) time_.wake_by(time_.now() + 1ms);
    const auto endpoint = all_[*p.via].endpoint;
    const auto key = all_[*p.via].key;
    release(p, out);
    p.routable = false;
    (void)bind(connect(endpoint, out, key), id, out); // a new link replaces no peer
}

void link_table::release(peer& p, outbox& out) {
    if (!p.via) return;
    hang_up(*p.via, out);
    p.via.reset();
}

void link_table::hang_up(link_id number, outbox& out) {
    out.actions.push_back(core::hang_up{number});
    all_.erase(number);
}

void link_table::hang_up_unbound(const std::string& endpoint, outbox& out) {
    for (auto at = all_.begin(); at != all_.end();) {
        const auto& l = at->second;
        if (l.endpoint != endpoint || l.peer || l.trying) { // the link of a member stays
            ++at;
            continue;
        }
        out.actions.emplace_back(core::hang_up{at->first});
        at = all_.erase(at);
    }
}

void link_table::forget_undialled(const std::string& endpoint) {
    std::erase_if(all_, [&](const auto& each) {
        return each.second.endpoint == endpoint && !each.second.dialled && !each.second.peer;
    });
}

// ---------------------------------------------------------------- judging

bool link_table::held_by_another(const std::string& endpoint, const replica_id& id) {
    for (auto& [number, l] : all_) {
        if (l.endpoint != endpoint || !l.peer || *l.peer == id) continue;
        const auto* const holder = members_.find(*l.peer);
        if (holder == nullptr || !is_member(*holder)) return false;
        // The member does not have this address any more, so its key does not work there.
        if (!is_open_mesh() && !l.open) return false;
        if (!l.doubted) {
            l.doubted = true;
            greet_now(l, greet_first);
            time_.wake_by(time_.now());
        }
        return true;
    }
    return false;
}

bool link_table::is_dialled(const std::string& endpoint) const {
    return is_own(endpoint) || std::any_of(all_.begin(), all_.end(), [&](const auto& each) {
               return each.second.endpoint == endpoint;
           });
}

bool link_table::needs_way(const peer& p) const {
    if (p.state == member_state::left) return false;
    const auto* const l = of(p);
    if (l == nullptr || !l->open || !l->answered || l->stale) return true;
    return p.state == member_state::suspect || p.state == member_state::crashed || !p.greeted;
}

void link_table::greet_now(link& l, mesh_clock::duration every) const {
    l.greet_at = time_.now();
    l.greet_every = every;
}

void link_table::check_later(link& l) const { l.check_at = time_.now() + check_after; }

// ---------------------------------------------------------------- who is who

bool link_table::note_own(const std::string& endpoint) {
    if (own_.size() >= own_max) return false;
    own_.insert(endpoint);
    return true;
}

bool link_table::note_subscriber(const replica_id& who) {
    if (subscribers_.size() >= 4 * settings_.limits.peers_max) return false;
    subscribers_.insert(who);
    return true;
}

} // namespace baton::core
