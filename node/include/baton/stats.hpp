// stats: what a node counts and measures, as a struct, as a table of it, and as Prometheus text.
//
// Plain values; any thread. Source of the text: Prometheus' exposition format 0.0.4.
#pragma once

#include <baton/member.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton {

/// Counters since the start, and sizes now. All counts are of this node; sizes are in bytes.
struct node_stats {
    std::uint64_t members_up = 0;       ///< members that are up
    std::uint64_t keys = 0;             ///< keys that hold something
    std::uint64_t records = 0;          ///< live records: every sibling, element and field
    std::uint64_t removals = 0;         ///< removal records that somebody may not have seen yet
    std::uint64_t residues = 0;         ///< what is left of removed counters
    std::uint64_t origins = 0;          ///< entries of the cut that travels
    std::uint64_t archived = 0;         ///< origins that are gone and known for ever, 24 bytes each
    std::uint64_t key_value_bytes = 0;  ///< user bytes of live records
    std::uint64_t store_bytes = 0;      ///< memory the store has taken, key_value_bytes included
    std::uint64_t ordered_bytes = 0;    ///< beside them: the index for prefixes, while it is in use
    std::uint64_t sessions_open = 0;    ///< sessions under way, pulled and served
    std::uint64_t spills_waiting = 0;   ///< found spills that are neither merged nor given up
    std::uint64_t expired = 0;          ///< keys whose ttl was over, removed by this node for all
    std::uint64_t stashes = 0;          ///< writes of every type of value
    std::uint64_t drops = 0;            ///< removals of every type of value
    std::uint64_t deltas_sent = 0;      ///< broadcasts of own writes
    std::uint64_t delta_bytes_sent = 0; ///< their bytes
    std::uint64_t deltas_received = 0;  ///< broadcasts of others
    std::uint64_t events_applied = 0;   ///< events of others
    std::uint64_t events_duplicate = 0; ///< events that had been applied already
    std::uint64_t acks_sent = 0;        ///< acknowledgements
    std::uint64_t acks_received = 0;    ///< acknowledgements of others
    std::uint64_t asks_sent = 0;    ///< questions for acknowledgements that were late, and for what is absent
    std::uint64_t deltas_early = 0; ///< broadcasts that arrived before something they depend on
    std::uint64_t gaps = 0;         ///< losses noticed
    std::uint64_t sessions_pulled = 0;   ///< repairs and full syncs received
    std::uint64_t sessions_served = 0;   ///< repairs and full syncs served
    std::uint64_t sessions_failed = 0;   ///< those that were given up
    std::uint64_t sessions_compared = 0; ///< those, on either side, that compared ranges, not logs
    std::uint64_t sessions_resumed = 0;  ///< times that one served was overtaken by large writes, and goes on
    std::uint64_t evictions = 0;         ///< members left behind by limits.lag_max or lag_bytes_max
    std::uint64_t state_bytes_sent = 0;  ///< bytes of sessions
    std::uint64_t state_bytes_received = 0; ///< bytes of sessions
    std::uint64_t hello_bytes_sent = 0;     ///< bytes of HELLO and its short form
    std::uint64_t beacons_sent = 0;         ///< beacons
    std::uint64_t beacons_received = 0;     ///< beacons of others
    std::uint64_t beacons_left_out = 0;     ///< not sent, as enough others were heard
    std::uint64_t peers_told = 0;           ///< addresses of members told to others
    std::uint64_t peers_heard = 0;          ///< nodes not known before that others told of
    std::uint64_t peers_ignored = 0;      ///< of those told, beyond bounds or at no address to dial from here
    std::uint64_t ways_dialled = 0;       ///< dials beside the first one to a node
    std::uint64_t introductions_sent = 0; ///< questions for the key of a link
    std::uint64_t probes_sent = 0;        ///< questions by UDP to members that are silent, or crashed
    std::uint64_t knocks = 0;             ///< TCP connections tried to members that crashed, and to seeds
    std::uint64_t probes_answered = 0;    ///< of these
    std::uint64_t introductions_received = 0; ///< questions and answers of others
    std::uint64_t introductions_answered = 0; ///< questions answered
    std::uint64_t conflicts = 0;              ///< times that a register or field came to have siblings
    std::uint64_t siblings_resolved = 0;      ///< values taken away by this node for limits.siblings_max
    std::uint64_t claims = 0;                 ///< claims granted here
    std::uint64_t claims_lost = 0;            ///< of those, ended otherwise than by their handles
    std::uint64_t digest_checks = 0;          ///< comparisons of digests under equal cuts
    std::uint64_t diverged = 0;               ///< of those, unequal: a fault in baton
    std::uint64_t clock_skew = 0;             ///< timestamps further ahead than clock_skew_max
    std::uint64_t refused_frames = 0;         ///< malformed, oversized or from nobody known; by reason below
    std::uint64_t refused_beacons = 0; ///< beacons and introductions that made no sense, or were not sealed
    std::uint64_t ids_ignored = 0;     ///< named by members beyond limits.unknown_ids_max
    std::uint64_t foreign_cluster = 0; ///< beacons and hellos of other clusters
    std::uint64_t sends_refused = 0;   ///< sends that a full or missing link did not take; repaired later
    std::vector<std::pair<std::string, std::uint64_t>> refused_by_reason; ///< sorted by reason
    std::vector<member> members;                                          ///< as node::members()
};

/// One number of node_stats. `counts`: it only grows; otherwise it is a size of this moment.
struct stat_field {
    std::string_view name, meaning;
    bool counts = false;
    std::uint64_t node_stats::*value = nullptr;
};
/// All of them, in the order of the struct. Valid for ever.
[[nodiscard]] std::span<const stat_field> all_stats();

/// For a /metrics page: `baton_<name>` or `baton_<name>_total` for each number, with the label `node`;
/// `baton_refused_total` by `reason`; `baton_member_up`, `baton_member_lag_events`,
/// `baton_member_lag_seconds` and `baton_member_round_trip_seconds` by `member` and `id`, of everybody who
/// has been a member. In labels control characters and what is no UTF-8 are written \\xNN. O(what is told).
[[nodiscard]] std::string to_prometheus(const node_stats& stats, std::string_view node_name);

} // namespace baton
