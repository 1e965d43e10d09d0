// claims: which registers this node owns, until when, and what their owners were shown. What everybody can
// see of a claim is the odd epoch of the record (crdt/store.hpp); this is the owner's own side of it.
//
// Owned by a mesh; same thread contract.
#pragma once

#include "crdt/store.hpp"

#include <baton/node.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace baton::core {

struct own_claim {
    std::uint64_t number = 0; ///< names the handle; never used again
    std::uint64_t epoch = 0;
    std::vector<dot> shown; ///< what the handle was shown and has not replaced yet
    std::optional<mesh_clock::duration> lease;
    instant until{};
};

struct lost_claim {
    std::string key;
    replica_id to{}; ///< who is read there now; nobody: nothing is
    std::string reason;
};

struct claim_book {
    std::map<std::string, own_claim, std::less<>> held;
    std::set<std::pair<instant, std::string>> leases;
    std::vector<lost_claim> lost;      ///< not told yet; at most inner_bounds::lost_claims
    std::vector<std::string> disowned; ///< being looked at
    std::uint64_t last_number = 0;
    bool lease_began = false;                      ///< of which whoever waits for the time has to know
    std::map<replica_id, std::uint64_t> looked_to; ///< by owner that is gone: up to which of its records
    std::map<replica_id, instant> unknown_since;   ///< owners that this node has never met
};

} // namespace baton::core
