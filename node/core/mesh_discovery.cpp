// How others are found: beacons, ours and theirs; the addresses at which a node is tried; what members tell
// of one another. All of it makes a node dial, never believe: who somebody is, and lives, is told by what
// answers on a link.
#include "core/seeding.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;
using discovery::address;

namespace {
constexpr auto dials_apart = 100ms;              // of one node
constexpr auto dial_for = 1500ms;                // longer than the shell's connect timeout
constexpr auto rest_first = 1s, rest_last = 10s; // between rounds, doubling; and after the last one
constexpr unsigned rounds_max = 5;
constexpr auto tell_first = 1s, tell_longest = 32s;

/// Where it has been reached, with both ports; nothing where that is a name.
std::optional<address> reached_at(const peer& p) {
    const auto ports = discovery::parse_address(
        std::string_view(p.publish_endpoint).substr(p.publish_endpoint.empty() ? 0 : 6));
    auto at =
        p.endpoint.empty() ? std::nullopt : discovery::parse_address(std::string_view(p.endpoint).substr(6));
    if (at && ports) at->publish_port = ports->port;
    return at && at->publish_port != 0 ? at : std::nullopt;
}

/// Where it was seen or said to be last is the likeliest.
std::vector<address> latest_first(const peer& p) { return {p.ways.rbegin(), p.ways.rend()}; }

/// The addresses of `of` as they mean something to `to`: loopback on one machine, link-local on one link.
std::string addresses_for(const peer& to, const peer& of) {
    std::vector<address> all;
    if (auto at = reached_at(of)) all.push_back(std::move(*at));
    const auto others = latest_first(of);
    all.insert(all.end(), others.begin(), others.end());
    std::string text;
    for (auto& each : all) {
        if (discovery::is_loopback(each.host) && !discovery::is_loopback(to.host)) continue;
        if (discovery::is_link_local(each.host)) {
            if (discovery::zone_of(each.host) != discovery::zone_of(to.host)) continue;
            each.host = discovery::without_zone(each.host);
        }
        const auto one = discovery::to_text(each);
        if (text.size() + 1 + one.size() > wire::peer_hosts_bytes_max) break;
        if (!text.empty()) text += ' ';
        text += one;
    }
    return text;
}
} // namespace

// ---------------------------------------------------------------- beacons

void mesh::announce(outbox& out) {
    auto& beacon = scout_.beacon;
    if (at_.now >= beacon.due()) {
        const bool unanswered = std::any_of(peers_.begin(), peers_.end(), [](const auto& each) {
            return each.second.state == member_state::contacting && !each.second.greeted;
        });
        if (!unanswered) beacon.spare_answer();
        const bool alone = std::none_of(peers_.begin(), peers_.end(),
                                        [&](const auto& each) { return is_member(each.second); });
        const auto what = beacon.next(at_.now, random_(), alone);
        if (what == discovery::announcing::verdict::send) {
            ++counters_.beacons_sent;
            out.actions.push_back(send_beacon{beacon_bytes()});
        } else if (what == discovery::announcing::verdict::leave_out) {
            ++counters_.beacons_left_out;
        }
    }
    wake_by(beacon.due());
}

verdict mesh::take(const beacon_arrived& in, outbox& out) {
    ++counters_.beacons_received;
    heard_beacon heard;
    auto why = hear(in.bytes, discovery::purpose::beacon, in.host, heard, out);
    const auto& b = heard.said;
    if (!why || heard.own || !believes(b, in.host, why, out)) return why;
    const auto ways = ways_of(b, in.host);
    auto* const known = peers_.find(b.id);
    if (known != nullptr && known->state == member_state::left) return {};
    if (known != nullptr && known->via) {
        auto& p = *known;
        if (b.sequence > p.beacon_sequence && is_member(p)) scout_.beacon.heard();
        p.beacon_sequence = std::max(p.beacon_sequence, b.sequence);
        learn_ways(p, ways);
        if (b.hosts.empty()) note_moved(b.id, p, b.reach, in.host);
        // A crashed member that speaks again: do not wait for the backoff.
        if (p.state == member_state::crashed) greet(*p.via, true, out);
        if (needs_way(p))
            seek(b.id, latest_first(p), p.state == member_state::contacting ? dials_apart : 0ms);
        return {};
    }
    return meet(b, ways, true, out);
}

