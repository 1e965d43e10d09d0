// stats: what a node counts and measures, as a struct, as a table, and as Prometheus text.
//
//     // The page for a scraper.
//     std::string metrics_page(const baton::node_stats& now) { return to_prometheus(now, "node-1"); }
//     // All numbers that are not 0, one a line.
//     std::string summary(const baton::node_stats& now) {
//         std::string text;
//         for (const auto& each : baton::all_stats())
//             if (const auto number = now.*each.value; number != 0)
//                 text += std::string(each.name) + '=' + std::to_string(number) + '\n';
//         return text;
//     }
//
// Plain values; any thread. node::stats() returns them. Sources of the texts: Prometheus' exposition format
// 0.0.4; OpenMetrics 1.0.
#pragma once

#include <baton/api.hpp>
#include <baton/member.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton {

/// How many waits took how long.
struct time_histogram {
    /// Upper bounds of the buckets, ascending; one more bucket has what took longer.
    static constexpr std::array<std::chrono::microseconds, 16> bounds = [] {
        std::array<std::chrono::microseconds, 16> all{};
        constexpr std::array micros{100,   250,    500,    1000,    2500,    5000,    10000,    25000,
                                    50000, 100000, 250000, 1000000, 2500000, 5000000, 10000000, 25000000};
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = std::chrono::microseconds{micros[i]};
        return all;
    }();
    std::array<std::uint64_t, bounds.size() + 1> counts{}; ///< by bucket, each without the others
    std::chrono::nanoseconds sum{0};                       ///< of all of them

    /// Counts one wait. O(buckets).
    void note(std::chrono::nanoseconds took) {
        std::size_t bucket = 0;
        while (bucket < bounds.size() && took > bounds[bucket]) ++bucket;
        ++counts[bucket];
        sum += took;
    }
};

/// Counters since the start of the node, and sizes at this moment. Names with `bytes` are in bytes.
struct node_stats {
    std::uint64_t members_up = 0;      ///< members that are up
    std::uint64_t keys = 0;            ///< keys that hold a value
    std::uint64_t records = 0;         ///< live records: every value, sibling, element and field counts
    std::uint64_t removals = 0;        ///< removal records that some member may not have seen yet
    std::uint64_t residues = 0;        ///< records that removed counters leave behind
    std::uint64_t origins = 0;         ///< entries of the cut that this node sends to others
    std::uint64_t archived = 0;        ///< origins that are gone and archived, 24 bytes each
    std::uint64_t key_value_bytes = 0; ///< bytes of keys, elements and values of live records
    std::uint64_t store_bytes = 0;     ///< bytes of memory that the store has taken, key_value_bytes included
    std::uint64_t ordered_bytes =
        0; ///< bytes of the index for prefixes, while it is in use; not part of store_bytes
    std::uint64_t sessions_open = 0;  ///< sessions that are open, pulled and served
    std::uint64_t spills_waiting = 0; ///< spills that were found and are neither merged nor given up
    std::uint64_t expired = 0; ///< keys that this node removed for all members because their ttl had passed
    std::uint64_t stashes = 0; ///< writes of this process, of every type of value
    std::uint64_t drops = 0;   ///< removals of this process, of every type of value
    std::uint64_t deltas_sent = 0;      ///< broadcasts of own writes
    std::uint64_t delta_bytes_sent = 0; ///< bytes of broadcasts of own writes
    std::uint64_t deltas_received = 0;  ///< broadcasts received from other members
    std::uint64_t events_applied = 0;   ///< events of other members that were applied
    std::uint64_t events_duplicate = 0; ///< events of other members that had been applied before
    std::uint64_t acks_sent = 0;        ///< acknowledgements sent
    std::uint64_t acks_received = 0;    ///< acknowledgements received
    std::uint64_t asks_sent = 0;       ///< questions sent because an acknowledgement was late or a key absent
    std::uint64_t deltas_early = 0;    ///< broadcasts that arrived before an event they depend on
    std::uint64_t gaps = 0;            ///< losses noticed in the broadcasts of other members
    std::uint64_t sessions_pulled = 0; ///< repairs and full syncs that this node received
    std::uint64_t sessions_served = 0; ///< repairs and full syncs that this node served
    std::uint64_t sessions_failed = 0; ///< sessions that this node received and gave up
    std::uint64_t sessions_compared =
        0; ///< sessions, on either side, that compared ranges instead of walking logs
    std::uint64_t sessions_resumed =
        0;                       ///< times that a served session was overtaken by large writes and continued
    std::uint64_t evictions = 0; ///< members left behind because of limits.lag_max or lag_bytes_max
    std::uint64_t state_bytes_sent = 0;       ///< bytes of session chunks sent
    std::uint64_t state_bytes_received = 0;   ///< bytes of session chunks received
    std::uint64_t hello_bytes_sent = 0;       ///< bytes of HELLO and BRIEF frames sent
    std::uint64_t beacons_sent = 0;           ///< beacons sent
    std::uint64_t beacons_received = 0;       ///< beacons received
    std::uint64_t beacons_left_out = 0;       ///< beacons not sent because enough others were heard
    std::uint64_t peers_told = 0;             ///< addresses of members sent to other members
    std::uint64_t peers_heard = 0;            ///< nodes that became known by the report of a member
    std::uint64_t peers_ignored = 0;          ///< reported addresses beyond bounds, or not dialable from here
    std::uint64_t ways_dialled = 0;           ///< dials of further addresses of a node, after its first one
    std::uint64_t introductions_sent = 0;     ///< introductions sent to learn the key of a link
    std::uint64_t probes_sent = 0;            ///< UDP probes sent to members that are silent or crashed
    std::uint64_t knocks = 0;                 ///< TCP connections tried to crashed members and to seeds
    std::uint64_t probes_answered = 0;        ///< UDP probes that were answered
    std::uint64_t introductions_received = 0; ///< introductions received, questions and answers
    std::uint64_t introductions_answered = 0; ///< introductions of other nodes that this node answered
    std::uint64_t conflicts = 0;              ///< times that a register or field got siblings
    std::uint64_t siblings_resolved = 0; ///< values that this node removed because of limits.siblings_max
    std::uint64_t claims = 0;            ///< claims granted to this node
    std::uint64_t claims_lost = 0;       ///< claims of this node that ended otherwise than by their handles
    std::uint64_t digest_checks = 0;     ///< comparisons of digests between nodes with equal cuts
    std::uint64_t diverged = 0;          ///< comparisons that found unequal digests: a fault in baton
    std::uint64_t clock_skew = 0;        ///< timestamps that were further ahead than clock_skew_max
    std::uint64_t refused_frames = 0;    ///< frames refused: malformed, oversized or from an unknown node
    std::uint64_t refused_beacons = 0;   ///< beacons and introductions refused: malformed or unsealed
    std::uint64_t ids_ignored = 0;       ///< ids that members named beyond limits.unknown_ids_max
    std::uint64_t foreign_cluster = 0;   ///< beacons and greetings of other clusters
    std::uint64_t sends_refused = 0;     ///< sends that a full or missing link did not take; repaired later
    time_histogram
        acknowledged;      ///< calls that waited for an ack_level, from the wait's begin until it was met
    time_histogram leaves; ///< leaves of members, from their announcement to their goodbye
    std::vector<std::pair<std::string, std::uint64_t>> refused_by_reason; ///< refusals, sorted by reason
    std::vector<member> members;                                          ///< as node::members()
};

