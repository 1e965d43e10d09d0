// How the tests of clients connect: to the mesh of the test, on loopback, with patience.
#pragma once

#include "nodes.hpp"

#include <baton/client.hpp>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace io {

/// Of a client of `net` that searches for a door, or asks the `seeds`.
inline baton::client_options settings_of(const mesh& net, std::vector<std::string> seeds = {}) {
    baton::client_options made;
    made.name = "visitor";
    made.cluster = net.cluster;
    made.seeds = std::move(seeds);
    made.host = "127.0.0.1";
    made.beacon.port = net.beacon_port;
    made.search_within = made.reach_within = patience(std::chrono::seconds{10});
    return made;
}

inline baton::client connected(const baton::client_options& settings) {
    auto made = baton::client::connect(settings);
    if (!made) throw std::runtime_error(made.error().what);
    return *std::move(made);
}
/// A client that talks to that member.
inline baton::client joined(const mesh& net, const baton::node& member) {
    return connected(settings_of(net, {member.endpoint()}));
}

} // namespace io
