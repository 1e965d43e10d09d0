// What the tests of the core's machines share: ids and moments. No mesh is linked.
#pragma once

#include "core/io.hpp"
#include "core/mesh_options.hpp"
#include "crdt/store.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <string_view>

namespace baton::core {

using namespace std::chrono_literals;

inline replica_id replica(std::uint8_t number) {
    replica_id id;
    id.bytes.fill(number);
    return id;
}
inline mesh_options options_of(const replica_id& self) {
    mesh_options settings;
    settings.self = self;
    return settings;
}
inline slot_name register_of(std::string_view key) { return {value_type::reg, key, {}}; }
inline constexpr instant start{};
inline constexpr std::uint64_t wall = 1'700'000'000'000;

} // namespace baton::core
