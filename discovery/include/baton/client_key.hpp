// client_key: what a client needs to talk to a mesh that has a key, without being able to join it.
//
//     // Whoever has this text can read below "game/", and nothing else.
//     std::string key_for_readers(const baton::mesh_key& of_the_mesh) {
//         return baton::client_key::derive(of_the_mesh, baton::client_role::read, {"game/"}).to_text();
//     }
//     std::optional<baton::client_key> key_from(std::string_view text) {
//         return baton::client_key::from_text(text);
//     }
//
// It is derived from the key of the mesh, so members need no list of client keys; they accept one as long as
// they accept the key of the mesh that it comes from. To withdraw a client key, change the key of the mesh.
// Plain values; any thread. Source: Birgisson et al. 2014, "Macaroons": a right is a MAC over its terms.
#pragma once

#include <baton/api.hpp>
#include <baton/key.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton {

/// What a client may do. Each role includes those before it.
enum class client_role : std::uint8_t {
    read,  ///< read keys, list them, and see members and statistics
    write, ///< write and remove keys
    admin, ///< make a member leave
};
/// "read", "write" or "admin". Valid for ever.
[[nodiscard]] BATON_API std::string_view to_string(client_role role);

/// A right to use the doors of a mesh. It is a secret: whoever has it has the right.
class BATON_API client_key {
  public:
    static constexpr std::size_t prefixes_max = 8; ///< prefixes of one key

    /// A right under `of`. No prefixes: all keys. Only the first prefixes_max prefixes count, and of each the
    /// first 32 bytes. Ends the program if libsodium finds no source of random numbers.
    [[nodiscard]] static client_key derive(const mesh_key& of, client_role role = client_role::admin,
                                           const std::vector<std::string>& prefixes = {});
    /// The key that to_text() has written; nullopt for any other text.
    [[nodiscard]] static std::optional<client_key> from_text(std::string_view text);
    /// One line of printable characters without blanks.
    [[nodiscard]] std::string to_text() const;

    /// The terms of the key, and its proof, as they travel to the door.
    [[nodiscard]] const std::string& token() const { return token_; }
    /// The CURVE public key of every door of the mesh.
    [[nodiscard]] const std::array<std::uint8_t, 32>& door() const { return door_; }
    /// Seals the search for doors by UDP.
    [[nodiscard]] const mesh_key& search() const { return search_; }

  private:
    client_key(std::string token, const std::array<std::uint8_t, 32>& door, const mesh_key& search)
        : token_(std::move(token))
        , door_(door)
        , search_(search) {}
    std::string token_;
    std::array<std::uint8_t, 32> door_;
    mesh_key search_;
};

} // namespace baton
