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
#include <vector>

namespace baton::wire {

/// The range of wire versions this build speaks.
constexpr std::uint64_t version_min = 4, version_max = 5;
struct versions {
    std::uint64_t min = version_min, max = version_max;
    /// The newest that both speak; 0: none.
    [[nodiscard]] std::uint64_t common(const versions& other) const;
    [[nodiscard]] bool has(std::uint64_t one) const { return min <= one && one <= max; }
    [[nodiscard]] std::string to_string() const; ///< "4 to 5"
};
/// Of every frame except those of a spill. A node may limit what it sends itself to less; every node accepts
/// this much.
constexpr std::size_t frame_bytes_max = std::size_t{1} << 20;
constexpr std::size_t name_bytes_max = 64, hosts_bytes_max = 512;
constexpr std::size_t view_ids_max = 1024; ///< of one ACK
/// Of one PEERS frame, and of the addresses of one peer in it.
constexpr std::size_t peers_told_max = 16, peer_hosts_bytes_max = 256;

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
    fingerprint = 10,
    ask = 11,
    peers = 12,
    inquiry = 13,
    word = 14,
};

/// What a node has seen: part of HELLO and of COMMIT.
struct standing {
    cut seen;               ///< without archived origins
    digest archive;         ///< digest of the archive of closed origins
    digest state;           ///< over visible records
    bool has_state = false; ///< false while a sync is being folded in: `state` is not valid then
};
/// Eight bytes over (cut, archive): equal when both are.
[[nodiscard]] std::uint64_t hash_of(const standing& s);

struct hello {
    enum flag : std::uint64_t {
        wants_answer = 1,
        sees_you = 2, ///< the sender's PUB has seen the receiver's subscription
        is_leaving = 4,
        is_full = 8, ///< the sender applies no events until it has room again
    };
    std::string cluster;
    wire::versions versions{};
    replica_id id{};
    std::uint64_t flags = 0;
    std::string name;
    std::string hosts; ///< addresses to dial, separated by blanks; empty: the source address
    std::uint16_t port = 0, publish_port = 0;
    standing at;
    std::uint64_t latest = 0; ///< the sender's own highest counter
    timestamp clock{};
    std::string reach; ///< addresses of its interfaces, if `hosts` is empty; not on PUB
    /// The bytes that a node needs to hold the sender's visible state: key, value and 41 bytes per record.
    /// Not sent before version 5, nor in the middle of a merge.
    std::optional<std::uint64_t> live{};
    std::uint16_t door = 0; ///< TCP port for clients; 0: none, or before it existed
    bool head_only =
        false; ///< in a version that this build does not speak: the fields after `id` were not read
};

/// A heartbeat if nothing has changed since the last HELLO on PUB.
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
    cut depends; ///< events of others that must be seen first, as far as this changed since the last delta
    std::string_view replicas; ///< 16 bytes each, named by index in rows
    std::string_view rows;
    bool wants_ack = false; ///< a caller waits for the acknowledgement of these events
};

struct pull {
    std::uint64_t session = 0;
    replica_id id{};
    std::uint64_t chunk_bytes = 0, credit_bytes = 0;
    enum flag : std::uint64_t {
        has_archive = 1, ///< `closed` is the receiver's whole archive
        compare = 2,     ///< by ranges: some rows are already staged, or digests differ
        since_told = 4,  ///< `seen` is what differs from the standing with hash `told`, which the server has
    };
    std::uint64_t flags = 0;
    std::uint64_t told = 0;
    cut seen;
    digest archive; ///< not with since_told: then it is that of the standing
    cut closed;
};

/// One chunk. `rows` is read with state_rows. `walk` is drawn at random when the server begins: it shows if a
/// server has forgotten a session and begins its number again. With `commit` set the chunk is the last, and
/// `at` is the standing that the receiver reaches.
struct state {
    std::uint64_t session = 0;
    std::uint64_t chunk = 0; ///< from 0
    enum flag : std::uint64_t {
        commit = 1,
        busy = 2,           ///< not now: ask again, or ask another member
        archive = 4,        ///< `rows` is a cut: entries of the server's archive
        whole_archive = 8,  ///< with commit: the archive was sent complete, not only what the receiver lacked
        wants_archive = 16, ///< the archives differ: ask again, and send your archive
        compared = 32,      ///< with commit: the ranges have shown the receiver what the server does not hold
        wants_cut = 64,     ///< the server does not know that standing: ask again with the whole cut
        difference = 128,   ///< with commit: the cut is only what differs from the receiver's
        for_good = 256,     ///< with archive: entries sent before, of origins that have said goodbye
    };
    std::uint64_t flags = 0;
    std::uint64_t records = 0; ///< about how many will come in all
    timestamp base{};
    std::string_view replicas;
    std::string_view rows;
    standing at;         ///< only with commit
    replica_id server{}; ///< only with commit: its sender, as an address may answer as a new incarnation
    cut floor; ///< only with commit: removal records up to here may be missing at the server; what the
               ///< receiver has seen is left out, unless it needs all of it
    std::uint64_t walk =
        0; ///< the run of the server that this chunk belongs to; 0: none, or before version 5
    std::uint64_t bytes = 0; ///< about how many bytes the server needs for the session; 0: not stated
};

