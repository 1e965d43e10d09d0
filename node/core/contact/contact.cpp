#include "core/contact/contact.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace baton::core {

using namespace std::chrono_literals;
using discovery::address;

contact::contact(mesh_options& settings, membership& members, courier& mail, hello_writer from,
                 std::mt19937_64& random, schedule& time, tally& counts)
    : own_hello(from)
    , introductions(settings, members, time, counts)
    , links(settings, members, introductions, random, time)
    , searches(settings, members, links, time, counts.counters)
    , rumours(settings, members, mail, random, time)
    , seeds(settings, members, links, random, time)
    , dead(members, links, introductions, random, time)
    , greetings(settings, own_hello, mail, links, time)
    , news(own_hello, mail, time)
    , settings_(settings)
    , members_(members)
    , mail_(mail)
    , random_(random)
    , time_(time)
    , tally_(counts) {
    discovery::announcing_pace pace;
    pace.usual = settings_.beacon_every;
    beacon_ = {pace, time_.now()};
    if (auto hosts = seeds.hosts()) settings_.hosts = std::move(*hosts);
}

// ---------------------------------------------------------------- timers

void contact::look_for_others(outbox& out) {
    // A leaving node looks for nodes that can take over until it has said goodbye.
    if (settings_.beacon && !stopped_) announce(out);
    searches.tend(out);
    if (!stopped_) rumours.exchange(out);
}

void contact::tend_links(outbox& out) {
    if (!stopped_) seeds.tend(out);
    links.tend(out);
    greetings.greet_links(out);
}

void contact::announce(outbox& out) {
    if (time_.now() >= beacon_.due()) {
        const bool unanswered = std::any_of(members_.begin(), members_.end(), [](const auto& each) {
            return each.second.state == member_state::contacting && !each.second.greeted;
        });
        if (!unanswered) beacon_.spare_answer();
        const bool alone = std::none_of(members_.begin(), members_.end(),
                                        [](const auto& each) { return is_member(each.second); });
        const auto what = beacon_.next(time_.now(), random_(), alone);
        if (what == discovery::announcing::verdict::send) {
            ++tally_.counters.beacons_sent;
            out.actions.push_back(send_beacon{introductions.beacon_bytes()});
        } else if (what == discovery::announcing::verdict::leave_out) {
            ++tally_.counters.beacons_left_out;
        }
    }
    time_.wake_by(beacon_.due());
}

void contact::stop() {
    stopped_ = true;
    searches.stop();
}

// ---------------------------------------------------------------- datagrams

contact::sighting contact::on_beacon(const beacon_arrived& in, outbox& out) {
    const auto heard = introductions.on_beacon(in, out);
    if (!heard.said) return {heard.why};
    const auto& b = *heard.said;
    const auto ways = introductions.ways_of(b, in.host);
    auto* const known = members_.find(b.id);
    if (known != nullptr && known->state == member_state::left) return {};
    if (known == nullptr || !known->via) return meet(b, ways, true, out);
    auto& p = *known;
    if (b.sequence > p.beacon_sequence && is_member(p)) beacon_.heard();
    p.beacon_sequence = std::max(p.beacon_sequence, b.sequence);
    learn_ways(p, ways);
    if (b.hosts.empty()) searches.note_moved(b.id, p, b.reach, in.host);
    // A crashed member sends beacons again, so its link is greeted at once.
    if (p.state == member_state::crashed) greetings.greet(*p.via, true, out);
    if (links.needs_way(p)) {
        const bool waits = p.state == member_state::contacting;
        searches.seek(b.id, latest_first(p), waits ? mesh_clock::duration{quests::dials_apart} : 0ms);
    }
    return {};
}

contact::sighting contact::on_introduction(const datagram_arrived& in, outbox& out) {
    const auto got = introductions.on_introduction(in, out);
    if (got.own) {
        if (links.note_own(got.endpoint)) links.forget_undialled(got.endpoint);
        return {};
    }
    if (!got.why || got.endpoint.empty()) return {got.why};
    const auto& b = got.said;
    seeds.note_answered(got.endpoint, b.id);
    const auto* const known = members_.find(b.id);
    if (known != nullptr && known->state == member_state::left) return {};
    if (known != nullptr && known->via && connect_known(b, got.endpoint, *known, out)) return {};
    auto way = discovery::parse_address(std::string_view(got.endpoint).substr(6)).value_or(address{});
    // The endpoint names a host by name.
    if (way.host.empty()) way = {discovery::host_in(got.endpoint), b.port, 0};
    way.publish_port = b.publish_port;
    return meet(b, {way}, false, out);
}