/// Describes one number of node_stats.
struct stat_field {
    std::string_view name;                      ///< the name of the member of node_stats
    std::string_view meaning;                   ///< one phrase, as in the comment of the member
    bool counts = false;                        ///< true: the number only grows; false: it is a size now
    std::uint64_t node_stats::*value = nullptr; ///< the member of node_stats
};
/// All numbers of node_stats, in the order of the struct. Valid for ever.
[[nodiscard]] BATON_API std::span<const stat_field> all_stats();

/// The text of a /metrics page. Each number becomes `baton_<name>`, or `baton_<name>_total` if it only grows,
/// with the label `node`. `baton_refused_total` has the label `reason`. For every node that has been a member
/// there are `baton_member_up`, `baton_member_lag_events`, `baton_member_lag_seconds` and
/// `baton_member_round_trip_seconds`, with the labels `member` and `id`. In labels, control characters and
/// bytes that are not UTF-8 are written as
/// `\\xNN`. O(length of the text).
[[nodiscard]] BATON_API std::string to_prometheus(const node_stats& stats, std::string_view node_name);

/// The same numbers as OpenMetrics 1.0 text, which ends with `# EOF`. Its content type is
/// `openmetrics_content_type`. Families have units: `baton_delta_sent_bytes_total`. Two histograms are added,
/// `baton_acknowledgement_seconds` and `baton_leave_seconds`. `baton_refused_total` has the label `reason`.
/// The families of members have only the label `member` (besides `node`), and only members that are up,
/// suspect or leaving; of several with one name the worst number is shown. O(length of the text).
[[nodiscard]] BATON_API std::string to_openmetrics(const node_stats& stats, std::string_view node_name);
/// For the header Content-Type of to_openmetrics().
inline constexpr std::string_view openmetrics_content_type =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

} // namespace baton
