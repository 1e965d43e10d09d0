// key: mesh_key, the secret that the members of a mesh share, and key_id, its public name.
//
//     // The key in a text of 64 hexadecimal digits or base64; nullopt if it has another form.
//     std::optional<baton::mesh_key> key_in(std::string_view text) {
//         return baton::mesh_key::from_text(text);
//     }
//     // What may be printed and compared: it does not reveal the key.
//     std::string shown(const baton::mesh_key& key) { return key.id().to_string(); }
//     bool is_named(const baton::mesh_key& key, std::string_view id) {
//         return baton::key_id::from_text(id) == key.id();
//     }
//
// Plain values; any thread. A mesh_key wipes its bytes when it is destroyed, and nothing here prints them.
// Source of the hashing: BLAKE2b (RFC 7693), by libsodium's crypto_generichash.
#pragma once

#include <baton/api.hpp>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton {

/// Names a key without revealing it: 8 bytes of a keyed hash. It travels with whatever the key seals.
struct key_id {
    std::array<std::uint8_t, 8> bytes{}; ///< in the order in which they travel

    friend constexpr auto operator<=>(const key_id&, const key_id&) = default;
    /// The 8 bytes as they travel; valid as long as this object.
    [[nodiscard]] std::string_view view() const {
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
    /// 16 lower-case hexadecimal digits.
    [[nodiscard]] BATON_API std::string to_string() const;
    /// The id that `text` writes; nullopt unless `text` is 16 hexadecimal digits.
    [[nodiscard]] BATON_API static std::optional<key_id> from_text(std::string_view text);
};

/// 32 secret bytes. Whoever has them can join the mesh, read everything and write everything.
class BATON_API mesh_key {
  public:
    static constexpr std::size_t size = 32; ///< bytes of a key

    /// The key whose bytes are `raw`; nullopt unless these are 32 bytes and not all zero.
    [[nodiscard]] static std::optional<mesh_key> from_bytes(std::string_view raw);
    /// The key that `text` writes as 64 hexadecimal digits or base64 (RFC 4648, padded or not); nullopt for
    /// any other text, and for 32 zero bytes.
    [[nodiscard]] static std::optional<mesh_key> from_text(std::string_view text);
    mesh_key(const mesh_key&) = default;            ///< Copies the secret.
    mesh_key& operator=(const mesh_key&) = default; ///< Copies the secret.
    ~mesh_key();                                    ///< Wipes the secret.

    /// Takes the same time for all keys, so that the time reveals nothing.
    bool operator==(const mesh_key& other) const;
    /// The public name of the key.
    [[nodiscard]] key_id id() const { return id_; }
    /// The secret itself; valid as long as this object.
    [[nodiscard]] const std::array<std::uint8_t, size>& bytes() const { return bytes_; }

  private:
    mesh_key() = default;
    std::array<std::uint8_t, size> bytes_{};
    key_id id_{};
};

/// The keys of a mesh that a node accepts.
struct installed_keys {
    std::optional<key_id> in_use{}; ///< the one that the node seals with; nullopt if the mesh is open
    std::vector<key_id> accepted;   ///< in_use first; empty if the mesh is open
};

} // namespace baton
