// bad_rows: a correct row and the frame around it, for the tests that spoil them.
#pragma once

#include "awaiting.hpp"

namespace baton::sim::bad {

constexpr auto now = timestamp{std::uint64_t{1'700'000'000'000} << 16};
constexpr auto too_large = counter_max + 1;

inline wire::event_writer one_put(std::string_view key) {
    wire::event_writer rows(now);
    rows.add({false, {value_type::reg, key, {}}, now, 0, "value", {}});
    return rows;
}

inline wire::delta delta_of(const replica_id& origin, std::uint64_t first, std::uint64_t count,
                            const cut& depends, std::string_view rows) {
    return {origin, first, count, now, depends, {}, rows};
}

} // namespace baton::sim::bad