/// Server to receiver: what it holds in some ranges. Receiver to server: what it wants of some ranges. Both
/// are numbered; an answer has the number of its question, and 0 opens the exchange. `rows` is read with
/// listing_reader and question_reader.
struct fingerprint {
    std::uint64_t session = 0;
    std::uint64_t number = 0;
    enum flag : std::uint64_t {
        question = 1,
        done = 2,          ///< no more questions: continue to the COMMIT
        whole_archive = 4, ///< of the opening: the archive was sent complete, not only what was lacking
    };
    std::uint64_t flags = 0;
    std::uint64_t chunks = 0; ///< of an answer: STATE chunks that come before it
    cut seen;                 ///< of the opening: the server's cut at the start, archived origins left out
    std::string_view replicas;
    std::string_view rows;
    std::uint64_t walk = 0; ///< as in the STATE chunks; a question repeats it
};

/// "I have every chunk below `next`." The server may then have chunks of credit_bytes under way. On a second
/// CREDIT with the same `next` it resends from `next`.
struct credit {
    std::uint64_t session = 0;
    std::uint64_t next = 0;
    bool done = false;      ///< committed or given up: forget the session
    std::uint64_t walk = 0; ///< of the received chunks; 0: none yet, or before version 5
};

/// "I have applied everything under `seen`": the sender's whole cut if it answers a question, otherwise a
/// part.
struct ack {
    replica_id id{};
    bool staying = true;
    bool whole = true;         ///< nothing under the LEAVING's cut is missing
    std::uint64_t answers = 0; ///< the number of the LEAVING it answers; 0: none
    cut seen;
    std::uint64_t asked = 0; ///< the number of the ASK it answers; 0: none
    // --- since version 5, and only in an answer to an ASK ---
    bool has_view = false;
    bool view_cut_short = false; ///< there are more than view_ids_max
    bool unread_spill = false;   ///< a file that the sender has found may hold more
    std::string_view view{}; ///< n × 16 bytes, ascending: the nodes whose answer the sender itself would need
};

/// "Tell me what you have applied: now, and again once that covers `want`."
struct ask {
    replica_id id{};
    std::uint64_t number = 0; ///< grows; an answer to one answers all before it
    cut want;
};

struct leaving {
    replica_id id{};
    std::uint64_t number = 0; ///< names this leave in acknowledgements
    std::uint64_t final_counter = 0;
    cut seen;
    /// Keys that no member has acknowledged yet, each after its length; part of the manifest.
    std::string_view keys;
};

struct left {
    replica_id id{};
    std::uint64_t final_counter = 0;
    bool wants_answer = false;
    bool is_answer = false;
    replica_id about{}; ///< the node that left: `id` itself, or another one if passed on
};

/// "I do not hear `about`. Report to me when you do."
struct inquiry {
    replica_id id{};
    replica_id about{};
};

/// "I heard `about` that many milliseconds ago."
struct word {
    replica_id id{};
    replica_id about{};
    std::uint64_t age = 0;
};

/// "These members are up." Only a hint: it makes a node dial, and proves nothing.
struct peers {
    replica_id id{};
    struct one {
        replica_id id{};
        std::string hosts; ///< separated by blanks, with their ports
    };
    std::vector<one> all;
};

using frame = std::variant<hello, brief, delta, pull, state, credit, ack, leaving, left, fingerprint, ask,
                           peers, inquiry, word>;

/// Precondition: this build speaks the version.
[[nodiscard]] std::string encode(const frame& from, std::uint64_t version = version_max);
/// Of a HELLO in a version that this build does not speak, it reads the head, which is the same in all
/// versions. Errors: malformed, with a short reason that can be counted.
[[nodiscard]] result<frame> decode(std::string_view bytes, const versions& spoken = {});

} // namespace baton::wire
