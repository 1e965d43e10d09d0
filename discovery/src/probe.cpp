#include "discovery/probe.hpp"

namespace baton::discovery {

namespace {
// "bt", then 'p' or 'a'; 16 bytes of id; 4 of number, the lowest first.
constexpr std::string_view magic = "bt";
constexpr char question = 'p', answer = 'a';
constexpr std::size_t probe_bytes = 2 + 1 + 16 + 4;
} // namespace

bool is_probe(std::string_view bytes) { return bytes.starts_with(magic); }

std::string encode(const probe& from) {
    std::string bytes(magic);
    bytes += from.is_answer ? answer : question;
    bytes += from.id.view();
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(from.number >> shift);
    return bytes;
}

std::optional<probe> decode_probe(std::string_view payload) {
    if (payload.size() != probe_bytes || !is_probe(payload)) return std::nullopt;
    const char what = payload[magic.size()];
    const auto id = replica_id::from_bytes(payload.substr(magic.size() + 1, 16));
    if ((what != question && what != answer) || !id || id->is_nil()) return std::nullopt;
    probe got{what == answer, *id, 0};
    for (int i = 3; i >= 0; --i)
        got.number = got.number << 8 |
                     static_cast<unsigned char>(payload[payload.size() - 4 + static_cast<std::size_t>(i)]);
    return got;
}

} // namespace baton::discovery
