// evidence: what a peer has answered to this node's latest question: what it holds, and whose answer it would
// want itself. A key is called absent on such answers alone (mesh_absence.cpp).
//
// A plain record inside each peer.
#pragma once

#include "crdt/store.hpp"

#include <baton/dot.hpp>

#include <cstdint>
#include <vector>

namespace baton::core {

struct answer_record {
    std::uint64_t number = 0; ///< of the question; 0: none, or not since the last death
    bool given = false;       ///< there has been one
    cut seen;                 ///< all that it has applied
    bool has_view = false;    ///< it says whom it knows; version 4 of the wire cannot
    bool incomplete = false;  ///< it knows of more than it names, or has yet to read a file that it has found
    /// Whom it named and this node had neither in contact nor seen leave, when the answer came. Ascending.
    std::vector<replica_id> strangers{};

    [[nodiscard]] bool is_to(std::uint64_t question) const { return question != 0 && number >= question; }
    /// It is to that question, and all that it names is applied here. O(origins).
    [[nodiscard]] bool is_heard(std::uint64_t question, const store& here) const {
        return is_to(question) && here.covers(seen);
    }
};

} // namespace baton::core
