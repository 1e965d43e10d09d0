#include "discovery/seal.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>

namespace baton::discovery {

namespace {

struct mac {
    std::array<unsigned char, 32> bytes{};
    std::size_t size = 32;
};

// Probes are small, and each one is good for one answer only, so 16 bytes suffice.
std::size_t mac_bytes(purpose what) { return what == purpose::probe ? 16 : 32; }

const unsigned char* raw(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}

// The MAC covers the purpose, the payload and the key id, in this order.
mac mac_of(std::string_view payload_and_id, purpose what, const mesh_key& by) {
    mac made{{}, mac_bytes(what)};
    crypto_generichash_state state;
    const auto first = static_cast<unsigned char>(what);
    crypto_generichash_init(&state, by.bytes().data(), by.bytes().size(), made.size);
    crypto_generichash_update(&state, &first, 1);
    crypto_generichash_update(&state, raw(payload_and_id), payload_and_id.size());
    crypto_generichash_final(&state, made.bytes.data(), made.size);
    sodium_memzero(&state, sizeof state);
    return made;
}

error absent(const key_id& id) { return {errc::absent, "no key " + id.to_string() + " is installed"}; }

} // namespace

keyring::keyring(const std::vector<mesh_key>& keys) {
    for (const auto& each : keys) (void)install(each);
}

const mesh_key* keyring::find(const key_id& id) const {
    const auto at = std::find_if(keys_.begin(), keys_.end(), [&](const auto& k) { return k.id() == id; });
    return at == keys_.end() ? nullptr : &*at;
}

result<void> keyring::install(const mesh_key& key) {
    if (find(key.id()) != nullptr) return {};
    if (keys_.size() == keys_max) {
        return error{errc::bad_key, std::to_string(keys_max) + " keys are installed already: remove one"};
    }
    keys_.reserve(keys_max); // a vector that grows would leave copies of keys in memory
    keys_.push_back(key);
    return {};
}

result<void> keyring::use(const key_id& id) {
    const auto at = std::find_if(keys_.begin(), keys_.end(), [&](const auto& k) { return k.id() == id; });
    if (at == keys_.end()) return absent(id);
    std::swap(*at, keys_.front());
    return {};
}

result<void> keyring::remove(const key_id& id) {
    const auto at = std::find_if(keys_.begin(), keys_.end(), [&](const auto& k) { return k.id() == id; });
    if (at == keys_.end()) return absent(id);
    if (at == keys_.begin())
        return error{errc::conflict, "key " + id.to_string() + " is in use: use another one first"};
    keys_.erase(at);
    return {};
}

void seal(std::string& payload, purpose what, const mesh_key& by) {
    payload += by.id().view();
    const auto tag = mac_of(payload, what, by);
    payload.append(reinterpret_cast<const char*>(tag.bytes.data()), tag.size);
}

unsealed unseal(std::string_view bytes, purpose what, const keyring& ring) {
    unsealed got;
    key_id id;
    const auto tag = mac_bytes(what), sealed_by = tag + id.bytes.size();
    if (bytes.size() <= sealed_by) return got;
    const auto covered = bytes.substr(0, bytes.size() - tag);
    const auto name = covered.substr(bytes.size() - sealed_by);
    std::copy(name.begin(), name.end(), id.bytes.begin());
    got.by = ring.find(id);
    if (got.by == nullptr) return got;
    const auto right = mac_of(covered, what, *got.by);
    got.why = sodium_memcmp(right.bytes.data(), raw(bytes) + covered.size(), right.size) == 0
                  ? unsealed::fault::none
                  : unsealed::fault::wrong_mac;
    if (got.why == unsealed::fault::none) got.payload = bytes.substr(0, bytes.size() - sealed_by);
    return got;
}

std::string make_nonce(std::string_view seed, std::uint64_t number) {
    std::array<unsigned char, 8> message{};
    for (auto& byte : message) {
        byte = static_cast<unsigned char>(number);
        number >>= 8;
    }
    std::string made(16, '\0');
    crypto_generichash(reinterpret_cast<unsigned char*>(made.data()), made.size(), message.data(),
                       message.size(), raw(seed), seed.size());
    return made;
}

} // namespace baton::discovery
