// roster: which public key belongs to which incarnation, by sealed beacons, and which beacons are too old to
// be believed. The node uses it to admit links and to attribute frames.
//
// Pure; used under the node's lock. Bounded: the incarnation that has been silent longest makes room. An
// incarnation has one key for ever, and a key belongs to one incarnation.
#pragma once

#include "crdt/time.hpp"
#include "discovery/seal.hpp"

#include <baton/dot.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string_view>
#include <vector>

namespace baton::discovery {

/// A CURVE public key. All zero: none.
struct link_key {
    std::array<std::uint8_t, 32> bytes{};
    friend constexpr auto operator<=>(const link_key&, const link_key&) = default;
    [[nodiscard]] bool is_none() const { return *this == link_key{}; }
    [[nodiscard]] std::string_view view() const {
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
    /// None unless `raw` is 32 bytes.
    [[nodiscard]] static link_key from_bytes(std::string_view raw);
};

class roster {
  public:
    struct bounds {
        std::size_t entries_max = 600;
        std::chrono::milliseconds window{60'000}; ///< how much a newcomer's clock may differ
        mesh_clock::duration keep{std::chrono::hours{1}};
    };
    explicit roster(bounds how)
        : how_(how) {}

    enum class finding : std::uint8_t {
        vouched,   ///< new, and fresh: it may be dialled and admitted
        known,     ///< as before
        repeated,  ///< its last beacon again, by another interface or as a recording
        stale,     ///< new, and its clock differs too much: ask it to echo a nonce
        replayed,  ///< no newer than an earlier beacon of this incarnation
        other_key, ///< the incarnation has another key, or the key another incarnation
        full,      ///< no entry may be dropped
    };
    /// Beacons and introductions share one sequence, and may overtake one another.
    struct place {
        purpose of;
        std::uint64_t sequence;
    };
    /// A sealed beacon. `echoed`: it repeats a nonce of this node, so it is fresh whatever its clock shows.
    finding hear(const replica_id& id, const link_key& key, const place& said, std::uint64_t time_ms,
                 bool echoed, const moment& at);
    /// The key of an incarnation; none if no beacon has vouched for it.
    [[nodiscard]] link_key key_of(const replica_id& id) const;
    /// The incarnation that has the key; nil if no beacon has vouched for it.
    [[nodiscard]] replica_id owner_of(const link_key& key) const;
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    /// Forgets incarnations that have been silent for bounds::keep, and, if it is full, the one that has been
    /// silent longest; never one for which `keeps` holds. Passes each to `gone`. O(size).
    void tidy(const moment& at, const std::function<bool(const replica_id&)>& keeps,
              const std::function<void(const replica_id&)>& gone);
    [[nodiscard]] bool is_full() const { return entries_.size() >= how_.entries_max; }

  private:
    struct entry {
        link_key key;
        std::array<std::uint64_t, 2> sequences{}; ///< of beacons, of introductions
        instant heard_at{};
    };
    bounds how_;
    std::map<replica_id, entry> entries_;
    std::map<link_key, replica_id> owners_;
};

} // namespace baton::discovery
