// What mesh keeps while it works through frames slice by slice. Private to mesh's own files.
#pragma once

#include "core/mesh.hpp"

#include <array>
#include <deque>
#include <map>

namespace baton::core {

/// A file that was found at the start.
struct mesh::spill_file {
    enum class state : std::uint8_t { waiting, merged };
    spill_id id{};
    replica_id writer{};
    bool whole = false;
    state is = state::waiting;
    timestamp clock{};
    std::uint64_t written_ms = 0;
    cut claims; ///< of its COMMIT, without the archive
    bool tried = false;
    instant retry_at{};
};

struct mesh::spill_desk {
    std::vector<spill_file> files; ///< in the order of their being found
    /// The damaged file that is being looked through.
    struct salvage {
        explicit salvage(const spill_file& of)
            : file(of.id)
            , writer(of.writer)
            , written_ms(of.written_ms) {}
        spill_id file;
        replica_id writer;
        std::uint64_t written_ms = 0;
        std::optional<state_job> job;
        std::map<std::pair<std::string, dot>, std::string> parts; ///< of one slot
        std::size_t recovered = 0;
    };
    std::optional<salvage> open;
    /// Of counters' lost shares: what has been added already, should another file have them too.
    std::map<std::pair<std::string, replica_id>, std::pair<std::uint64_t, std::int64_t>> shares;
    std::unique_ptr<outbound_session> writing;
};

} // namespace baton::core
