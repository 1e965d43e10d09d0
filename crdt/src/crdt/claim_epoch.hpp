// claim_epoch: the parity of a record's epoch shows the owner of the register. If the epoch is odd, the
// replica that wrote the record owns the register. If it is even, the register is free.
//
// Pure functions; any thread.
#pragma once

#include "crdt/time.hpp"

#include <algorithm>
#include <cstdint>

namespace baton::crdt {

/// The epoch of the next claim: the smallest odd number above every epoch and timestamp of the slot. It uses
/// no clock.
[[nodiscard]] constexpr std::uint64_t claim_epoch(std::uint64_t seen, timestamp latest) {
    const auto above = std::max(seen, latest.raw);
    return above >= ~std::uint64_t{1} ? ~std::uint64_t{0} : (above + 1) | 1;
}
[[nodiscard]] constexpr bool is_claim(std::uint64_t epoch) { return (epoch & 1) != 0; }
/// The epoch of a withdrawn claim: below the claim, and not below the epoch that the claim replaced.
[[nodiscard]] constexpr std::uint64_t unclaimed_epoch(std::uint64_t epoch) {
    return epoch & ~std::uint64_t{1};
}
/// The epoch of a record that its owner releases.
[[nodiscard]] constexpr std::uint64_t release_epoch(std::uint64_t claimed) {
    return claimed == ~std::uint64_t{0} ? claimed - 1 : claimed + 1;
}

} // namespace baton::crdt
