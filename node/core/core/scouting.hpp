// scouting: what a mesh has under way to find others: its own beacon, addresses that are tried, what it tells
// of members, and whose addresses it knows better than to dial again.
//
// Plain records; the mesh that holds them keeps them consistent and bounded.
// Source: addresses are tried one after another without waiting for the former to fail, as in RFC 8305 (Happy
// Eyeballs); members are told in rounds to partners in turn, as in SWIM (Das et al. 2002, 4.3).
#pragma once

#include "core/told_once.hpp"
#include "discovery/address.hpp"
#include "discovery/announcing.hpp"
#include "discovery/names.hpp"
#include "discovery/seeds.hpp"

#include <baton/dot.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace baton::core {

/// Addresses of one node that are dialled until it answers at one of them.
struct quest {
    std::vector<discovery::address> ways;
    std::size_t next = 0;      ///< those before it have been dialled
    std::size_t under_way = 0; ///< links that are open to it for this, or being opened
    instant next_at{};
    bool of_contact = false;        ///< it ends with the peer, which has not greeted yet
    replica_id told_by{};           ///< the member that told of it last; nil: nobody did
    unsigned rounds = 0;            ///< in which nobody answered
    std::optional<instant> over_at; ///< given up; forgotten then, so that it can begin anew
};

/// A node that is heard of, and with which the handshake is not over.
struct unmet_node {
    instant first{}, last{};
    std::optional<instant> told_at{};
    static constexpr std::size_t most = 64; ///< at a time; what is beyond is not reported
};

struct scouting {
    discovery::announcing beacon;
    discovery::name_book names; ///< of seeds, and those this node advertises
    discovery::seed_table seeds;
    std::vector<discovery::address> advertised; ///< where a host may be a name
    std::map<replica_id, unmet_node> unmet;
    instant unmet_at{};                 ///< to be looked at again
    std::uint64_t sequence = 0;         ///< of the last beacon
    std::map<replica_id, quest> quests; ///< at most quests_max
    instant tell_at{};
    mesh_clock::duration tell_every{};
    replica_id told_last{}, told_to{};          ///< where the rounds are: of whom, and to whom
    std::set<std::string> self_endpoints;       ///< that lead to ourselves
    std::map<std::string, replica_id> seed_ids; ///< who answered at a seed's address last
    told_once foreign_told{256};                ///< strangers that have been reported
    instant strangers_answered_at{};            ///< when somebody unknown was last asked to greet
    /// Whether a link to it is being opened, beside the one it has.
    [[nodiscard]] bool is_trying(const replica_id& id) const {
        const auto at = quests.find(id);
        return at != quests.end() && at->second.under_way != 0;
    }
    static constexpr std::size_t quests_max = 64;  ///< what is beyond is counted and forgotten
    static constexpr std::size_t dialled_max = 24; ///< of all quests at a time
    static constexpr std::size_t at_a_time = 3;    ///< of one node, the link it has included
};

} // namespace baton::core