// A peer with a link has introduced itself at `endpoint`. Returns false if that address is still to be met.
bool contact::connect_known(const discovery::beacon& b, const std::string& endpoint, const peer& p,
                            outbox& out) {
    auto& l = links[*p.via];
    if (l.endpoint == endpoint && l.key == b.key) { // it was asked before the dial, or because it was silent
        l.unanswered = 0;
        l.contact = false; // the node has answered, so it is no mere contact
        if (!l.dialled) links.dial_now(*p.via, out);
        return true;
    }
    const bool wanted = links.needs_way(p);
    for (auto& [number, other] : links.all()) { // another address of the peer
        if (other.endpoint != endpoint || other.dialled || !wanted) continue;
        other.key = b.key;
        other.contact = false;
        links.dial_now(number, out);
        return true;
    }
    if (!wanted) links.forget_undialled(endpoint);
    return !wanted;
}

// Adds the peer of a beacon and a link to it. `is_contact`: no node has answered there yet; a node that hears
// only our datagrams must learn our key before it admits us.
contact::sighting contact::meet(const discovery::beacon& b, const std::vector<address>& ways, bool is_contact,
                                outbox& out) {
    const auto endpoint = discovery::endpoint_of(ways.front().host, ways.front().port);
    if (links.is_own(endpoint)) return {};
    if (links.held_by_another(endpoint, b.id)) {
        if (ways.size() > 1) searches.seek(b.id, ways, 0ms);
        return {};
    }
    make_room(out);
    if (members_.size() >= settings_.limits.peers_max && members_.find(b.id) == nullptr)
        return {tally_.refuse_frame("too many peers")};
    if (!links.may_dial()) return {tally_.refuse_frame("too many dials")};
    auto& p = members_.add(b.id);
    p.host = ways.front().host;
    p.endpoint = endpoint;
    p.publish_endpoint = discovery::endpoint_of(p.host, ways.front().publish_port);
    p.beacon_sequence = b.sequence;
    p.health.life.heard(time_.now(), true);
    p.redial.link_until = std::max<instant>(p.redial.link_until, time_.now() + redialling::link_tried_for);
    out.note("beacon", b.id, b.sequence);
    links.follow(p, out);
    sighting seen{{}, b.id, true};
    seen.replaced = links.bind(links.connect(endpoint, out, b.key, is_contact), b.id, out);
    learn_ways(p, ways);
    if (ways.size() > 1) searches.seek(b.id, ways, quests::dials_apart);
    return seen;
}

void contact::answer_beacon() {
    beacon_.news(time_.now());
    beacon_.answer_by(time_.now() + 20ms + random_() % 100 * 1ms);
    time_.wake_by(beacon_.due());
}

// ---------------------------------------------------------------- links

verdict contact::on_link(const link_changed& in, outbox& out) {
    auto* const changed = links.find(in.link);
    if (changed == nullptr) return {};
    auto& l = *changed;
    const auto now = time_.now();
    const bool was_open = l.open;
    l.open = l.doubted = in.open;
    l.answered = false;
    l.asked_at.reset();
    links.check_later(l);
    if (in.refused) { // libzmq does not retry after this fault
        out.actions.push_back(hang_up{in.link});
        l.publish_endpoint.clear();
        l.dialled = false;
        l.dial_at = l.ask_at = now + 2s;
        time_.wake_by(l.dial_at);
        return tally_.refuse_frame("link to where another security, or none, is spoken");
    }
    auto* const p = links.peer_of(l);
    if (in.open) {
        l.contact = false;
        if (p != nullptr && p->via == in.link) links.follow(*p, out);
        l.greet_every = link_table::greet_first;
        l.greet_at = now + l.greet_every;
        greetings.greet(in.link, true, out);
        time_.wake_by(l.greet_at);
        return {};
    }
    if (was_open) { // a new incarnation may start there soon
        l.ask_at = now + 100ms;
        l.ask_every = 100ms;
    }
    if (p != nullptr && is_member(*p)) {
        // While this node tries another way to the peer, the peer may close this link in favour of the other
        // one. A link that has never opened proves no death either: a middlebox may accept connections and
        // pass nothing on.
        if (was_open && !searches.is_trying(*l.peer)) {
            p->health.life.closed(now);
            p->health.inquire_at = now; // earlier reports of others no longer count
        }
        p->routable = false;
        time_.wake_by(now);
    }
    return {};
}

