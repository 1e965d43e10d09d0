// evidence: a peer's answer to this node's latest question: what it holds, and which nodes it knows. Only
// such answers show that a key is absent (mesh_absence.cpp).
//
// A plain record inside each peer.
#pragma once

#include "crdt/store.hpp"

#include <baton/dot.hpp>

#include <cstdint>
#include <vector>

namespace baton::core {

struct answer_record {
    std::uint64_t number = 0; ///< of the question; 0: no answer yet, or none since the last death
    bool given = false;       ///< there has been one
    cut seen;                 ///< all that it has applied
    bool has_view = false;    ///< it names the nodes it knows; version 4 of the wire cannot
    bool incomplete = false;  ///< it knows more nodes than it names, or has an unread spill
    /// The nodes that it named and that this node, when the answer came, neither had in contact nor had seen
    /// leave. Ascending.
    std::vector<replica_id> strangers{};
    std::vector<replica_id> named{}; ///< all that it named, for who watches the mesh (view.hpp)

    [[nodiscard]] bool is_to(std::uint64_t question) const { return question != 0 && number >= question; }
    /// It answers that question, and all events that it names are applied here. O(origins).
    [[nodiscard]] bool is_heard(std::uint64_t question, const store& here) const {
        return is_to(question) && here.covers(seen);
    }
};

} // namespace baton::core
