// proof: what is asked of others about a write or a key, and what came of it.
//
// Plain values.
#pragma once

#include <baton/ack.hpp>
#include <baton/dot.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <vector>

namespace baton::core {

/// Proof that somebody wants of a write.
struct proof {
    dot id{};
    ack_level level{};
    std::vector<replica_id> all{}; ///< for all_up: who was up at the call
};
/// Who could still have a key that is not here.
struct absence {
    bool confirmed = false;           ///< nobody has it
    std::vector<replica_id> who;      ///< they have not answered, or hold more than is applied here
    std::vector<std::string> seeds{}; ///< as they were written: it is not known that nobody is there
};

/// What is under way.
struct proof_desk {
    std::map<std::uint64_t, dot> awaited; ///< by ticket
    std::set<std::uint64_t> questions;
    std::uint64_t last_ticket = 0, last_question = 0;
    std::uint64_t asked_through = 0; ///< own events up to which a broadcast has asked for acknowledgements
    bool wants_views = false; ///< somebody waits for this node to be synced: members are asked whom they know
    bool ask_acks = false;    ///< somebody waits for own writes to be acknowledged
    bool acks_owed = false;   ///< somebody else waits to hear from us
};

} // namespace baton::core
