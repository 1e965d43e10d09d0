// search: how a client finds a door by UDP: a question to everybody, or to the port of one member, and the
// answer of each member that has a door. An answer is never longer than its question, and goes to its source
// alone, so that it is of no use to somebody who floods others.
//
// Pure; values; any thread. In a mesh with a key both are sealed with the key of client_key::search().
#pragma once

#include "discovery/seal.hpp"

#include <baton/dot.hpp>
#include <baton/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace baton::discovery {

struct search_question {
    std::string cluster;
    std::uint64_t version_min = 0, version_max = 0; ///< of client_frame.hpp
    std::string nonce{};                            ///< 16 bytes that the answer repeats
    std::uint16_t port = 0;                         ///< where the client awaits the answer; 0: at the source
};
struct search_answer {
    std::string cluster;
    std::uint64_t version_min = 0, version_max = 0;
    std::string nonce{};
    replica_id id{};
    std::uint16_t door = 0;
};

constexpr std::size_t search_bytes = 192; ///< of every question, and the most of an answer, without a seal

/// Whether the datagram claims to be a question: it costs next to nothing.
[[nodiscard]] bool is_search(std::string_view bytes);
[[nodiscard]] std::string encode(const search_question& from);
[[nodiscard]] std::string encode(const search_answer& from);
/// Errors: malformed, which includes one that is shorter than search_bytes.
[[nodiscard]] result<search_question> decode_question(std::string_view bytes);
/// Errors: malformed.
[[nodiscard]] result<search_answer> decode_answer(std::string_view bytes);

} // namespace baton::discovery
