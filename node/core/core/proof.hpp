// proof: questions to members about a write or a key, and their results.
//
// Plain values.
#pragma once

#include <baton/ack.hpp>
#include <baton/dot.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace baton::core {

/// The acknowledgements that a caller wants for a write.
struct proof {
    dot id{};
    ack_level level{};
    std::vector<replica_id> all{}; ///< for all_up: the members that were up at the call
};
/// How many members are known to hold a write.
struct ack_count {
    std::size_t copies = 0; ///< members that hold it, this node included
    bool met = false;       ///< the wanted level is reached
};
/// Which nodes could still have a key that is absent here.
struct absence {
    bool confirmed = false;           ///< no node has it
    std::vector<replica_id> who;      ///< they have not answered, or hold more than is applied here
    std::vector<std::string> seeds{}; ///< seeds, as written in the options, at which a member may be running
};

} // namespace baton::core
