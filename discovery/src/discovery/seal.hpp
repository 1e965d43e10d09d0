// seal: proves that a member has sent a datagram: the payload is followed by the id of a key and a MAC under
// that key.
//
//     payload | key id (8 bytes) | MAC (32 bytes; of a probe 16)
//
// Pure; the keyring is used under the node's lock. The MAC is checked before anything of the payload is read.
// Source: keyed BLAKE2b (RFC 7693) as a MAC, by libsodium; the ring after memberlist's keyring (install, use,
// remove).
#pragma once

#include <baton/key.hpp>
#include <baton/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace baton::discovery {

/// The accepted keys; the one in use seals.
class keyring {
  public:
    static constexpr std::size_t keys_max = 8;

    /// The first key is used. Keys over keys_max are left out.
    explicit keyring(const std::vector<mesh_key>& keys = {});
    [[nodiscard]] bool empty() const { return keys_.empty(); }
    /// Precondition: not empty.
    [[nodiscard]] const mesh_key& used() const { return keys_.front(); }
    /// The one in use first.
    [[nodiscard]] const std::vector<mesh_key>& keys() const { return keys_; }
    [[nodiscard]] const mesh_key* find(const key_id& id) const;
    /// Accepts the key from now on; a second call has no effect. Errors: bad_key (there are already
    /// keys_max).
    result<void> install(const mesh_key& key);
    /// Seals datagrams with it from now on. Errors: absent.
    result<void> use(const key_id& id);
    /// Accepts it no more. Errors: absent; conflict, if it is the one in use.
    result<void> remove(const key_id& id);

  private:
    std::vector<mesh_key> keys_;
};

/// Part of the MAC, so that no datagram can be used for another purpose.
enum class purpose : std::uint8_t { beacon = 1, introduction = 2, probe = 3, search = 4, found = 5 };

constexpr std::size_t seal_bytes = 8 + 32; ///< except for probes

/// Appends the seal to the payload.
void seal(std::string& payload, purpose what, const mesh_key& by);

struct unsealed {
    enum class fault : std::uint8_t { none, unknown_key, wrong_mac } why = fault::unknown_key;
    std::string_view payload;     ///< only without a fault
    const mesh_key* by = nullptr; ///< until the ring changes
};
/// O(bytes); the key is found by its id before anything is hashed.
[[nodiscard]] unsealed unseal(std::string_view bytes, purpose what, const keyring& ring);

/// 16 bytes that cannot be guessed without `seed` (32 bytes); different for every `number`.
[[nodiscard]] std::string make_nonce(std::string_view seed, std::uint64_t number);

} // namespace baton::discovery
