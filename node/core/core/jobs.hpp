// What mesh keeps while it works through frames slice by slice. Private to mesh's own files.
#pragma once

#include "core/mesh.hpp"

#include <array>
#include <deque>
#include <map>

namespace baton::core {

/// What a receiver does with the ranges that a server lists (I8).
struct comparison {
    cut at; ///< what the server had seen at the start: what is not there of it has been removed
    std::deque<wire::listed_range> to_check; ///< the front one is being looked through
    dot_range own;                           ///< how far
    range_sum own_sum;
    std::size_t listed = 0; ///< of a list: how many of its records have been met
    std::deque<wire::asked_range> to_ask;
    std::uint64_t number = 0;     ///< of the question under way
    std::string question;         ///< its bytes, until it is answered
    std::vector<dot_range> asked; ///< what it wants to be told of
    bool opened = false, done = false;
};

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

/// A time to live goes on while its file lies on the disk, by the wall clock. One that is behind the writer's
/// lets it stand still, and so does a file that does not say when it was written.
void age(staged_view& what, std::uint64_t written_ms, std::uint64_t wall_ms);

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
