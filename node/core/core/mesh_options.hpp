// mesh_options: the settings of a mesh at its start: options as the pure core sees them.
//
// An aggregate with defaults; plain values.
#pragma once

#include "core/inner_bounds.hpp"
#include "crdt/mutation.hpp"
#include "discovery/roster.hpp"
#include "wire/frame.hpp"

#include <baton/dot.hpp>
#include <baton/options.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace baton::core {

struct mesh_options {
    replica_id self{};
    std::string name;
    std::string cluster = "default";
    std::string hosts; ///< addresses to advertise, separated by blanks; empty: those that others see
    std::string reach; ///< if `hosts` is empty: addresses of this machine's interfaces, likewise
    std::uint16_t port = 1, publish_port = 1;
    std::uint16_t door = 0; ///< TCP port for clients; 0: none
    /// Used instead of `hosts` if some of them are names: in the form of discovery::parse_named(), with all
    /// ports.
    std::vector<std::string> advertise;
    std::string own_hosts;          ///< every address of this machine, likewise
    bool attached = true;           ///< has an interface that others could be reached by
    std::vector<std::string> seeds; ///< as discovery::parse_seed() takes them
    bool beacon = true;
    bool exchanges_peers = true;
    std::chrono::milliseconds beacon_every{1000};
    liveness_options liveness{};
    limit_options limits{};
    std::chrono::milliseconds clock_skew_max{5000};
    std::size_t mesh_size = 0; ///< expected number of members; 0: unknown
    bool founding = false;
    bool spills = false;      ///< a leave that fails is written to a file
    bool keep_spills = false; ///< a file is removed only when a later one holds its contents
    std::chrono::milliseconds alone_after{5000};
    std::uint64_t random_seed = 0;
    wire::versions versions{};      ///< of the wire, that this node speaks
    std::vector<mesh_key> keys{};   ///< the first one seals; none: the mesh is open
    discovery::link_key link_key{}; ///< this node's own, with a key
    std::string nonce_seed{};       ///< 32 secret bytes, with a key
    std::chrono::milliseconds beacon_window{60'000};
    inner_bounds bounds{};
    mutation broken = mutation::none;
};

} // namespace baton::core
