// digest: the sum modulo 2^128 of a keyed hash of every visible live record. The order does not matter, and a
// record can be subtracted again, so an update takes O(1) per write.
//
// Values; no shared state. The hash is XXH3-128 (libxxhash): fast enough to run on every write; it detects
// divergence by fault, not by malice (wire/PROTOCOL.md, "Digest", gives the bytes).
#pragma once

#include "crdt/plain_names.hpp"

#include <baton/dot.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace baton::crdt {

struct digest {
    std::uint64_t high = 0, low = 0;

    digest& operator+=(const digest& other) {
        low += other.low;
        high += other.high + (low < other.low ? 1 : 0);
        return *this;
    }
    digest& operator-=(const digest& other) {
        high -= other.high + (low < other.low ? 1 : 0);
        low -= other.low;
        return *this;
    }
    friend bool operator==(const digest&, const digest&) = default;
    [[nodiscard]] std::string to_string() const; ///< 32 hexadecimal digits, high half first
};

struct hashed_fields {
    const replica_id& replica;
    std::uint64_t counter;
    std::uint64_t stamp;
    std::uint64_t epoch;
    std::uint8_t type;
};

[[nodiscard]] digest hash_record(const hashed_fields& fields, std::string_view key, std::string_view element,
                                 std::string_view value);
/// 64 bits for indexes and for comparing vectors in a heartbeat.
[[nodiscard]] std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed);
/// 128 bits for files.
[[nodiscard]] digest hash_wide(std::string_view bytes, std::uint64_t seed);

} // namespace baton::crdt
