// claim_book: what the owner of a claim keeps, and what this node knows of owners that are gone. Other nodes
// see only the odd epoch of the record (crdt/store.hpp).
//
// Plain records; claims keeps them consistent.
#pragma once

#include "crdt/store.hpp"

#include <baton/dot.hpp>

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
    std::uint64_t since = 0; ///< counter of the claim's own event
    instant at{};            ///< when it was made
    bool copies =
        false; ///< all members in view had seen the value that it took over, and there were no siblings
    std::vector<dot> shown; ///< the values that the handle found and has not replaced yet
    std::optional<mesh_clock::duration> lease;
    instant until{};
};

struct lost_claim {
    std::string key;
    replica_id to{}; ///< the writer of the value that is read now; nil: the key is absent
    std::string reason;
};

/// A claim of this node that was lost: its record still exists as a sibling of the value that is read.
struct beaten_claim {
    std::uint64_t since = 0; ///< counter of the claim's own event
    instant at{};
    bool copies = false;
};

/// A record that this node has released, for itself or for an owner that is gone; for the trace.
struct given_up {
    dot claimed{};
    std::uint64_t counter = 0; ///< of the event that releases it
    bool withdrawn = false;
};

/// An owner that is gone and still has claims.
struct gone_owner {
    bool asked = false;              ///< members were asked after it was gone and its last claim had arrived
    bool looking = false;            ///< a pass over its claims is under way
    std::uint64_t after = 0;         ///< up to which of its records
    std::size_t left = 0;            ///< how many more this pass may look at before the next heartbeat
    std::size_t claims = 0;          ///< when last looked
    std::int64_t turns = 0;          ///< how many members have had the time to release, since then
    instant since{};                 ///< when a claim of its last ended
    std::optional<instant> heard_at; ///< by other members, as they reported; of a node never met here
    std::optional<instant> named_at; ///< since when an answer names it: a member may see it
};

/// The releases that this node may have to write for others.
struct release_desk {
    std::map<replica_id, gone_owner> gone;
    std::uint64_t question = 0;       ///< number of the question what members hold; 0: none yet
    bool open = false;                ///< the members that have not answered are still asked
    bool answered = false;            ///< when last looked
    std::optional<instant> heard_all; ///< since when all have answered and all that they hold is here
};

struct claim_book {
    std::map<std::string, own_claim, std::less<>> held;
    std::set<std::pair<instant, std::string>> leases;
    std::map<std::string, beaten_claim, std::less<>> beaten; ///< no more than this node has records
    std::string beaten_after;                                ///< up to which of them they have been looked at
    std::vector<lost_claim> lost;      ///< not reported yet; at most inner_bounds::lost_claims
    std::vector<given_up> given;       ///< since the last outbox
    std::vector<std::string> disowned; ///< being looked at
    std::uint64_t last_number = 0;
    std::uint64_t newest = 0;                    ///< counter of the latest claim
    bool began = false;                          ///< a claim or lease began: there may be an earlier deadline
    std::map<replica_id, instant> unknown_since; ///< owners that this node has never met
    release_desk releases;
    std::uint64_t question = 0; ///< number of the question about new claims; 0: none is open
    instant ask_at{};           ///< when to ask next
    mesh_clock::duration ask_every{};
};

} // namespace baton::core
