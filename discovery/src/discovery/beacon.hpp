// beacon: the datagram by which nodes find each other. It is only a hint: it makes a node dial, and proves
// nothing.
//
// Pure; values; any thread.
#pragma once

#include "discovery/roster.hpp"

#include <baton/dot.hpp>
#include <baton/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace baton::discovery {

struct beacon {
    std::string cluster;
    std::uint64_t version_min = 0, version_max = 0;
    replica_id id{};
    std::uint64_t sequence = 0; ///< grows with every beacon of this incarnation
    std::uint16_t port = 0, publish_port = 0;
    std::string hosts{}; ///< addresses to dial, separated by blanks; empty: the datagram's source
    /// If `hosts` is empty: every address of its interfaces, so that receivers notice an address that is
    /// gone.
    std::string reach{};
    // of a mesh with a key; otherwise 0 and empty
    std::uint64_t time_ms = 0; ///< the sender's wall clock, milliseconds since 1970
    link_key key{};            ///< CURVE public key of every socket of the sender
    std::string nonce{};       ///< 16 bytes that an answer must repeat; or empty
    std::string echo{};        ///< the nonce of the question that this answers; or empty
    std::uint16_t door = 0;    ///< TCP port for clients; 0: none
};

constexpr std::size_t beacon_bytes_max = 1200; ///< fits one datagram on every link
constexpr std::size_t nonce_bytes = 16;

/// At least `bytes_min` long, by padding, or a byte less.
[[nodiscard]] std::string encode(const beacon& from, std::size_t bytes_min = 0);
/// Errors: malformed.
[[nodiscard]] result<beacon> decode_beacon(std::string_view bytes);

} // namespace baton::discovery
