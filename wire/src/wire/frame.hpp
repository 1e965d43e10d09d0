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
/// Of any frame but those of a spill. What one node is told to send at most is its own affair; this much
/// every node takes.
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

/// What a node holds and how far it is: part of HELLO, and of COMMIT.
struct standing {
    cut seen;               ///< without archived origins
    digest archive;         ///< digest of the archive of closed origins
    digest state;           ///< over visible records
    bool has_state = false; ///< false while a sync is being folded in: `state` means nothing
};
/// Eight bytes over (cut, archive): equal when both are.
[[nodiscard]] std::uint64_t hash_of(const standing& s);

struct hello {
    enum flag : std::uint64_t {
        wants_answer = 1,
        sees_you = 2, ///< the sender's PUB has seen the receiver's subscription
        is_leaving = 4,
        is_full = 8, ///< the sender applies nothing more until it has room again
    };
    std::string cluster;
    wire::versions versions{};
    replica_id id{};
    std::uint64_t flags = 0;
    std::string name;
    std::string hosts; ///< addresses to dial, separated by blanks; empty: the one it is seen under
    std::uint16_t port = 0, publish_port = 0;
    standing at;
    std::uint64_t latest = 0; ///< the sender's own highest counter
    timestamp clock{};
    std::string reach; ///< addresses of its interfaces, where `hosts` does not say which to dial; not on PUB
    /// What a node needs to hold the sender's visible state, in bytes, beside key and value 41 a record; not
    /// told before version 5, nor in the middle of a merge.
    std::optional<std::uint64_t> live{};
    bool head_only = false; ///< in a version that is not spoken here: the rest, after `id`, was not read
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
    bool wants_ack = false; ///< somebody waits to hear that these have been applied
};

struct pull {
    std::uint64_t session = 0;
    replica_id id{};
    std::uint64_t chunk_bytes = 0, credit_bytes = 0;
    enum flag : std::uint64_t {
        has_archive = 1, ///< `closed` is the receiver's whole archive
        compare = 2,     ///< by ranges: something is staged already, or digests differ
        since_told = 4,  ///< `seen` is what differs from the standing with hash `told`, which the server has
    };
    std::uint64_t flags = 0;
    std::uint64_t told = 0;
    cut seen;
    digest archive; ///< not with since_told: that of the standing
    cut closed;
};

/// One chunk. `rows` is read with state_rows. `walk` is drawn at random when the server begins: a server that
/// has forgotten a session and begins its number once more is told apart by it. With `commit` set it is the
/// last, and `at` is where the receiver will be.
struct state {
    std::uint64_t session = 0;
    std::uint64_t chunk = 0; ///< from 0
    enum flag : std::uint64_t {
        commit = 1,
        busy = 2,           ///< not now, ask again or ask another
        archive = 4,        ///< `rows` is a cut: entries of the server's archive
        whole_archive = 8,  ///< with commit: those were all there are, not only what the receiver lacked
        wants_archive = 16, ///< the archives differ: ask again and say what yours is
        compared = 32,      ///< with commit: the receiver has been told by ranges what is not there
        wants_cut = 64,     ///< that standing is not known here: ask again with the whole cut
        difference = 128,   ///< with commit: the cut is only what differs from the receiver's
        for_good = 256,     ///< with archive: entries told before, of origins that have said goodbye
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
    std::uint64_t walk = 0;  ///< which run of the server this chunk is of; 0: a word, or before version 5
    std::uint64_t bytes = 0; ///< about how many the server needs for what will come; 0: not said
};

/// Server to receiver: what it holds of some ranges. Receiver to server: what to do about some ranges. Both
/// are numbered; an answer has the number of its question, and 0 opens the exchange. `rows` is read with
/// listing_reader and question_reader.
struct fingerprint {
    std::uint64_t session = 0;
    std::uint64_t number = 0;
    enum flag : std::uint64_t {
        question = 1,
        done = 2,          ///< no more questions, go on to the end
        whole_archive = 4, ///< of the opening: the archive told is all there is, not only what was lacking
    };
    std::uint64_t flags = 0;
    std::uint64_t chunks = 0; ///< of an answer: STATE chunks that come before it
    cut seen;                 ///< of the opening: the server's cut at the start, archived origins left out
    std::string_view replicas;
    std::string_view rows;
    std::uint64_t walk = 0; ///< as in the STATE chunks; a question repeats it
};

/// "I have every chunk below `next`." The server may then have chunks of credit_bytes under way; it sends
/// again from `next` when it is told the same twice.
struct credit {
    std::uint64_t session = 0;
    std::uint64_t next = 0;
    bool done = false;      ///< committed or given up: forget the session
    std::uint64_t walk = 0; ///< of the chunks that have come; 0: none has, or before version 5
};

/// "I have applied everything under `seen`": the sender's whole cut when it answers something, otherwise a
/// part.
struct ack {
    replica_id id{};
    bool staying = true;
    bool whole = true;         ///< nothing under the LEAVING's cut is missing
    std::uint64_t answers = 0; ///< the number of the LEAVING it answers; 0: none
    cut seen;
    std::uint64_t asked = 0; ///< the number of the ASK it answers; 0: none
    // --- since version 5, and only where it answers an ASK ---
    bool has_view = false;
    bool view_cut_short = false; ///< there are more than view_ids_max
    bool unread_spill = false;   ///< a file that the sender has found may hold more
    std::string_view view{};     ///< n × 16 bytes, ascending: whose answer the sender would want itself
};

/// "Tell me what you have applied: now, and again once that covers `want`."
struct ask {
    replica_id id{};
    std::uint64_t number = 0; ///< grows; an answer to one answers all before it
    cut want;
};

struct leaving {
    replica_id id{};
    std::uint64_t number = 0; ///< names this leaving in acknowledgements
    std::uint64_t final_counter = 0;
    cut seen;
    /// Keys that nobody has acknowledged yet, each with its length before it; part of the manifest.
    std::string_view keys;
};

struct left {
    replica_id id{};
    std::uint64_t final_counter = 0;
    bool wants_answer = false;
    bool is_answer = false;
    replica_id about{}; ///< who left: `id` itself, or somebody else when passed on
};

/// "I do not hear `about`. Do you? Say so when you do."
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

/// "These are up." A hint: it makes a node dial, never believe.
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
/// Of a HELLO in another version than those spoken the head is read: it is the same in all of them.
/// Errors: malformed, with a short reason that can be counted.
[[nodiscard]] result<frame> decode(std::string_view bytes, const versions& spoken = {});

} // namespace baton::wire
