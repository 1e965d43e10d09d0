// block: one record or removal record as it lies in the arena: this header, then the epoch if it has one,
// then the key, then the value. The blocks of a key form a chain through `next`; its head is in the index.
#pragma once

#include "crdt/arena.hpp"

#include <cstdint>
#include <cstring>
#include <string_view>

namespace baton {

/// What kind of value a key holds; the numbers travel.
enum class value_type : std::uint8_t { reg = 0 };

struct block {
    enum flag : std::uint8_t {
        removal = 1,   ///< a removal record: kills what its writer saw of this key; has no value
        reference = 2, ///< staged only: the server holds this dot, and the receiver has seen it
        epoch = 4,     ///< eight bytes of epoch precede the key
        shared = 8,    ///< its key's chain has other blocks too
    };
    std::uint64_t counter;
    std::uint64_t stamp;
    std::uint32_t origin; ///< index of the replica in its store
    handle next;
    std::uint32_t value_bytes;
    std::uint16_t key_bytes;
    value_type type;
    std::uint8_t flags;

    [[nodiscard]] bool is(flag wanted) const { return (flags & wanted) != 0; }
    [[nodiscard]] std::size_t head_bytes() const { return sizeof(block) + (is(epoch) ? 8 : 0); }
    [[nodiscard]] std::size_t bytes() const { return head_bytes() + key_bytes + value_bytes; }
    [[nodiscard]] const char* payload() const { return reinterpret_cast<const char*>(this) + head_bytes(); }
    [[nodiscard]] char* payload() { return reinterpret_cast<char*>(this) + head_bytes(); }
    [[nodiscard]] std::string_view key() const { return {payload(), key_bytes}; }
    [[nodiscard]] std::string_view value() const { return {payload() + key_bytes, value_bytes}; }
    [[nodiscard]] std::uint64_t epoch_value() const {
        std::uint64_t value = 0;
        if (is(epoch)) std::memcpy(&value, reinterpret_cast<const char*>(this) + sizeof(block), 8);
        return value;
    }
};
static_assert(sizeof(block) == 32);

inline block& block_at(const arena& memory, handle h) { return *reinterpret_cast<block*>(memory.at(h)); }

} // namespace baton
