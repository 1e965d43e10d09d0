// key: the secret that the members of a mesh share, and the name by which it is spoken of.
//
// Plain values; any thread. A mesh_key wipes its bytes when it goes, and nothing here prints them.
// Source of the hashing: BLAKE2b (RFC 7693), by libsodium's crypto_generichash.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace baton {

/// Names a key without giving it away: 8 bytes of a keyed hash. It travels with what the key has sealed.
struct key_id {
    std::array<std::uint8_t, 8> bytes{};

    friend constexpr auto operator<=>(const key_id&, const key_id&) = default;
    [[nodiscard]] std::string_view view() const {
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
    /// 16 lower-case hexadecimal digits.
    [[nodiscard]] std::string to_string() const;
    /// Nothing unless `text` is 16 hexadecimal digits.
    [[nodiscard]] static std::optional<key_id> from_text(std::string_view text);
};

/// 32 secret bytes. Who has them can join the mesh, read everything and write everything.
class mesh_key {
  public:
    static constexpr std::size_t size = 32;

    /// Nothing unless `raw` is 32 bytes that are not all zero.
    [[nodiscard]] static std::optional<mesh_key> from_bytes(std::string_view raw);
    /// 64 hexadecimal digits, or base64 (RFC 4648, padded or not); nothing for anything else, and for 32
    /// zeros.
    [[nodiscard]] static std::optional<mesh_key> from_text(std::string_view text);
    mesh_key(const mesh_key&) = default;
    mesh_key& operator=(const mesh_key&) = default;
    ~mesh_key();

    /// Takes the same time whatever the keys are.
    friend bool operator==(const mesh_key& a, const mesh_key& b);
    [[nodiscard]] key_id id() const { return id_; }
    /// The secret itself, for as long as this lives.
    [[nodiscard]] const std::array<std::uint8_t, size>& bytes() const { return bytes_; }

  private:
    mesh_key() = default;
    std::array<std::uint8_t, size> bytes_{};
    key_id id_{};
};

} // namespace baton
