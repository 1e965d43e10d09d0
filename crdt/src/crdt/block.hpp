// block: one record or removal record as it lies in the arena: 24 bytes of header, then the epoch if it has
// one, then the deadline if it has one, then the links of a member of a typed key, then key, element and
// value. A separate block (a *fork*) lists the concurrent blocks of a slot; a single block needs no links.
#pragma once

#include "crdt/arena.hpp"
#include "crdt/cut.hpp"
#include "crdt/slot.hpp"
#include "crdt/time.hpp"

#include <cstdint>
#include <cstring>
#include <string_view>

namespace baton::crdt {

constexpr std::uint32_t origins_max = (1U << 20) - 1;

struct block {
    enum class kind : std::uint8_t {
        record = 0,
        removal = 1,   ///< removes what its writer saw of this slot
        reference = 2, ///< staged only: the server holds this dot, and the receiver has seen it
        dead = 3,      ///< staged only: the server has seen this dot and does not hold it
    };
    /// Members of typed keys are linked to one another, from the root of their key on.
    struct links {
        handle previous, next;
    };

    std::uint64_t stamp;
    std::uint64_t counter : 48;
    std::uint64_t type_ : 4;
    std::uint64_t kind_ : 2;
    std::uint64_t epoch : 1;  ///< eight bytes of epoch follow
    std::uint64_t shared : 1; ///< its slot has other blocks too
    std::uint64_t fork : 1;   ///< not a record: the payload lists the handles of a slot's blocks
    std::uint64_t root : 1;   ///< not a record: the head of a typed key's members
    std::uint64_t batch : 4;  ///< staged only: from which server
    std::uint64_t ttl : 1;    ///< eight bytes follow: its deadline, on this node's monotonic clock
    std::uint64_t : 1;
    std::uint64_t value_bytes : 24;
    std::uint64_t origin : 20; ///< index of the replica in its store
    std::uint64_t key_bytes : 10;
    std::uint64_t element_bytes : 10;

    [[nodiscard]] value_type type() const { return static_cast<value_type>(type_); }
    [[nodiscard]] kind what() const { return static_cast<kind>(kind_); }
    [[nodiscard]] bool is(kind wanted) const { return what() == wanted; }
    [[nodiscard]] bool linked() const { return root != 0 || is_member(type()); }
    [[nodiscard]] std::size_t head_bytes() const {
        return sizeof(block) + (epoch != 0 ? 8 : 0) + (ttl != 0 ? 8 : 0) + (linked() ? sizeof(links) : 0);
    }
    [[nodiscard]] std::size_t bytes() const { return head_bytes() + key_bytes + element_bytes + value_bytes; }
    [[nodiscard]] const char* payload() const { return reinterpret_cast<const char*>(this) + head_bytes(); }
    [[nodiscard]] char* payload() { return reinterpret_cast<char*>(this) + head_bytes(); }
    [[nodiscard]] std::string_view key() const { return {payload(), key_bytes}; }
    [[nodiscard]] std::string_view element() const { return {payload() + key_bytes, element_bytes}; }
    [[nodiscard]] slot_name slot() const { return {type(), key(), element()}; }
    [[nodiscard]] std::string_view value() const {
        return {payload() + key_bytes + element_bytes, value_bytes};
    }
    [[nodiscard]] std::uint64_t epoch_value() const {
        std::uint64_t value = 0;
        if (epoch != 0) std::memcpy(&value, reinterpret_cast<const char*>(this) + sizeof(block), 8);
        return value;
    }
    /// Only with `ttl`.
    [[nodiscard]] instant deadline() const {
        instant value;
        std::memcpy(&value, reinterpret_cast<const char*>(this) + sizeof(block) + (epoch != 0 ? 8 : 0), 8);
        return value;
    }
    [[nodiscard]] links& link() {
        return *reinterpret_cast<links*>(reinterpret_cast<char*>(this) + head_bytes() - sizeof(links));
    }
};
static_assert(sizeof(block) == 24);

inline block& block_at(const arena& memory, handle h) { return *reinterpret_cast<block*>(memory.at(h)); }

/// The block that names the slot whose head is `head`.
inline const block& first_block(const arena& memory, handle head) {
    const auto& b = block_at(memory, head);
    if (b.fork == 0) return b;
    handle first = 0;
    std::memcpy(&first, b.payload(), sizeof first);
    return block_at(memory, first);
}

} // namespace baton::crdt
