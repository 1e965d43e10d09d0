// epoch: the numbers by which a register is claimed.
#pragma once

#include "crdt/time.hpp"

#include <algorithm>
#include <cstdint>

namespace baton {

/// The next claim of a slot whose largest epoch is `seen` has the smallest odd number above it and the clock.
[[nodiscard]] constexpr std::uint64_t claim_epoch(std::uint64_t seen, timestamp clock) {
    const auto above = std::max(seen, clock.raw);
    return above >= ~std::uint64_t{1} ? ~std::uint64_t{0} : (above + 1) | 1;
}
/// An odd epoch: the replica that wrote the record owns the register. An even one: it is free.
[[nodiscard]] constexpr bool is_claim(std::uint64_t epoch) { return (epoch & 1) != 0; }
/// The epoch as if nobody owned by it: below the claim, and no lower than what that was made over.
[[nodiscard]] constexpr std::uint64_t unclaimed_epoch(std::uint64_t epoch) {
    return epoch & ~std::uint64_t{1};
}
/// Of the same record, when it is given up.
[[nodiscard]] constexpr std::uint64_t release_epoch(std::uint64_t claimed) {
    return claimed == ~std::uint64_t{0} ? claimed - 1 : claimed + 1;
}

} // namespace baton
