// inbound_session: a PULL of this node's own, from its first question to its COMMIT.
//
// A plain record; mesh_pull.cpp and mesh_ranges.cpp keep it consistent.
#pragma once

#include "core/gathered_chain.hpp"
#include "core/io.hpp"
#include "crdt/cut.hpp"
#include "crdt/digest.hpp"
#include "crdt/log.hpp"
#include "wire/frame.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace baton::core {

struct comparison; // jobs.hpp

/// A PULL of ours.
struct inbound_session {
    std::uint64_t number = 0;
    replica_id from{};
    std::optional<std::uint64_t> walk; ///< of what has come; 0: of a server before version 5
    std::uint64_t next_chunk = 0;
    instant progress_at{};
    unsigned repeats = 0;
    cut staged;     ///< highest dots staged; must be under the cut of the COMMIT
    cut seen;       ///< what was seen here when the PULL was sent, the archive included
    cut travelling; ///< the same without the archive
    cut closed;     ///< the archive then
    digest closed_digest{};
    bool has_archive = false, compare = false, by_union = false, newcomer = false, cached = false,
         whole_cut = false;
    cut archive_rows; ///< entries of the server's archive
    cut final_rows;   ///< those of them that are closed for good
    std::unique_ptr<comparison> ranges;
    std::optional<wire::standing> commit; ///< arrived, and waiting for the word of an origin
    cut commit_floor;
    std::uint64_t commit_flags = 0;
    std::string part_key;
    std::map<dot, std::string> parts;
    gathered_chain gathered;        ///< its last row has not come yet
    std::optional<spill_id> file;   ///< the server is a file
    std::optional<log_walk> absent; ///< below its floor: how far what is not in it has been marked
    bool absent_marked = false;

    /// False: the server has forgotten the session and begun its number once more, from another start. What
    /// has come of the first walk and of the second must never be one session.
    [[nodiscard]] bool is_of(std::uint64_t named) {
        if (!walk) walk = named;
        return *walk == named;
    }
};

} // namespace baton::core
