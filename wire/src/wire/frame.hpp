// frame: the messages that nodes exchange, as structs, and their bytes. wire/PROTOCOL.md is the reference.
//
// Pure; values; any thread. Decoded views point into the bytes that were given to decode().
#pragma once

#include "crdt/cut.hpp"
#include "crdt/digest.hpp"
#include "crdt/time.hpp"
#include "wire/codec.hpp"

#include <baton/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace baton::wire {

/// The range of wire versions this build speaks.
constexpr std::uint64_t version_min = 1, version_max = 1;
constexpr std::size_t name_bytes_max = 64, hosts_bytes_max = 512;

enum class kind : std::uint8_t {
    hello = 1,
    brief = 2,
    delta = 3,
    pull = 4,
    state = 5,
    credit = 6,
    ack = 7,
    leaving = 8,
    left = 9,
    // 10 is kept for FINGERPRINT
};

/// What a node holds and how far it is: part of HELLO, and of COMMIT.
struct standing {
    cut seen;
    cut floor;              ///< removal records up to here have been dropped (none are yet)
    digest archive;         ///< digest of the archive of closed origins (empty yet)
    digest state;           ///< over visible records
    bool has_state = false; ///< false while a sync is being folded in: `state` means nothing
};
/// Eight bytes over (cut, floor, archive): equal when all three are.
[[nodiscard]] std::uint64_t hash_of(const standing& s);

struct hello {
    enum flag : std::uint64_t {
        wants_answer = 1,
        sees_you = 2, ///< the sender's PUB has seen the receiver's subscription
        is_leaving = 4,
    };
    std::string cluster;
    std::uint64_t version_min = wire::version_min, version_max = wire::version_max;
    replica_id id{};
    std::uint64_t flags = 0;
    std::string name;
    std::string hosts; ///< addresses to dial, separated by blanks; empty: the one it is seen under
    std::uint16_t port = 0, publish_port = 0;
    standing at;
    std::uint64_t latest = 0; ///< the sender's own highest counter
    timestamp clock{};
    std::uint64_t records = 0;
};

/// A heartbeat when nothing has changed since the last hello on PUB.
struct brief {
    replica_id id{};
    std::uint64_t standing_hash = 0;
    std::uint64_t state_low = 0; ///< low half of the digest; 0 with has_state false
    std::uint64_t latest = 0;
};

/// A run of events of one origin. `rows` is read with event_rows.
struct delta {
    replica_id origin{};
    std::uint64_t first = 0; ///< counter of the first event
    std::uint64_t count = 0;
    timestamp base{}; ///< clocks in rows are differences, the first one to this
    cut depends;      ///< what of others must be seen first, as far as it changed since the previous delta
    std::string_view replicas; ///< 16 bytes each, named by index in rows
    std::string_view rows;
};

struct pull {
    std::uint64_t session = 0;
    replica_id id{};
    std::uint64_t chunk_bytes = 0, credit_bytes = 0;
    cut seen, floor;
    digest archive;
};

/// One chunk. `rows` is read with state_rows. With `commit` set it is the last, and `at` is where the
/// receiver will be.
struct state {
    std::uint64_t session = 0;
    std::uint64_t chunk = 0; ///< from 0
    enum flag : std::uint64_t { commit = 1, busy = 2 };
    std::uint64_t flags = 0;   ///< busy: not now, ask again or ask another
    std::uint64_t records = 0; ///< about how many will come in all
    timestamp base{};
    std::string_view replicas;
    std::string_view rows;
    standing at; ///< only with commit
};

/// "I have every chunk below `next`." The server may then have chunks of credit_bytes under way; it sends
/// again from `next` when it is told the same twice.
struct credit {
    std::uint64_t session = 0;
    std::uint64_t next = 0;
    bool done = false; ///< committed or given up: forget the session
};

/// "I have applied everything under `seen`."
struct ack {
    replica_id id{};
    bool staying = true;
    std::uint64_t answers = 0; ///< the number of the LEAVING it answers; 0: none
    cut seen;
};

struct leaving {
    replica_id id{};
    std::uint64_t number = 0; ///< names this leaving in acknowledgements
    std::uint64_t final_counter = 0;
    cut seen;
};

struct left {
    replica_id id{};
    std::uint64_t final_counter = 0;
    bool wants_answer = false;
    bool is_answer = false;
    replica_id about{}; ///< who left: `id` itself, or somebody else when passed on
};

using frame = std::variant<hello, brief, delta, pull, state, credit, ack, leaving, left>;

[[nodiscard]] std::string encode(const frame& from);
/// Errors: malformed, with a short reason that can be counted.
[[nodiscard]] result<frame> decode(std::string_view bytes);

} // namespace baton::wire
