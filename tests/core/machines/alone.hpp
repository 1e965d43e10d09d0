// alone: what the tests of the machines share: ids, moments, and a node without a mesh. No mesh is linked.
#pragma once

#include "core/courier.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "core/writer.hpp"
#include "crdt/store.hpp"
#include "support/catch.hpp"
#include "support/replica.hpp"
#include "wire/codec.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace baton::core {

using namespace std::chrono_literals;

using support::replica;
inline mesh_options options_of(const replica_id& self) {
    mesh_options settings;
    settings.self = self;
    return settings;
}
/// 100 entries of an archive, as a STATE has them; other ones for each `number`.
inline std::string archive_rows(std::uint8_t number) {
    cut rows;
    for (std::uint8_t i = 0; i < 100; ++i) {
        auto id = replica(static_cast<std::uint8_t>(number + 1));
        id.bytes.back() = i;
        rows.push_back({id, 1});
    }
    return wire::encode_cut(rows);
}
inline constexpr instant start{};
inline constexpr std::uint64_t wall = 1'700'000'000'000;

/// Stands in for the mesh: everything that most machines refer to.
struct lone_node {
    explicit lone_node(std::uint8_t id = 1)
        : settings(options_of(replica(id)))
        , here(replica(id), 7)
        , members(replica(id)) {}

    mesh_options settings;
    store here;
    membership members;
    std::map<link_id, core::link> links;
    node_stats counters;
    courier mail{settings, members, links, counters};

    peer& up(std::uint8_t number) {
        auto& p = members.add(replica(number));
        members.transition(p, member_state::up, event_kind::joined, start);
        p.routable = true;
        p.version = wire::version_max;
        return p;
    }
};

} // namespace baton::core
