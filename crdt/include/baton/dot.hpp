// Names of replicas and of events: replica_id, dot.
//
// Plain values; any thread. A replica id is 128 random bits drawn at every start and never reused, so that
// a dot (replica, counter) names one event for ever (invariant I6).
// Source: dots of Almeida, Shoker, Baquero, "Delta state replicated data types", 2018.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace baton {

/// 128 random bits that name one run of one node. Ordered by bytes; all zero means "nobody".
struct replica_id {
    std::array<std::uint8_t, 16> bytes{};

    friend constexpr auto operator<=>(const replica_id&, const replica_id&) = default;
    friend constexpr bool operator==(const replica_id& a, const replica_id& b) {
        using words = std::array<std::uint64_t, 2>; // compared very often
        const auto x = std::bit_cast<words>(a.bytes), y = std::bit_cast<words>(b.bytes);
        return x[0] == y[0] && x[1] == y[1];
    }
    [[nodiscard]] constexpr bool is_nil() const { return *this == replica_id{}; }
    /// The 16 bytes as they travel.
    [[nodiscard]] std::string_view view() const {
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
    /// Nothing unless `raw` is exactly 16 bytes.
    [[nodiscard]] static std::optional<replica_id> from_bytes(std::string_view raw);
    /// 32 lower-case hexadecimal digits.
    [[nodiscard]] std::string to_string() const;
};

/// The `counter`-th event of `replica`; counters are dense and start at 1.
struct dot {
    replica_id replica{};
    std::uint64_t counter = 0;

    friend constexpr auto operator<=>(const dot&, const dot&) = default;
    /// "<first 8 digits of the replica>:<counter>", for people.
    [[nodiscard]] std::string to_string() const;
};

} // namespace baton
