// dot: the names of replicas and of events, replica_id and dot.
//
//     // For a log: who wrote an event, and which of its events it is.
//     std::string described(const baton::dot& event) {
//         if (event.replica.is_nil()) return "no event";
//         return event.replica.to_string() + ", event " + std::to_string(event.counter);
//     }
//     // Of two events of one node the one with the larger counter is later.
//     bool is_later(const baton::dot& event, const baton::dot& other) {
//         return event.replica == other.replica && event.counter > other.counter;
//     }
//
// Plain values; any thread. A node draws 128 random bits as its replica id at every start and never reuses
// them, so a dot (replica, counter) names one event for ever (invariant I6).
// Source: dots of Almeida, Shoker, Baquero, "Delta state replicated data types", 2018.
#pragma once

#include <baton/api.hpp>

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace baton {

/// Names one run of one node by 128 random bits. Ordered by bytes; all zero means "no node".
struct replica_id {
    std::array<std::uint8_t, 16> bytes{}; ///< in the order in which they travel

    friend constexpr auto operator<=>(const replica_id&, const replica_id&) = default;
    friend constexpr bool operator==(const replica_id& a, const replica_id& b) {
        using words = std::array<std::uint64_t, 2>; // compared very often
        const auto x = std::bit_cast<words>(a.bytes), y = std::bit_cast<words>(b.bytes);
        return x[0] == y[0] && x[1] == y[1];
    }
    /// True if every byte is zero: the id names no node.
    [[nodiscard]] constexpr bool is_nil() const { return *this == replica_id{}; }
    /// The 16 bytes as they travel; valid as long as this object.
    [[nodiscard]] std::string_view view() const {
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
    /// The id whose bytes are `raw`; nullopt unless `raw` has exactly 16 bytes.
    [[nodiscard]] BATON_API static std::optional<replica_id> from_bytes(std::string_view raw);
    /// 32 lower-case hexadecimal digits.
    [[nodiscard]] BATON_API std::string to_string() const;
};

/// Names one event: the `counter`-th of `replica`. Counters start at 1 and have no gaps.
struct dot {
    replica_id replica{};      ///< the node that made the event
    std::uint64_t counter = 0; ///< 0 only in a dot that names no event

    friend constexpr auto operator<=>(const dot&, const dot&) = default;
    /// "<first 8 digits of the replica>:<counter>", for people; not unique.
    [[nodiscard]] BATON_API std::string to_string() const;
};

} // namespace baton
