// inbound_session: a PULL of this node's own, from its first question to its COMMIT. All that such a session
// has is in this record, but for what the store has staged: when the record goes, nothing of it is left.
//
// Plain records; session_receiver keeps them consistent.
#pragma once

#include "core/io.hpp"
#include "crdt/cut.hpp"
#include "crdt/digest.hpp"
#include "crdt/store.hpp"
#include "wire/frame.hpp"
#include "wire/rows.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::core {

/// Of the parts of one value, and of the others of its slot, that wait for its row.
inline constexpr std::size_t parts_bytes_max = std::size_t{256} << 20;

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

/// A STATE chunk: its bytes, and how far they have been staged. The decoded views point into `bytes`, so a
/// job stays where it is.
struct state_job {
    static constexpr std::size_t ahead = 8;
    explicit state_job(std::string frame)
        : bytes(std::move(frame)) {}
    std::string bytes;
    bool opened = false;
    wire::state head;
    std::optional<wire::state_reader> rows;
    /// Read a little ahead, so that the memory a row needs is on its way while others are staged.
    struct {
        std::array<wire::state_row, ahead> rows;
        std::size_t first = 0, count = 0;
    } ring;
};

/// How a session ended. session_receiver decides by this what is kept and when the server is asked again.
enum class session_end : std::uint8_t {
    committed,
    asked_again,       ///< the server wants to be told more: a new number, at once
    busy,              ///< the server has no room, or has forgotten the session
    silent,            ///< the server answers no more
    server_gone,       ///< left, crashed, or replaced at its address
    began_anew,        ///< the server has forgotten the session and begun its number once more
    paused,            ///< this node stood still for so long that the server may have done so
    changed,           ///< something was written during a repair by union
    cache_lost,        ///< what a former server had sent is not here any more
    below_floor,       ///< the server has forgotten what this node has not seen: by ranges next time
    malformed,         ///< what came makes no sense here
    below_records,     ///< the COMMIT claims less than was sent, or more of this node than it has written
    beyond_word,       ///< the COMMIT claims more of an origin than that has told itself
    below_comparison,  ///< the COMMIT claims less than the opening
    too_many_origins,  ///< the COMMIT's cut and this node's are together longer than any frame may name
    before_comparison, ///< the COMMIT came before all ranges were compared, or without
    full,              ///< limits.bytes_max is reached
    leaving,
};
[[nodiscard]] std::string_view to_string(session_end how);
/// The server, or a limit of this node, would have to change before another try goes better.
[[nodiscard]] bool is_hopeless(session_end how);
/// What the server sent is at fault: counted as a refused frame.
[[nodiscard]] bool is_refusal(session_end how);

/// A time to live goes on while its file lies on the disk, by the wall clock. One that is behind the writer's
/// lets it stand still, and so does a file that does not say when it was written.
void age(staged_view& what, std::uint64_t written_ms, std::uint64_t wall_ms);

/// A PULL of ours.
struct inbound_session {
    std::uint64_t number = 0;
    replica_id from{};
    std::optional<std::uint64_t> walk; ///< of what has come; 0: of a server before version 5
    std::uint64_t next_chunk = 0;
    std::list<state_job> chunks; ///< have come, and are not staged yet
    instant progress_at{};
    unsigned repeats = 0;
    cut seen;       ///< what was seen here when the PULL was sent, the archive included
    cut travelling; ///< the same without the archive
    cut closed;     ///< the archive then
    cut told;       ///< what the server had told by then that it has seen
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
    std::optional<spill_id> file;   ///< the server is a file
    std::uint64_t written_ms = 0;   ///< it: by the wall clock of its writer; 0: not known
    std::optional<log_walk> absent; ///< below its floor: how far what is not in it has been marked
    bool absent_marked = false;

    /// False: the server has forgotten the session and begun its number once more, from another start. What
    /// has come of the first walk and of the second must never be one session.
    [[nodiscard]] bool is_of(std::uint64_t named) {
        if (!walk) walk = named;
        return *walk == named;
    }
    /// A server before version 5 names no walk: nothing tells two of them apart.
    [[nodiscard]] bool is_named() const { return walk.value_or(0) != 0; }
    /// The COMMIT says that the receiver has been told by ranges what is not at the server.
    [[nodiscard]] bool has_compared() const { return (commit_flags & wire::state::compared) != 0; }
    /// Nothing of what the server holds has come yet.
    [[nodiscard]] bool is_untouched() const { return next_chunk == 0 && ranges == nullptr; }

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
