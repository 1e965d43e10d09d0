// slot: names what a chain of records belongs to. A register, a counter and a flag have one slot per key.
// Each element of a set and each field of a map has its own slot, so an operation sends and replaces only
// that element or field.
//
// Values; a view is valid as long as what it was made from.
#pragma once

#include "crdt/plain_names.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace baton::crdt {

/// What a slot holds; the numbers travel.
enum class value_type : std::uint8_t {
    reg = 0,     ///< a value; concurrent ones are siblings
    counter = 1, ///< what one replica has added so far (counter_value)
    set = 2,     ///< presence of one element
    map = 3,     ///< the value of one field; concurrent ones are siblings
    flag = 4,    ///< presence: the flag is on
    scope = 5,   ///< removals only: everything of a key's set, map and flag under a context
    archive = 6, ///< removals only: the replica named by the key is closed at a counter
};
constexpr std::uint8_t value_types = 7;

/// Elements and fields have slots of their own.
[[nodiscard]] constexpr bool has_element(value_type type) {
    return type == value_type::set || type == value_type::map;
}
/// Belongs to a key whose members can be listed and removed together.
[[nodiscard]] constexpr bool is_member(value_type type) {
    return type == value_type::counter || type == value_type::flag || has_element(type);
}
/// Concurrent values are kept as siblings.
[[nodiscard]] constexpr bool has_siblings(value_type type) {
    return type == value_type::reg || type == value_type::map;
}
/// A removal of the key's scope removes it.
[[nodiscard]] constexpr bool in_scope(value_type type) {
    return type == value_type::flag || has_element(type);
}

struct slot_name {
    value_type type = value_type::reg;
    std::string_view key;
    std::string_view element; ///< only of a set or a map
    friend bool operator==(const slot_name&, const slot_name&) = default;
};

/// The longest time to live of a register.
constexpr std::chrono::milliseconds ttl_max = std::chrono::hours{24 * 36500};
constexpr std::size_t key_bytes_max = 512, element_bytes_max = 512;

/// True if a record or removal of this slot may carry this value; checked for everything that a peer sends.
[[nodiscard]] bool is_well_formed(const slot_name& slot, bool removal, std::string_view value);

} // namespace baton::crdt