// `who` no longer hears the broadcasts of this node. A HELLO by the link lets it hear of this node at least.
void contact::lost_subscriber(const replica_id& who) {
    links.drop_subscriber(who);
    auto* const p = members_.find(who);
    if (p == nullptr || !is_member(*p) || !p->via) return;
    links.greet_now(links[*p->via], link_table::greet_first);
    time_.wake_by(time_.now());
}

void contact::welcome(const replica_id& id, peer& p, outbox& out) {
    greetings.tell(id, p, false, out); // the other side may be waiting for this
    rumours.tell(id, p, out);
    rumours.hurry();
    beacon_.news(time_.now());
    seeds.hurry();
}

void contact::ended(peer& p) {
    if (p.via) links.greet_now(links[*p.via], 100ms);
    beacon_.news(time_.now());
    seeds.hurry();
}

void contact::make_room(outbox& out, std::optional<link_id> keep) {
    while (members_.size() >= settings_.limits.peers_max) {
        auto oldest = members_.end();
        for (auto at = members_.begin(); at != members_.end(); ++at) {
            if (!is_gone(at->second)) continue;
            if (oldest == members_.end() || at->second.ended_at < oldest->second.ended_at) oldest = at;
        }
        if (oldest == members_.end()) return;
        if (keep && oldest->second.via == keep) { // its link belongs to another node now
            links[*keep].peer.reset();
        } else {
            links.release(oldest->second, out);
        }
        members_.erase(oldest);
    }
}

// ---------------------------------------------------------------- addresses and names

verdict contact::on_peers(const wire::peers& f, const peer& teller, outbox& out) {
    if (!settings_.exchanges_peers) return {};
    for (const auto& each : f.all) {
        if (each.id == settings_.self || each.id == f.id) continue;
        auto ways = discovery::parse_hosts(each.hosts, {}, teller.host);
        std::erase_if(ways, [&](const address& one) {
            return one.port == 0 || one.publish_port == 0 ||
                   (discovery::is_loopback(one.host) && !discovery::is_loopback(teller.host));
        });
        auto* const known = members_.find(each.id);
        if (known != nullptr) {
            learn_ways(*known, ways);
            dead.revive(each.id, *known, known->endpoint, out);
            if (!is_member(*known) && links.needs_way(*known))
                searches.seek(each.id, latest_first(*known), quests::dials_apart);
        } else if (ways.empty() || members_.size() >= settings_.limits.peers_max) {
            ++tally_.counters.peers_ignored;
        } else {
            searches.seek_reported(each.id, ways, f.id);
        }
    }
    return {};
}

// The interfaces of this machine have changed. The node announces its addresses, so that other nodes reach it
// there. Addresses that led to this node, and names, may now lead elsewhere.
void contact::on_addresses(const addresses_changed& in, outbox& out) {
    settings_.reach = in.hosts;
    settings_.own_hosts = in.own_hosts;
    settings_.attached = in.attached;
    links.forget_own();
    seeds.hurry();
    tell_addresses(out);
}

void contact::on_resolved(const core::resolved& in, outbox& out) {
    if (!seeds.resolved(in, out)) return;
    auto hosts = seeds.hosts();
    if (!hosts) return;
    settings_.hosts = std::move(*hosts);
    tell_addresses(out);
}

void contact::tell_addresses(outbox& out) {
    beacon_.restart(time_.now());
    for (auto& [id, p] : members_) {
        if (is_member(p)) greetings.tell(id, p, false, out);
    }
    time_.wake_by(time_.now());
}

void contact::on_knocked(const core::knocked& in, outbox& out) {
    if (in.who.is_nil()) return seeds.knocked(in, out);
    dead.knocked(in, out);
}

} // namespace baton::core
