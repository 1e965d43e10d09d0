// quest: the addresses of one node, dialled until it answers at one of them.
//
// A plain record; owned by quests.
#pragma once

#include "crdt/time.hpp"
#include "discovery/address.hpp"

#include <baton/dot.hpp>

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

namespace baton::core {

struct quest {
    std::vector<discovery::address> ways;
    std::size_t next = 0;      ///< those before it have been dialled
    std::size_t under_way = 0; ///< links that are open to it for this, or being opened
    instant next_at{};
    bool of_contact = false;        ///< it ends together with its peer, which has not greeted yet
    replica_id told_by{};           ///< the member that reported the node last; nil: none
    unsigned rounds = 0;            ///< rounds without an answer
    std::optional<instant> over_at; ///< given up; when it is forgotten, so that it can begin again
};
using quest_map = std::map<replica_id, quest>;

} // namespace baton::core
