// keys: mesh keys for tests, each the same every time.
#pragma once

#include <baton/key.hpp>

namespace baton::discovery {

inline mesh_key key_number(std::uint8_t number) {
    return *mesh_key::from_bytes(std::string(mesh_key::size, static_cast<char>(number)));
}

} // namespace baton::discovery