// Where it can be dialled, going by what it says and where it was heard. What it says is sealed, in a mesh
// with a key; where it was heard from is not, as anybody may send a recording from anywhere. That place
// counts if it is among what is sealed, or if the beacon could not have named it: then whoever is there is
// asked first.
std::vector<address> mesh::ways_of(const discovery::beacon& b, std::string_view seen_at) const {
    const address own_ports{{}, b.port, b.publish_port};
    auto ways = discovery::parse_hosts(b.hosts, own_ports, seen_at);
    if (!ways.empty()) return ways;
    if (!is_open() && !discovery::is_link_local(seen_at) && !discovery::is_loopback(seen_at)) {
        ways = discovery::parse_hosts(b.reach, own_ports, {});
        const bool sealed =
            std::any_of(ways.begin(), ways.end(), [&](const address& each) { return each.host == seen_at; });
        if (!ways.empty() && !sealed) return ways;
    }
    return {{std::string(seen_at), b.port, b.publish_port}};
}

// What a beacon leads to: a peer, and a link to it. `contact`: nobody there has answered yet; whoever hears
// only our datagrams has to know our key before it lets us in.
verdict mesh::meet(const discovery::beacon& b, const std::vector<address>& ways, bool contact, outbox& out) {
    const auto endpoint = discovery::endpoint_of(ways.front().host, ways.front().port);
    if (scout_.self_endpoints.contains(endpoint)) return {};
    if (held_by_another(endpoint, b.id)) {
        if (ways.size() > 1) seek(b.id, ways, 0ms);
        return {};
    }
    make_room(out);
    if (peers_.size() >= settings_.limits.peers_max && peers_.find(b.id) == nullptr)
        return refuse("too many peers");
    if (!introductions_.dials.take(at_.now)) return refuse("too many dials");
    auto& p = peers_.add(b.id);
    p.host = ways.front().host;
    p.endpoint = endpoint;
    p.publish_endpoint = discovery::endpoint_of(p.host, ways.front().publish_port);
    p.beacon_sequence = b.sequence;
    p.health.life.heard(at_.now, true);
    p.redial.link_until = std::max<instant>(p.redial.link_until, at_.now + redialling::link_tried_for);
    out.note("beacon", b.id, b.sequence);
    follow(p, out);
    bind(connect(endpoint, out, b.key, contact), b.id, out);
    learn_ways(p, ways);
    if (ways.size() > 1) seek(b.id, ways, dials_apart);
    // It may not have heard of us; as a rule our HELLO is there long before.
    scout_.beacon.news(at_.now);
    scout_.beacon.answer_by(at_.now + 20ms + random_() % 100 * 1ms);
    wake_by(scout_.beacon.due());
    return {};
}

// Our interfaces have changed: whoever hears it can reach us where we are now. What led to ourselves may lead
// to others, and names to other addresses.
verdict mesh::take(const addresses_changed& in, outbox& out) {
    settings_.reach = in.hosts;
    settings_.own_hosts = in.own_hosts;
    settings_.attached = in.attached;
    scout_.self_endpoints.clear();
    seeding{*this}.hurry();
    seeding{*this}.tell_addresses(out);
    return {};
}

// ---------------------------------------------------------------- addresses

// Beside the one in use; the latest are kept.
void learn_ways(peer& p, const std::vector<address>& ways) {
    for (const auto& each : ways) {
        if (each.port == 0 || discovery::endpoint_of(each.host, each.port) == p.endpoint) continue;
        std::erase(p.ways, each);
        if (p.ways.size() >= discovery::addresses_max) p.ways.erase(p.ways.begin());
        p.ways.push_back(each);
    }
}

// The link it has is not known to work.
bool mesh::needs_way(const peer& p) const {
    if (p.state == member_state::left) return false;
    const auto via = p.via ? links_.find(*p.via) : links_.end();
    if (via == links_.end() || !via->second.open || !via->second.answered || via->second.stale) return true;
    return p.state == member_state::suspect || p.state == member_state::crashed || !p.greeted;
}

