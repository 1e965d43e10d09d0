// writing: what the tests of machines that write share: a node with an outlet for its events, and one that
// claims.
#pragma once

#include "core/claims.hpp"
#include "core/proofs.hpp"
#include "core/writer.hpp"
#include "machines/alone.hpp"

#include <set>

namespace baton::core {

struct writing_node : lone_node {
    using lone_node::lone_node;

    std::set<replica_id> listeners;
    hybrid_clock clock{5000};
    publisher out{here, listeners, {1 << 16, 256}};
    writer write{here, clock, out};
    outbox box;
};

struct claiming_node : writing_node {
    quest_map quests;
    proofs asked{here, members, mail, quests, counters, {}};
    claims owned{settings, here, write, members, asked, mail};
};

} // namespace baton::core
