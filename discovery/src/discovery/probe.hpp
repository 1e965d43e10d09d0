// probe: a question by UDP whether a member lives, and its answer, at most 47 bytes with a seal; also a
// question to another member whether it hears that one. At 30 % loss TCP can stand still for seconds, but one
// of a few datagrams arrives.
//
// Pure; values. Only an answer with the number of its question is proof, so a recording proves nothing.
// Source: SWIM's ping (Das, Gupta, Motivala 2002), in addition to the link.
#pragma once

#include <baton/dot.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace baton::discovery {

struct probe {
    bool is_answer = false;
    replica_id id{}; ///< the sender
    std::uint32_t number = 0;
    replica_id about{};    ///< the member asked about; nil: the receiver itself
    std::uint16_t age = 0; ///< of an answer about another member: heard so many milliseconds ago
};

/// Whether it is a probe: everything else on that port begins differently.
[[nodiscard]] bool is_probe(std::string_view bytes);
[[nodiscard]] std::string encode(const probe& from);
/// `payload`: the datagram without its seal. nullopt if it is malformed.
[[nodiscard]] std::optional<probe> decode_probe(std::string_view payload);

} // namespace baton::discovery
