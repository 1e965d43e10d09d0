// standing: what a store has seen, as a member reports it: its cut, its archive, the digest of its state.
#pragma once

#include "crdt/store.hpp"
#include "wire/frame.hpp"

namespace baton::core {

/// O(origins).
[[nodiscard]] inline wire::standing standing_of(const store& here) {
    wire::standing s;
    s.seen = here.seen();
    s.archive = here.archive_digest();
    if (const auto sum = here.state_digest()) {
        s.state = *sum;
        s.has_state = true;
    }
    return s;
}

} // namespace baton::core
