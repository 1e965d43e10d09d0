#define XXH_INLINE_ALL
#include "crdt/digest.hpp"

#include "crdt/assert.hpp"

#include <xxhash.h>

#include <array>
#include <cstring>

namespace baton {

namespace {

constexpr std::uint64_t digest_seed = 0x6261746f6e000001; // "baton", then the version of this hash

void put_little_endian(std::uint8_t* to, std::uint64_t value) {
    for (int byte = 0; byte < 8; ++byte) to[byte] = static_cast<std::uint8_t>(value >> (8 * byte));
}

} // namespace

std::string digest::to_string() const {
    std::string text;
    for (const auto half : {high, low}) {
        for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[(half >> shift) & 15];
    }
    return text;
}

digest hash_record(const hashed_fields& fields, std::string_view key, std::string_view value) {
    constexpr std::size_t head_bytes = 16 + 8 + 8 + 8 + 1;
    std::array<std::uint8_t, head_bytes + 512> head; // NOLINT: filled below
    BATON_ASSERT(key.size() <= 512);
    std::memcpy(head.data(), fields.replica.bytes.data(), 16);
    put_little_endian(head.data() + 16, fields.counter);
    put_little_endian(head.data() + 24, fields.stamp);
    put_little_endian(head.data() + 32, fields.epoch);
    head[40] = fields.type;
    std::memcpy(head.data() + head_bytes, key.data(), key.size());
    const auto who = XXH3_128bits_withSeed(head.data(), head_bytes + key.size(), digest_seed);
    const auto what = XXH3_128bits_withSeed(value.data(), value.size(), who.low64);
    digest sum{who.high64, who.low64};
    sum += digest{what.high64, what.low64};
    return sum;
}

std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

} // namespace baton
