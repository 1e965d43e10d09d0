// probe: a question by UDP whether a member lives, and its answer: at most 47 bytes with a seal; and a
// question to somebody else whether it hears that member. TCP at 30 % loss stands still for seconds; of a few
// datagrams one comes through.
//
// Pure; values. Only an answer proves something, by the number of its question: a recording proves nothing.
// Source: SWIM's ping (Das, Gupta, Motivala 2002), beside the link instead of in place of it.
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
    replica_id about{};    ///< whom the question is about; nil: whom it is sent to
    std::uint16_t age = 0; ///< of an answer about somebody else: heard so many milliseconds ago
};

/// Whether it is one at all: everything else on that port begins otherwise.
[[nodiscard]] bool is_probe(std::string_view bytes);
[[nodiscard]] std::string encode(const probe& from);
/// Nothing when it is malformed. Without its seal, if it had one.
[[nodiscard]] std::optional<probe> decode_probe(std::string_view payload);

} // namespace baton::discovery
