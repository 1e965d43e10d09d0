#include <baton/key.hpp>

#include <sodium.h>

#include <algorithm>

namespace baton {

namespace {
constexpr std::string_view id_of = "baton key id"; // the message; its hash under the key is the key id

std::string hex_of(const unsigned char* bytes, std::size_t count) {
    std::string text(count * 2 + 1, '\0');
    sodium_bin2hex(text.data(), text.size(), bytes, count);
    text.pop_back();
    return text;
}

bool from_hex(std::string_view text, unsigned char* to, std::size_t count) {
    std::size_t got = 0;
    const char* end = nullptr;
    return text.size() == 2 * count &&
           sodium_hex2bin(to, count, text.data(), text.size(), nullptr, &got, &end) == 0 && got == count &&
           end == text.data() + text.size();
}

bool from_base64(std::string_view text, unsigned char* to, std::size_t count) {
    for (const int variant : {sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING}) {
        std::size_t got = 0;
        const char* end = nullptr;
        if (sodium_base642bin(to, count, text.data(), text.size(), nullptr, &got, &end, variant) == 0 &&
            got == count && end == text.data() + text.size())
            return true;
    }
    return false;
}
} // namespace

std::string key_id::to_string() const { return hex_of(bytes.data(), bytes.size()); }

std::optional<key_id> key_id::from_text(std::string_view text) {
    key_id id;
    if (!from_hex(text, id.bytes.data(), id.bytes.size())) return std::nullopt;
    return id;
}

std::optional<mesh_key> mesh_key::from_bytes(std::string_view raw) {
    if (raw.size() != size || std::all_of(raw.begin(), raw.end(), [](char c) { return c == 0; }))
        return std::nullopt;
    mesh_key made;
    std::copy(raw.begin(), raw.end(), made.bytes_.begin());
    std::array<unsigned char, 16> hash{}; // the shortest hash that libsodium makes
    crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(id_of.data()),
                       id_of.size(), made.bytes_.data(), made.bytes_.size());
    std::copy_n(hash.begin(), made.id_.bytes.size(), made.id_.bytes.begin());
    return made;
}

std::optional<mesh_key> mesh_key::from_text(std::string_view text) {
    std::array<unsigned char, size> raw{};
    std::optional<mesh_key> made;
    if (from_hex(text, raw.data(), raw.size()) || from_base64(text, raw.data(), raw.size()))
        made = from_bytes({reinterpret_cast<const char*>(raw.data()), raw.size()});
    sodium_memzero(raw.data(), raw.size());
    return made;
}

mesh_key::~mesh_key() { sodium_memzero(bytes_.data(), bytes_.size()); }

bool mesh_key::operator==(const mesh_key& other) const {
    return sodium_memcmp(bytes_.data(), other.bytes_.data(), size) == 0;
}

} // namespace baton
