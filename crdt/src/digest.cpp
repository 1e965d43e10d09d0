#define XXH_INLINE_ALL
#include "crdt/digest.hpp"

#include "crdt/assert.hpp"
#include "crdt/slot.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace baton::crdt {

namespace {

constexpr std::uint64_t digest_seed = 0x6261746f6e000002; // "baton", then the version of this hash

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

digest hash_record(const hashed_fields& fields, std::string_view key, std::string_view element,
                   std::string_view value) {
    constexpr std::size_t head_bytes = 16 + 8 + 8 + 8 + 1 + 2;
    std::array<std::uint8_t, head_bytes + key_bytes_max + element_bytes_max> head; // NOLINT: filled below
    BATON_ASSERT(key.size() <= key_bytes_max && element.size() <= element_bytes_max);
    std::memcpy(head.data(), fields.replica.bytes.data(), 16);
    put_little_endian(head.data() + 16, fields.counter);
    put_little_endian(head.data() + 24, fields.stamp);
    put_little_endian(head.data() + 32, fields.epoch);
    head[40] = fields.type;
    head[41] = static_cast<std::uint8_t>(key.size());
    head[42] = static_cast<std::uint8_t>(key.size() >> 8);
    std::copy(key.begin(), key.end(), head.begin() + head_bytes);
    std::copy(element.begin(), element.end(),
              head.begin() + head_bytes + static_cast<std::ptrdiff_t>(key.size()));
    const auto who =
        XXH3_128bits_withSeed(head.data(), head_bytes + key.size() + element.size(), digest_seed);
    const auto what = XXH3_128bits_withSeed(value.data(), value.size(), who.low64);
    digest sum{who.high64, who.low64};
    sum += digest{what.high64, what.low64};
    return sum;
}

std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) {
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

digest hash_wide(std::string_view bytes, std::uint64_t seed) {
    const auto sum = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
    return {sum.high64, sum.low64};
}

} // namespace baton::crdt
