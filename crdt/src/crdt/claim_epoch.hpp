// claim_epoch: who owns a register, as the parity of its record's epoch. An odd epoch: the replica that wrote
// the record owns the register. An even one: it is free.
//
// Pure functions; any thread.
#pragma once

#include "crdt/time.hpp"

#include <algorithm>
#include <cstdint>

namespace baton::crdt {

/// Of the next claim: the smallest odd number above every epoch and timestamp of the slot. No clock is asked.
[[nodiscard]] constexpr std::uint64_t claim_epoch(std::uint64_t seen, timestamp latest) {
    const auto above = std::max(seen, latest.raw);
    return above >= ~std::uint64_t{1} ? ~std::uint64_t{0} : (above + 1) | 1;
}
[[nodiscard]] constexpr bool is_claim(std::uint64_t epoch) { return (epoch & 1) != 0; }
/// The epoch as if nobody owned by it: below the claim, and no lower than what that was made over.
[[nodiscard]] constexpr std::uint64_t unclaimed_epoch(std::uint64_t epoch) {
    return epoch & ~std::uint64_t{1};
}
/// Of the same record, when it is given up by one who has held it.
[[nodiscard]] constexpr std::uint64_t release_epoch(std::uint64_t claimed) {
    return claimed == ~std::uint64_t{0} ? claimed - 1 : claimed + 1;
}

} // namespace baton::crdt
