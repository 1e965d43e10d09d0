// version: the name of one write; owner_epoch: the number of one ownership of a register.
//
//     #include <baton/node.hpp>
//
//     // A compare-and-set: writes the key only if no other write has come in between.
//     bool advance(baton::node& node, const baton::pickup_result& read, std::string_view next) {
//         return node.stash("game/round", next, {.if_version = read.written}).has_value();
//     }
//     // A server outside the mesh refuses the writes of a former owner.
//     bool admits(baton::owner_epoch& highest, baton::owner_epoch writer) {
//         if (writer < highest) return false;
//         highest = writer;
//         return true;
//     }
//
// Plain values; any thread.
#pragma once

#include <baton/dot.hpp>

#include <compare>
#include <cstdint>

namespace baton {

/// Names one write. It is larger than every version of the same key that its writer had seen.
struct version {
    dot id{}; ///< the event that made the write; nil: no write
    friend constexpr auto operator<=>(const version&, const version&) = default;
};

/// Numbers the claims and releases of one register: a later one has a larger number. Source: fencing tokens
/// (Burrows 2006, "The Chubby lock service").
struct owner_epoch {
    std::uint64_t number = 0; ///< odd while a node owns the key, even once it is free again

    /// True if a node owns the key in this epoch.
    [[nodiscard]] constexpr bool is_owned() const { return number % 2 == 1; }
    friend constexpr auto operator<=>(const owner_epoch&, const owner_epoch&) = default;
};

} // namespace baton
