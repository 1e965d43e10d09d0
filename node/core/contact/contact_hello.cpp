// The part of a HELLO that is about contact: which nodes may greet, and at which address this node reaches
// them.
#include "core/contact/contact.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace baton::core {

using namespace std::chrono_literals;
using discovery::address;

namespace {
/// The addresses of the sender of a HELLO that arrived from `seen_at`.
std::vector<address> ways_said(const wire::hello& f, std::string_view seen_at) {
    const address ports{{}, f.port, f.publish_port};
    auto ways = discovery::parse_hosts(f.hosts, ports, seen_at);
    if (ways.empty() && !seen_at.empty()) ways.push_back({std::string(seen_at), f.port, f.publish_port});
    if (ways.empty()) ways = discovery::parse_hosts(f.reach, ports, {});
    return ways;
}
} // namespace

contact::greeting contact::on_hello(const wire::hello& f, const arrival& from, outbox& out) {
    if (f.cluster != settings_.cluster) {
        ++tally_.counters.foreign_cluster;
        return {turn_away(f, from, "hello of another cluster", {}, out)};
    }
    const auto version = settings_.versions.common(f.versions);
    if (version == 0) {
        // The node that was dialled reports its range too, so that both know.
        if (from.route) greetings.present(f.id, false, out);
        return {
            turn_away(f, from, "no common wire version", introductions.no_common_version(f.versions), out)};
    }
    if (!links.is_open_mesh() && from.link && introductions.known().owner_of(links[*from.link].key) != f.id)
        // The node there uses the key of another node.
        return {turn_away(f, from, "stolen identity", {}, out)};
    if (f.id == settings_.self) {
        meet_itself(f, from, out);
        return {};
    }
    if (f.head_only) { // a HELLO in a version that both speak makes it answer in that version
        greetings.answer_in(version, from, f.id, out);
        return {};
    }
    auto ways = ways_said(f, from.host);
    if (ways.empty() && !from.link) { // ZMTP 2 does not tell the address of a sender
        return {turn_away(f, from, "hello without an address",
                          "it says no `hosts`, and its ZMTP tells no address", out)};
    }
    auto* known = members_.find(f.id);
    if (known != nullptr && known->state == member_state::left) return {};
    if (known == nullptr) {
        if (stopped_) return {};
        known = take_in(f.id, from, out);
        if (known == nullptr) return {turn_away(f, from, "too many peers", {}, out)};
    }
    auto& p = *known;
    if (from.link) {
        auto& l = links[*from.link];
        l.doubted = l.stale = false;
        seeds.note_answered(l.endpoint, f.id);
    }
    p.name = f.name;
    p.door = f.door;
    if (p.version != version) {
        p.version = version;
        mail_.choose_version();
    }
    p.health.life.heard(time_.now(), true);
    if (from.route) p.routable = true;
    note_place(p, f, ways, from.link ? &links[*from.link] : nullptr);
    greeting met{{}, &p, !p.greeted};
    met.replaced = connect_back(p, f, from, out);
    learn_place(p, f, from, std::move(ways));
    p.greeted = true;
    return met;
}

// The link to a seed stays, with few greetings: a node of this cluster may get its address.
verdict contact::turn_away(const wire::hello& f, const arrival& from, const char* reason, std::string told,
                           outbox& out) {
    introductions.report_refused(f.id, f.name, told.empty() ? reason : std::move(told), out);
    if (from.link) {
        auto& l = links[*from.link];
        l.greet_every = 10s;
        l.greet_at = time_.now() + l.greet_every;
    }
    return tally_.refuse_frame(reason);
}

// This node has dialled itself.
void contact::meet_itself(const wire::hello& f, const arrival& from, outbox& out) {
    if (from.link) {
        const auto& l = links[*from.link];
        (void)links.note_own(l.endpoint);
        // A beacon of a former incarnation of this node may have led here.
        if (auto* const former = links.peer_of(l)) former->via.reset();
        links.hang_up(*from.link, out);
    } else if (from.route) { // this node has the other end of the link, too, and has to learn it
        greetings.present(f.id, false, out);
    }
}

// Adds the peer; nullptr if there is no room.
peer* contact::take_in(const replica_id& id, const arrival& from, outbox& out) {
    make_room(out, from.link);
    if (members_.size() >= settings_.limits.peers_max) return nullptr;
    out.note("hello", id);
    return &members_.add(id);
}

// `by` is the link by which the HELLO came, so its address works.
void contact::note_place(peer& p, const wire::hello& f, const std::vector<address>& ways, const link* by) {
    if (by != nullptr) {
        p.endpoint = by->endpoint;
    } else if (!p.greeted || p.host.empty()) {
        p.endpoint = discovery::endpoint_of(ways.front().host, ways.front().port);
    }
    p.host = discovery::host_in(p.endpoint);
    const auto said = std::find_if(ways.begin(), ways.end(), [&](const address& each) {
        return discovery::endpoint_of(each.host, each.port) == p.endpoint;
    });
    p.publish_endpoint =
        discovery::endpoint_of(p.host, said == ways.end() ? f.publish_port : said->publish_port);
}

std::optional<replica_id> contact::connect_back(peer& p, const wire::hello& f, const arrival& from,
                                                outbox& out) {
    std::optional<replica_id> replaced;
    if (from.link) {
        replaced = links.bind(*from.link, f.id, out);
    } else if (!p.via && !links.held_by_another(p.endpoint, f.id) && links.may_dial()) {
        // With a key, only a member can report where it is. It greets again until it is up.
        const auto number =
            links.connect(p.endpoint, out, introductions.known().key_of(f.id), links.is_open_mesh());
        replaced = links.bind(number, f.id, out);
    }
    links.follow(p, out, from.route && !p.greeted && p.host == from.host);
    return replaced;
}

void contact::learn_place(peer& p, const wire::hello& f, const arrival& from, std::vector<address> ways) {
    if (f.hosts.empty()) { // it does not list addresses: any of its interfaces may work
        auto all = discovery::parse_hosts(f.reach, {{}, f.port, f.publish_port}, {});
        ways.insert(ways.end(), std::make_move_iterator(all.begin()), std::make_move_iterator(all.end()));
    }
    learn_ways(p, ways);
    if (from.route && f.hosts.empty()) searches.note_moved(f.id, p, f.reach, from.host);
    if (from.route && p.state == member_state::contacting && ways.size() > 1)
        searches.seek(f.id, ways, quests::dials_apart);
}

void contact::answer_stranger(const replica_id& from, outbox& out) {
    if (!stopped_) greetings.answer_stranger(from, out);
}

// Notes that another node answers at the address of a dead member. A name, or an address that many nodes
// share, proves nothing: the next dial may lead elsewhere.
void contact::note_address_taken(const replica_id& by, const std::string& endpoint, const wire::hello& f) {
    const auto host = discovery::host_in(endpoint);
    if (!discovery::is_numeric(host)) return;
    const auto own =
        discovery::parse_hosts(f.hosts.empty() ? f.reach : f.hosts, {{}, f.port, f.publish_port}, {});
    const bool has_it =
        discovery::is_loopback(host) || std::any_of(own.begin(), own.end(), [&](const auto& each) {
            return discovery::endpoint_of(each.host, each.port) == endpoint;
        });
    if (!has_it) return;
    for (auto& [id, p] : members_) {
        if (id != by && is_gone(p) && p.endpoint == endpoint) p.address_taken = true;
    }
}

} // namespace baton::core
