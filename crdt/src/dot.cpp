#include <baton/dot.hpp>

#include <algorithm>

namespace baton {

std::optional<replica_id> replica_id::from_bytes(std::string_view raw) {
    replica_id id;
    if (raw.size() != id.bytes.size()) return std::nullopt;
    std::transform(raw.begin(), raw.end(), id.bytes.begin(),
                   [](char c) { return static_cast<std::uint8_t>(c); });
    return id;
}

std::string replica_id::to_string() const {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * bytes.size());
    for (const auto byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

std::string dot::to_string() const {
    return replica.to_string().substr(0, 8) + ':' + std::to_string(counter);
}

} // namespace baton
