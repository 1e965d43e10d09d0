#include "discovery/probe.hpp"

namespace baton::discovery {

namespace {
// "bt", then one of the letters; 16 bytes of id; 4 bytes of number, little endian. The last two letters are
// followed by 16 bytes of `about` and 2 bytes of age.
constexpr std::string_view probe_magic = "bt", letters = "paiw";
constexpr std::size_t plain_bytes = 2 + 1 + 16 + 4, about_bytes = 16 + 2;
} // namespace

bool is_probe(std::string_view bytes) { return bytes.starts_with(probe_magic); }

std::string encode(const probe& from) {
    std::string bytes(probe_magic);
    bytes += letters[(from.is_answer ? 1U : 0U) + (from.about.is_nil() ? 0U : 2U)];
    bytes += from.id.view();
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(from.number >> shift);
    if (from.about.is_nil()) return bytes;
    bytes += from.about.view();
    bytes += static_cast<char>(from.age & 0xff);
    bytes += static_cast<char>(from.age >> 8);
    return bytes;
}

std::optional<probe> decode_probe(std::string_view payload) {
    if (payload.size() < plain_bytes || !is_probe(payload)) return std::nullopt;
    const auto letter = letters.find(payload[probe_magic.size()]);
    if (letter == letters.npos || payload.size() != plain_bytes + (letter < 2 ? 0 : about_bytes))
        return std::nullopt;
    const auto id = replica_id::from_bytes(payload.substr(probe_magic.size() + 1, 16));
    const auto about = letter < 2 ? replica_id{} : *replica_id::from_bytes(payload.substr(plain_bytes, 16));
    if (!id || id->is_nil() || (letter >= 2 && about.is_nil())) return std::nullopt;
    probe got{letter % 2 == 1, *id, 0, about, 0};
    if (letter >= 2) {
        const auto byte = [&](std::size_t i) {
            return static_cast<unsigned char>(payload[plain_bytes + 16 + i]);
        };
        got.age = static_cast<std::uint16_t>(byte(0) | byte(1) << 8);
    }
    for (std::size_t i = 4; i-- != 0;)
        got.number = got.number << 8 | static_cast<unsigned char>(payload[plain_bytes - 4 + i]);
    return got;
}

} // namespace baton::discovery
