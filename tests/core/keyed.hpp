// Mesh keys for the tests of the core: a different one for each number.
#pragma once

#include <baton/key.hpp>

#include <cstdint>
#include <string>

namespace baton::sim {

inline mesh_key key_of(std::uint8_t number) {
    return *mesh_key::from_bytes(std::string(mesh_key::size, static_cast<char>(number)));
}

} // namespace baton::sim
