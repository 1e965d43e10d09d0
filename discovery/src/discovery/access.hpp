// access: the keys of a door, and what the token of a client allows. client_key.hpp makes the other side.
//
// Pure; values; any thread.
#pragma once

#include "discovery/seal.hpp"

#include <baton/client_key.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::discovery {

/// The CURVE key pair of a door: the same at every member that uses this key of the mesh.
struct door_pair {
    std::array<std::uint8_t, 32> public_key{}, secret{};
};
[[nodiscard]] door_pair door_of(const mesh_key& key);
/// The key under which clients of that mesh search.
[[nodiscard]] mesh_key search_key_of(const mesh_key& key);

/// What a client may do.
struct access {
    client_role role = client_role::admin;
    std::vector<std::string> prefixes{}; ///< empty: all keys
    [[nodiscard]] bool may(client_role wanted) const { return wanted <= role; }
    [[nodiscard]] bool covers(std::string_view key) const;
};
/// nullopt unless a key of the ring proves the token.
[[nodiscard]] std::optional<access> access_of(std::string_view token, const keyring& ring);

} // namespace baton::discovery
