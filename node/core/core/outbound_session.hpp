// outbound_session: a session that this node serves, from the first PULL until its COMMIT has been
// acknowledged; or a file that is written in the way a newcomer is served.
//
// A plain record; session_server keeps it consistent. Values that wait to be sent are pinned in the store.
#pragma once

#include "crdt/cut.hpp"
#include "crdt/digest.hpp"
#include "crdt/store.hpp"
#include "crdt/time.hpp"
#include "wire/frame.hpp"
#include "wire/rows.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace baton::core {

struct outbound_session {
    std::uint64_t number = 0;
    std::uint64_t walk_id = 0;                 ///< drawn at random: no other begin of that number has it
    std::uint64_t version = wire::version_max; ///< of its frames
    cut receiver;               ///< what the receiver had seen when it sent the PULL, its archive included
    cut travelling;             ///< the same without the archive
    bool from_nothing = false;  ///< it had seen nothing that was seen here
    cut closed;                 ///< its archive, as far as it is known here
    cut pin;                    ///< the walk began there: no removal record above it is dropped (I7)
    bool whole_archive = false; ///< it gets the whole archive, not only what it lacks
    std::optional<digest> told_archive;            ///< the archive as it knows it with what it has been sent
    cut start;                                     ///< own cut when it came
    std::size_t chunk_bytes = 0, credit_bytes = 0; ///< at present, by the speed of the link
    std::size_t chunk_bytes_max = 0, credit_bytes_max = 0; ///< as agreed
    log_walk walk;
    /// By ranges: what is asked, and what is answered.
    struct answering {
        answering() {} // NOLINT: for compilers that do not take the defaults below for complete yet
        std::uint64_t number = 0; ///< of the question being worked on
        std::deque<wire::asked_range> expand;
        std::deque<dot_range> ship;
        std::optional<dot_range> current; ///< being expanded
        dot_range whole;
        std::vector<wire::listed_range> parts;
        wire::listing_writer listing;
        bool answered = true, finished = false;
        std::string answer; ///< the last one, in case it is asked for again
    };
    std::optional<answering> ranges;
    std::uint64_t records = 0, bytes = 0;
    std::optional<wire::state_writer> chunk; ///< being filled
    std::optional<dot> pending;              ///< found by the walk, not written yet
    /// A slot with values that are sent in parts, as it was when the walk met it. Its blocks are pinned, so
    /// this state is sent even if the slot changes; the walk meets the change later, as always.
    struct large {
        large(store& of, const slot_name& slot);
        large(const large&) = delete;
        large& operator=(const large&) = delete;
        large(large&& other) noexcept = default;
        large& operator=(large&& other) noexcept = delete;
        ~large();
        store* from;
        value_type type;
        std::string key, element;
        std::vector<handle> blocks;
        std::vector<dot> sent;
        std::optional<dot> current;
        std::uint64_t offset = 0;
    };
    std::optional<large> parts; ///< under way
    /// Large slots wait until everything else under a cut has been sent; then the cut is settled, and they
    /// follow. So the session ends, however often they are overwritten in the meantime.
    std::map<std::string, large> waiting; ///< by slot
    struct settled_cut {
        wire::standing at;
        cut floor;
    };
    std::optional<settled_cut> settled;
    unsigned thaws = 0; ///< how often the settled cut was given up with no fewer slots waiting than before
    std::size_t waited_at_thaw = SIZE_MAX;
    std::uint64_t next_chunk = 0;
    std::uint64_t acknowledged = 0; ///< the receiver has the chunks below
    struct sent_chunk {
        std::uint64_t number;
        std::string bytes;
        std::size_t under_way = 0; ///< bytes under way when it was sent, its own included
        instant sent_at{};
        std::optional<instant> sent_again_at{};
    };
    std::deque<sent_chunk> window;
    std::size_t window_bytes = 0;
    bool complete = false;        ///< COMMIT is in the window
    bool to_file = false;         ///< the receiver is a file (spills.hpp)
    instant began_at{};           ///< of a file: times to live are written as of then
    std::uint64_t sent_bytes = 0; ///< of chunks, each once
    instant heard_at{};
    /// The times to live of a file are as of when its writing began, however long it takes.
    void date_back(std::vector<staged_view>& chain, instant now) const;
    /// The first chunk of the window has been acknowledged.
    void note_passed(instant now);
    double seconds_a_byte = 0; ///< measured with recent chunks; 0: not measured yet
};

} // namespace baton::core
