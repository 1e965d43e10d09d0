// What mesh keeps while it works through frames slice by slice. Private to mesh's own files.
#pragma once

#include "core/mesh.hpp"

namespace baton::core {

/// A DELTA: its bytes, and how far they have been applied. The decoded views point into `bytes`, so a job
/// stays where it is.
struct mesh::delta_job {
    explicit delta_job(std::string frame)
        : bytes(std::move(frame)) {}
    std::string bytes;
    bool opened = false;
    wire::delta head;
    std::optional<wire::event_reader> rows;
    std::uint64_t next = 0; ///< counter of the event the reader is at
};

/// A STATE chunk, likewise.
struct mesh::state_job {
    explicit state_job(std::string frame)
        : bytes(std::move(frame)) {}
    std::string bytes;
    bool opened = false;
    wire::state head;
    std::optional<wire::state_reader> rows;
};

struct mesh::outbound_session {
    std::uint64_t number = 0;
    cut receiver; ///< what the PULL said
    cut start;    ///< own cut when it came
    std::size_t chunk_bytes = 0, credit_bytes = 0;
    log_walk walk;
    std::uint64_t records = 0;
    std::optional<wire::state_writer> chunk; ///< being filled
    std::optional<dot> pending;              ///< found by the walk, not written yet
    /// A key whose values go in parts: which are sent, which is under way.
    struct large {
        std::string key;
        std::vector<dot> sent;
        std::optional<dot> current;
        std::uint64_t offset = 0;
    };
    std::optional<large> parts;
    std::uint64_t next_chunk = 0;
    std::uint64_t acknowledged = 0; ///< chunks below are with the receiver
    struct sent_chunk {
        std::uint64_t number;
        std::string bytes;
    };
    std::deque<sent_chunk> window;
    std::size_t window_bytes = 0;
    bool complete = false; ///< COMMIT is in the window
    instant heard_at{};
    std::optional<instant> sent_again_at;
};

} // namespace baton::core
