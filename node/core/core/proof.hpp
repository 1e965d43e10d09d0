// proof: what is asked of others about a write or a key, and what came of it.
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

/// Proof that somebody wants of a write.
struct proof {
    dot id{};
    ack_level level{};
    std::vector<replica_id> all{}; ///< for all_up: who was up at the call
};
/// How many members are known to hold a write.
struct ack_count {
    std::size_t copies = 0; ///< members that hold it, this node included
    bool met = false;       ///< the wanted level is reached
};
/// Who could still have a key that is not here.
struct absence {
    bool confirmed = false;           ///< nobody has it
    std::vector<replica_id> who;      ///< they have not answered, or hold more than is applied here
    std::vector<std::string> seeds{}; ///< as they were written: it is not known that nobody is there
};

} // namespace baton::core
