// inbound_session: a PULL of this node's own, from its first question to its COMMIT.
//
// A plain record; mesh_pull.cpp and mesh_ranges.cpp keep it consistent.
#pragma once

#include "core/io.hpp"
#include "crdt/cut.hpp"
#include "crdt/digest.hpp"
#include "crdt/log.hpp"
#include "wire/frame.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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
    cut seen;       ///< what was seen here when the PULL was sent, the archive included
    cut travelling; ///< the same without the archive
    cut closed;     ///< the archive then
    digest closed_digest{};
    bool has_archive = false, compare = false, by_union = false, newcomer = false, cached = false,
         whole_cut = false;
    cut archive_rows; ///< entries of the server's archive
    std::unique_ptr<comparison> ranges;
    std::optional<wire::standing> commit; ///< arrived, and waiting for the word of an origin
    cut commit_floor;
    std::uint64_t commit_flags = 0;
    std::string part_key;
    std::map<dot, std::string> parts;
    std::optional<spill_id> file;   ///< the server is a file
    std::optional<log_walk> absent; ///< below its floor: how far what is not in it has been marked
    bool absent_marked = false;

    /// False: the server has forgotten the session and begun its number once more, from another start. What
    /// has come of the first walk and of the second must never be one session.
    [[nodiscard]] bool is_of(std::uint64_t named) {
        if (!walk) walk = named;
        return *walk == named;
    }

    /// A dot that has been staged. Replicas that are new are joined in many at a time, since each alone would
    /// move all the others: O(log origins) on average.
    void note_staged(const dot& id) {
        if (staged_.of(id.replica) != 0) return staged_.raise(id);
        staged_lately_.push_back(id);
        if (staged_lately_.size() >= 256 + staged_.size() / 4) join_staged();
    }
    /// The highest dots staged; they must be under the cut of the COMMIT.
    [[nodiscard]] const cut& staged() {
        join_staged();
        return staged_;
    }

  private:
    void join_staged() {
        staged_.join(cut::of_dots(std::move(staged_lately_)));
        staged_lately_.clear();
    }
    cut staged_;
    std::vector<dot> staged_lately_;
};

} // namespace baton::core
