#include "discovery/access.hpp"

#include "crdt/assert.hpp"
#include "wire/codec.hpp"

#include <sodium.h>

#include <algorithm>

namespace baton {

namespace {

constexpr std::string_view text_head = "baton-client-1.";
constexpr std::size_t prefix_bytes_max = 32, id_bytes = 8, proof_bytes = 32;
using proof = std::array<unsigned char, proof_bytes>;

// What is derived for one use tells nothing about the key, or about another use.
proof derived(const mesh_key& from, std::string_view use, std::string_view terms) {
    proof made{};
    crypto_generichash_state state;
    crypto_generichash_init(&state, from.bytes().data(), from.bytes().size(), made.size());
    for (const auto part : {use, terms})
        crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(part.data()), part.size());
    crypto_generichash_final(&state, made.data(), made.size());
    sodium_memzero(&state, sizeof state);
    return made;
}

std::string_view view(const proof& of) { return {reinterpret_cast<const char*>(of.data()), of.size()}; }

// A token: terms | id of the mesh's key | proof.
proof proof_of(const mesh_key& key, std::string_view terms) {
    return derived(key, "baton client token", terms);
}

std::string terms_of(client_role role, const std::vector<std::string>& prefixes) {
    std::string terms(1, static_cast<char>(role));
    for (const auto& each : prefixes) {
        if (terms.size() > client_key::prefixes_max * (prefix_bytes_max + 1)) break;
        const auto part = std::string_view(each).substr(0, prefix_bytes_max);
        wire::put_varint(terms, part.size());
        terms += part;
    }
    return terms;
}

std::optional<discovery::access> read_terms(std::string_view terms) {
    wire::byte_reader in(terms);
    discovery::access made;
    const auto role = in.byte();
    if (role > static_cast<std::uint8_t>(client_role::admin)) return std::nullopt;
    made.role = static_cast<client_role>(role);
    while (in.ok() && !in.done() && made.prefixes.size() < client_key::prefixes_max) {
        const auto size = in.varint();
        made.prefixes.emplace_back(in.bytes(size));
    }
    if (!in.ok() || !in.done()) return std::nullopt;
    return made;
}

} // namespace

std::string_view to_string(client_role role) {
    switch (role) {
    case client_role::read:
        return "read";
    case client_role::write:
        return "write";
    case client_role::admin:
        return "admin";
    }
    return "unknown";
}

client_key client_key::derive(const mesh_key& of, client_role role,
                              const std::vector<std::string>& prefixes) {
    BATON_ASSERT(sodium_init() >= 0);
    const std::vector<std::string> some(
        prefixes.begin(),
        prefixes.begin() + static_cast<std::ptrdiff_t>(std::min(prefixes.size(), prefixes_max)));
    auto token = terms_of(role, some);
    const auto tag = proof_of(of, token);
    token += of.id().view();
    token += view(tag);
    return {std::move(token), discovery::door_of(of).public_key, discovery::search_key_of(of)};
}

std::string client_key::to_text() const {
    std::string raw(reinterpret_cast<const char*>(door_.data()), door_.size());
    raw.append(reinterpret_cast<const char*>(search_.bytes().data()), search_.bytes().size());
    raw += token_;
    constexpr int form = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    std::string text(sodium_base64_encoded_len(raw.size(), form), '\0');
    sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(raw.data()),
                      raw.size(), form);
    text.pop_back(); // the final zero
    return std::string(text_head) + text;
}

std::optional<client_key> client_key::from_text(std::string_view text) {
    constexpr std::size_t text_max = 1024;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
        text.remove_suffix(1);
    if (!text.starts_with(text_head) || text.size() > text_max) return std::nullopt;
    text.remove_prefix(text_head.size());
    std::string raw(text.size(), '\0');
    std::size_t size = 0;
    const char* end = nullptr;
    if (sodium_base642bin(reinterpret_cast<unsigned char*>(raw.data()), raw.size(), text.data(), text.size(),
                          nullptr, &size, &end, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        end != text.data() + text.size() || size < 64 + 1 + id_bytes + proof_bytes)
        return std::nullopt;
    raw.resize(size);
    std::array<std::uint8_t, 32> door{};
    std::copy(raw.begin(), raw.begin() + 32, door.begin());
    auto search = mesh_key::from_bytes(std::string_view(raw).substr(32, 32));
    const auto token = raw.substr(64);
    if (!search || !read_terms(std::string_view(token).substr(0, token.size() - id_bytes - proof_bytes)))
        return std::nullopt;
    return client_key(token, door, *search);
}

namespace discovery {

door_pair door_of(const mesh_key& key) {
    auto seed = derived(key, "baton client door", {});
    door_pair made;
    crypto_box_seed_keypair(made.public_key.data(), made.secret.data(), seed.data());
    sodium_memzero(seed.data(), seed.size());
    return made;
}

mesh_key search_key_of(const mesh_key& key) {
    auto made = mesh_key::from_bytes(view(derived(key, "baton client search", {})));
    BATON_ASSERT(made); // 32 zero bytes are no hash that anybody will see
    return *made;
}

bool access::covers(std::string_view key) const {
    return prefixes.empty() || std::any_of(prefixes.begin(), prefixes.end(),
                                           [&](const auto& each) { return key.starts_with(each); });
}

std::optional<access> access_of(std::string_view token, const keyring& ring) {
    if (token.size() < 1 + id_bytes + proof_bytes) return std::nullopt;
    const auto terms = token.substr(0, token.size() - id_bytes - proof_bytes);
    key_id id;
    const auto name = token.substr(terms.size(), id_bytes);
    std::copy(name.begin(), name.end(), id.bytes.begin());
    const auto* const key = ring.find(id);
    if (key == nullptr) return std::nullopt;
    const auto right = proof_of(*key, terms);
    const auto said = token.substr(token.size() - proof_bytes);
    if (sodium_memcmp(right.data(), said.data(), right.size()) != 0) return std::nullopt;
    return read_terms(terms);
}

} // namespace discovery

} // namespace baton
