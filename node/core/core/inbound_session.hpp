// inbound_session: a session that this node receives, from its first PULL to its COMMIT. This record holds
// the whole state of the session except the rows that the store has staged. When the record is destroyed,
// nothing of the session is left in the core.
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

/// Parts of one value, and the other values of its slot, which wait for its row.
inline constexpr std::size_t parts_bytes_max = std::size_t{256} << 20;

/// What a receiver does with the ranges that a server lists (I8).
struct comparison {
    cut at; ///< what the server had seen at the start; a seen record that it does not hold has been removed
    std::deque<wire::listed_range> to_check; ///< the front one is being looked through
    dot_range own;                           ///< how far
    range_sum own_sum;
    std::size_t listed = 0; ///< how many records of a list have been found here
    std::deque<wire::asked_range> to_ask;
    std::uint64_t number = 0;     ///< of the question under way
    std::string question;         ///< its bytes, until it is answered
    std::vector<dot_range> asked; ///< the ranges that it asks about
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
    asked_again,       ///< the server needs more information: new number, at once
    busy,              ///< the server has no free session, or has forgotten this one
    silent,            ///< the server answers no more
    server_gone,       ///< left, crashed, or replaced at its address
    began_anew,        ///< the server has forgotten the session and begun its number again
    paused,            ///< this node stood still so long that the server may have forgotten it
    changed,           ///< something was written during a repair by union
    cache_lost,        ///< the rows of a former server are no longer here
    below_floor,       ///< the server dropped removal records that this node lacks: by ranges next
    malformed,         ///< the rows are invalid here
    below_records,     ///< the COMMIT claims less than was sent, or more of this node than it has written
    beyond_word,       ///< the COMMIT claims more of an origin than the origin has reported
    below_comparison,  ///< the COMMIT claims less than the opening
    too_many_origins,  ///< the COMMIT's cut and this node's are together longer than any frame may name
    before_comparison, ///< the COMMIT came before all ranges were compared, or without
    full,              ///< limits.bytes_max is reached
    leaving,
};
[[nodiscard]] std::string_view to_string(session_end how);
/// Another try succeeds only after a change of the server or of a limit of this node.
[[nodiscard]] bool is_hopeless(session_end how);
/// The server has sent invalid data: counted as a refused frame.
[[nodiscard]] bool is_refusal(session_end how);

/// A time to live continues by the wall clock while its file is on the disk. If this node's wall clock is
/// behind the writer's, or the file does not state when it was written, the time to live stands still.
void age(staged_view& what, std::uint64_t written_ms, std::uint64_t wall_ms);

/// One session that this node receives.
struct inbound_session {
    std::uint64_t number = 0;
    replica_id from{};
    std::optional<std::uint64_t> walk; ///< of what has come; 0: of a server before version 5
    std::uint64_t next_chunk = 0;
    std::list<state_job> chunks; ///< received, not staged yet
    instant began_at{}, progress_at{};
    std::uint64_t expected_records = 0, expected_bytes = 0, bytes = 0; ///< as the server estimates; received
    unsigned repeats = 0;
    cut seen;       ///< what this node had seen when it sent the PULL, the archive included
    cut travelling; ///< the same without the archive
    cut closed;     ///< the archive then
    cut told;       ///< what the server had reported as seen by then
    digest closed_digest{};
    bool has_archive = false, compare = false, by_union = false, newcomer = false, cached = false,
         whole_cut = false;
    cut archive_rows; ///< entries of the server's archive
    cut final_rows;   ///< those of them that are closed for good
    std::unique_ptr<comparison> ranges;
    std::optional<wire::standing> commit; ///< arrived, and waits for the report of an origin
    cut commit_floor;
    std::uint64_t commit_flags = 0;
    std::string part_key;
    std::map<dot, std::string> parts;
    std::optional<spill_id> file;   ///< the server is a file
    std::uint64_t written_ms = 0;   ///< when the file was written, by its writer's wall clock; 0: unknown
    std::optional<log_walk> absent; ///< below its floor: how far what is not in it has been marked
    bool absent_marked = false;

    /// False: the server has forgotten the session and begun its number again, from another start. Rows of
    /// the first and the second walk must never form one session.
    [[nodiscard]] bool is_of(std::uint64_t named) {
        if (!walk) walk = named;
        return *walk == named;
    }
    /// A server before version 5 names no walk: two of its walks cannot be distinguished.
    [[nodiscard]] bool is_named() const { return walk.value_or(0) != 0; }
    /// The COMMIT states that the ranges have shown the receiver what the server does not hold.
    [[nodiscard]] bool has_compared() const { return (commit_flags & wire::state::compared) != 0; }
    /// A chunk has arrived, with what its server expects to send in all.
    void note_chunk(std::uint64_t records_in_all, std::uint64_t bytes_in_all, std::size_t chunk_bytes) {
        expected_records = records_in_all;
        expected_bytes = bytes_in_all;
        bytes += chunk_bytes;
    }
    /// No record of the server has arrived yet.
    [[nodiscard]] bool is_untouched() const { return next_chunk == 0 && ranges == nullptr; }

    /// Notes a staged dot. New replicas are joined in batches, since inserting one moves all the others.
    /// O(log origins) on average.
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
