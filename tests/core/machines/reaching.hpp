// reaching: what the tests of contact share: a node that has links and no mesh, and the beacons of others.
#pragma once

#include "core/contact/contact.hpp"
#include "core/own_writes.hpp"
#include "machines/alone.hpp"

#include <string>
#include <vector>

namespace baton::core {

inline mesh_options reachable(std::uint8_t number, const std::string& key = {}) {
    auto settings = options_of(replica(number));
    settings.name = "node" + std::to_string(number);
    settings.port = static_cast<std::uint16_t>(5000 + number);
    settings.publish_port = static_cast<std::uint16_t>(6000 + number);
    if (key.empty()) return settings;
    settings.keys = {*mesh_key::from_bytes(key)};
    settings.link_key = discovery::link_key::from_bytes(std::string(32, static_cast<char>(number)));
    settings.nonce_seed = std::string(32, static_cast<char>(100 + number));
    return settings;
}
inline std::string endpoint_of(std::uint8_t number) {
    return "tcp://10.0.0." + std::to_string(number) + ":" + std::to_string(5000 + number);
}

/// Everything of contact, in the place of a mesh.
struct reaching_node {
    explicit reaching_node(mesh_options with = reachable(1))
        : settings(std::move(with)) {}

    mesh_options settings;
    schedule time{{start + 1h, wall}};
    store here{settings.self, 7};
    room space{0};
    tally counts;
    node_stats& counters = counts.counters;
    std::mt19937_64 random{1};
    membership members{settings.self};
    // The courier needs the links, and they need the courier only later: as in a mesh.
    courier& mail = mail_;
    handover leave{settings, here, members, mail};
    std::set<replica_id> listeners;
    own_writes writes{settings, here, listeners, space, leave, counters};
    contact all{settings, members, mail, {settings, here, writes, space, leave}, random, time, counts};
    const hello_writer& own = all.own_hello;
    courier mail_{settings, members, all.links.all(), counters};
    outbox out;

    void pass(mesh_clock::duration by) {
        time.begin(
            {time.now() + by,
             time.at().wall_ms + static_cast<std::uint64_t>(
                                     std::chrono::duration_cast<std::chrono::milliseconds>(by).count())});
        time.clear();
    }
    template <class Action>
    std::vector<Action> taken() {
        std::vector<Action> found;
        for (const auto& each : out.actions) {
            if (const auto* const one = std::get_if<Action>(&each)) found.push_back(*one);
        }
        out.clear();
        return found;
    }
    /// A peer in contact at its own address, with a link.
    peer& met(std::uint8_t number) {
        auto& p = members.add(replica(number));
        p.endpoint = endpoint_of(number);
        p.host = "10.0.0." + std::to_string(number);
        p.publish_endpoint = "tcp://" + p.host + ":" + std::to_string(6000 + number);
        p.version = wire::version_max;
        p.health.life.heard(time.now(), true);
        (void)all.links.bind(all.links.connect(p.endpoint, out), replica(number), out);
        return p;
    }
    /// A member with a link that is open and answered.
    peer& up(std::uint8_t number) {
        auto& p = met(number);
        auto& l = all.links[*p.via];
        l.open = l.answered = l.dialled = true;
        p.greeted = p.sees_me = p.routable = true;
        (void)all.links.note_subscriber(replica(number));
        members.transition(p, member_state::up, event_kind::joined, time.now());
        return p;
    }
    std::string beacon() { return all.introductions.beacon_bytes(); }
    /// Its own HELLO, as another node reads it.
    wire::hello hello(std::uint64_t flags = 0) const { return own.make(flags); }
};

} // namespace baton::core