// A node that says which addresses its interfaces have, and is seen at one of them, is not at any other.
void mesh::note_moved(const replica_id& id, peer& p, std::string_view reach, std::string_view seen_at) {
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

// Begins to try these, or goes on with those that are new.
void mesh::seek(const replica_id& id, const std::vector<address>& ways, mesh_clock::duration after) {
    if (ways.empty() || handover_.has_said_left()) return;
    auto at = scout_.quests.find(id);
    if (at == scout_.quests.end()) {
        if (scout_.quests.size() >= scouting::quests_max) {
            ++counters_.peers_ignored;
            return;
        }
        at = scout_.quests.emplace(id, quest{}).first;
        at->second.next_at = at_.now + after;
        const auto* const p = peers_.find(id);
        at->second.of_contact = p != nullptr && p->state == member_state::contacting && !p->greeted;
    }
    auto& q = at->second;
    for (const auto& each : ways) {
        if (q.ways.size() >= discovery::addresses_max) break;
        if (std::find(q.ways.begin(), q.ways.end(), each) != q.ways.end()) continue;
        q.ways.push_back(each);
        q.over_at.reset();
        if (q.rounds != 0) q.next_at = std::min(q.next_at, at_.now);
    }
    wake_by(q.over_at.value_or(q.next_at));
}

void mesh::try_way(const replica_id& id, quest& q, outbox& out) {
    const auto& way = q.ways[q.next++];
    const auto endpoint = discovery::endpoint_of(way.host, way.port);
    if (scout_.self_endpoints.contains(endpoint) || held_by_another(endpoint, id)) return;
    const bool dialled_already = std::any_of(
        links_.begin(), links_.end(), [&](const auto& each) { return each.second.endpoint == endpoint; });
    if (dialled_already) return;
    const auto* const p = peers_.find(id);
    const auto via = p != nullptr && p->via ? links_.find(*p->via) : links_.end();
    const auto key = via != links_.end() ? via->second.key : discovery::link_key{};
    const bool contact = !is_open() || p == nullptr || p->state == member_state::contacting;
    if (is_open() && contact && !introductions_.dials.take(at_.now)) return;
    auto& l = links_[connect(endpoint, out, key, contact)];
    l.trying = id;
    l.until = at_.now + dial_for;
    ++q.under_way;
    ++counters_.ways_dialled;
    wake_by(l.until);
}

void mesh::tend_quests(outbox& out) {
    auto& quests = scout_.quests;
    const bool gone = handover_.has_said_left();
    for (auto& [id, p] : peers_) {
        if (!is_member(p) || p.ways.empty() || quests.contains(id) || !needs_way(p)) continue;
        if (p.via &&
            p.state == member_state::suspect) { // that it is heard otherwise says nothing of this link
            auto& l = links_[*p.via];
            l.stale = l.doubted = true;
            l.greet_at = at_.now;
        }
        seek(id, latest_first(p), 0ms);
    }
    for (auto& [id, q] : quests) q.under_way = 0;
    std::size_t dialled = 0;
    for (auto at = links_.begin(); at != links_.end();) {
        auto& [number, l] = *at;
        if (l.peer) l.trying.reset(); // somebody answered, whoever it is
        if (l.trying) {
            const auto q = quests.find(*l.trying);
            const auto* const p = peers_.find(*l.trying);
            if (gone || q == quests.end() || at_.now >= l.until || (p != nullptr && !needs_way(*p))) {
                if (p != nullptr && p->via) check_later(links_[*p->via]);
                out.actions.emplace_back(hang_up{number});
                at = links_.erase(at);
                continue;
            }
            ++q->second.under_way, ++dialled;
            wake_by(l.until);
        }
        ++at;
    }
    for (auto at = quests.begin(); at != quests.end();) {
        const auto& id = at->first;
        auto& q = at->second;
        auto* const p = peers_.find(id);
        const bool ended = q.of_contact && p == nullptr; // a new beacon begins anew
        if (gone || ended || (p != nullptr && !needs_way(*p)) || (q.over_at && at_.now >= *q.over_at)) {
            at = quests.erase(at);
            continue;
        }
        const auto others = q.under_way + (p != nullptr && p->via ? 1 : 0);
        if (q.next < q.ways.size() && at_.now >= q.next_at && others < scouting::at_a_time &&
            dialled < scouting::dialled_max) {
            try_way(id, q, out);
            ++dialled;
            q.next_at = at_.now + dials_apart;
        }
        if (q.next < q.ways.size()) {
            wake_by(std::max(q.next_at, at_.now + dials_apart / 4));
        } else if (q.under_way == 0 && !q.over_at) {
            end_round(q, p);
            wake_by(q.next_at);
        }
        if (q.over_at) wake_by(*q.over_at);
        ++at;
    }
}

// Nobody answered anywhere: for now the link it has is what there is.
void mesh::end_round(quest& q, peer* p) {
    const bool unproven = p != nullptr && p->state == member_state::contacting && !p->greeted;
    if (++q.rounds >= rounds_max || unproven) {
        q.over_at = at_.now + rest_last;
    } else {
        q.next = 0;
        q.next_at = at_.now + rest_first * (1U << (q.rounds - 1));
    }
    if (p == nullptr || !p->via) return;
    auto& l = links_[*p->via];
    l.stale = false;
    const bool heard =
        at_.now - p->health.life.heard_at() < settings_.liveness.suspect_after; // by its own links
    if (is_member(*p) && !l.open && !heard) p->health.life.unreachable(at_.now);
}

// ---------------------------------------------------------------- what members tell of one another

// Up to peers_told_max members that are up or suspect, in turn.
void mesh::tell_peers(const replica_id& id, peer& p, outbox& out) {
    if (!settings_.exchanges_peers || peers_.size() < 2) return;
    wire::peers f;
    f.id = settings_.self;
    auto at = peers_.upper_bound(scout_.told_last);
    for (std::size_t seen = 0; seen < peers_.size() && f.all.size() < wire::peers_told_max; ++seen, ++at) {
        if (at == peers_.end()) at = peers_.begin();
        const auto& [other, q] = *at;
        if (other == id || (q.state != member_state::up && q.state != member_state::suspect)) continue;
        auto hosts = addresses_for(p, q);
        if (hosts.empty()) continue;
        scout_.told_last = other;
        f.all.push_back({other, std::move(hosts)});
    }
    if (f.all.empty()) return;
    counters_.peers_told += f.all.size();
    courier_.send_to(id, p, f, out);
}

// Whoever comes up is told of others at once (maybe_up). Beside that each member tells another one, in turn
// and ever less often while nothing is new: what was lost or out of reach is made up for so.
void mesh::exchange_peers(outbox& out) {
    if (!settings_.exchanges_peers || handover_.has_said_left()) return;
    if (at_.now >= scout_.tell_at) {
        auto at = peers_.upper_bound(scout_.told_to);
        for (std::size_t seen = 0; seen < peers_.size(); ++seen, ++at) {
            if (at == peers_.end()) at = peers_.begin();
            if (at->second.state != member_state::up) continue;
            scout_.told_to = at->first;
            tell_peers(at->first, at->second, out);
            break;
        }
        scout_.tell_every = std::clamp<mesh_clock::duration>(2 * scout_.tell_every, tell_first, tell_longest);
        scout_.tell_at = at_.now + scout_.tell_every * (75 + random_() % 50) / 100;
    }
    wake_by(scout_.tell_at);
}

void mesh::exchange_soon() {
    if (scout_.tell_every <= tell_first) return;
    scout_.tell_every = tell_first;
    scout_.tell_at = std::min(scout_.tell_at, at_.now + scout_.tell_every);
    wake_by(scout_.tell_at);
}

verdict mesh::on_peers(const wire::peers& f, const peer& teller, outbox& out) {
    if (!settings_.exchanges_peers) return {};
    for (const auto& each : f.all) {
        if (each.id == settings_.self || each.id == f.id) continue;
        auto ways = discovery::parse_hosts(each.hosts, {}, teller.host);
        std::erase_if(ways, [&](const address& one) {
            return one.port == 0 || one.publish_port == 0 ||
                   (discovery::is_loopback(one.host) && !discovery::is_loopback(teller.host));
        });
        auto* const known = peers_.find(each.id);
        if (known != nullptr) {
            learn_ways(*known, ways);
            revive(each.id, *known, known->endpoint, out);
            if (!is_member(*known) && needs_way(*known)) seek(each.id, latest_first(*known), dials_apart);
        } else if (ways.empty() || peers_.size() >= settings_.limits.peers_max) {
            ++counters_.peers_ignored;
        } else {
            counters_.peers_heard += !scout_.quests.contains(each.id);
            seek(each.id, ways, 0ms);
            if (const auto at = scout_.quests.find(each.id); at != scout_.quests.end())
                at->second.told_by = f.id;
        }
    }
    return {};
}

} // namespace baton::core
