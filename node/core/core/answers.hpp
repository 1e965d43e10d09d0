// answers: results of calls of the mesh that have more than one value.
//
// Values.
#pragma once

#include "crdt/time.hpp"

#include <baton/pickup.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace baton::core {

struct claim_terms {
    std::optional<crdt::mesh_clock::duration> lease{}; ///< nullopt: none
    bool if_free = false;                              ///< only if the key has no owner
    std::optional<std::uint64_t> if_epoch{};           ///< only if the key has this epoch, or the next one
};

struct claim_grant {
    std::uint64_t number = 0, epoch = 0;
    std::vector<stored_value> shown; ///< the value taken over, then its siblings
};

struct merge_task {
    std::string key;
    std::vector<version> shown;
    std::vector<std::string> values; ///< in the same order: the one that is read first
};

struct leave_progress {
    bool met = false;       ///< the wanted number of staying members hold everything, or nothing is held
    std::size_t copies = 0; ///< staying members that acknowledged this leaving with everything
    std::size_t staying = 0;
    bool pulled = false; ///< a staying member is receiving what it lacks; an end now would cut that off
};

} // namespace baton::core
