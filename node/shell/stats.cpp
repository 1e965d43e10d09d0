// The numbers of node_stats by name, and as text for Prometheus.
#include "shell/text.hpp"

#include <baton/stats.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

namespace baton {

namespace {

constexpr std::array table{
    stat_field{"members_up", "members that are up", false, &node_stats::members_up},
    stat_field{"keys", "keys that hold a value", false, &node_stats::keys},
    stat_field{"records", "live records: every value, sibling, element and field counts", false,
               &node_stats::records},
    stat_field{"removals", "removal records that some member may not have seen yet", false,
               &node_stats::removals},
    stat_field{"residues", "records that removed counters leave behind", false, &node_stats::residues},
    stat_field{"origins", "entries of the cut that this node sends to others", false, &node_stats::origins},
    stat_field{"archived", "origins that are gone and archived, 24 bytes each", false, &node_stats::archived},
    stat_field{"key_value_bytes", "bytes of keys, elements and values of live records", false,
               &node_stats::key_value_bytes},
    stat_field{"store_bytes", "bytes of memory that the store has taken, key_value_bytes included", false,
               &node_stats::store_bytes},
    stat_field{"ordered_bytes",
               "bytes of the index for prefixes, while it is in use; not part of store_bytes", false,
               &node_stats::ordered_bytes},
    stat_field{"sessions_open", "sessions that are open, pulled and served", false,
               &node_stats::sessions_open},
    stat_field{"spills_waiting", "spills that were found and are neither merged nor given up", false,
               &node_stats::spills_waiting},
    stat_field{"expired", "keys that this node removed for all members because their ttl had passed", true,
               &node_stats::expired},
    stat_field{"stashes", "writes of this process, of every type of value", true, &node_stats::stashes},
    stat_field{"drops", "removals of this process, of every type of value", true, &node_stats::drops},
    stat_field{"deltas_sent", "broadcasts of own writes", true, &node_stats::deltas_sent},
    stat_field{"delta_bytes_sent", "bytes of broadcasts of own writes", true, &node_stats::delta_bytes_sent},
    stat_field{"deltas_received", "broadcasts received from other members", true,
               &node_stats::deltas_received},
    stat_field{"events_applied", "events of other members that were applied", true,
               &node_stats::events_applied},
    stat_field{"events_duplicate", "events of other members that had been applied before", true,
               &node_stats::events_duplicate},
    stat_field{"acks_sent", "acknowledgements sent", true, &node_stats::acks_sent},
    stat_field{"acks_received", "acknowledgements received", true, &node_stats::acks_received},
    stat_field{"asks_sent", "questions sent because an acknowledgement was late or a key absent", true,
               &node_stats::asks_sent},
    stat_field{"deltas_early", "broadcasts that arrived before an event they depend on", true,
               &node_stats::deltas_early},
    stat_field{"gaps", "losses noticed in the broadcasts of other members", true, &node_stats::gaps},
    stat_field{"sessions_pulled", "repairs and full syncs that this node received", true,
               &node_stats::sessions_pulled},
    stat_field{"sessions_served", "repairs and full syncs that this node served", true,
               &node_stats::sessions_served},
    stat_field{"sessions_failed", "sessions that this node received and gave up", true,
               &node_stats::sessions_failed},
    stat_field{"sessions_compared", "sessions, on either side, that compared ranges instead of walking logs",
               true, &node_stats::sessions_compared},
    stat_field{"sessions_resumed", "times that a served session was overtaken by large writes and continued",
               true, &node_stats::sessions_resumed},
    stat_field{"evictions", "members left behind because of limits.lag_max or lag_bytes_max", true,
               &node_stats::evictions},
    stat_field{"state_bytes_sent", "bytes of session chunks sent", true, &node_stats::state_bytes_sent},
    stat_field{"state_bytes_received", "bytes of session chunks received", true,
               &node_stats::state_bytes_received},
    stat_field{"hello_bytes_sent", "bytes of HELLO and BRIEF frames sent", true,
               &node_stats::hello_bytes_sent},
    stat_field{"beacons_sent", "beacons sent", true, &node_stats::beacons_sent},
    stat_field{"beacons_received", "beacons received", true, &node_stats::beacons_received},
    stat_field{"beacons_left_out", "beacons not sent because enough others were heard", true,
               &node_stats::beacons_left_out},
    stat_field{"peers_told", "addresses of members sent to other members", true, &node_stats::peers_told},
    stat_field{"peers_heard", "nodes that became known by the report of a member", true,
               &node_stats::peers_heard},
    stat_field{"peers_ignored", "reported addresses beyond bounds, or not dialable from here", true,
               &node_stats::peers_ignored},
    stat_field{"ways_dialled", "dials of further addresses of a node, after its first one", true,
               &node_stats::ways_dialled},
    stat_field{"introductions_sent", "introductions sent to learn the key of a link", true,
               &node_stats::introductions_sent},
    stat_field{"probes_sent", "UDP probes sent to members that are silent or crashed", true,
               &node_stats::probes_sent},
    stat_field{"knocks", "TCP connections tried to crashed members and to seeds", true, &node_stats::knocks},
    stat_field{"probes_answered", "UDP probes that were answered", true, &node_stats::probes_answered},
    stat_field{"introductions_received", "introductions received, questions and answers", true,
               &node_stats::introductions_received},
    stat_field{"introductions_answered", "introductions of other nodes that this node answered", true,
               &node_stats::introductions_answered},
    stat_field{"conflicts", "times that a register or field got siblings", true, &node_stats::conflicts},
    stat_field{"siblings_resolved", "values that this node removed because of limits.siblings_max", true,
               &node_stats::siblings_resolved},
    stat_field{"claims", "claims granted to this node", true, &node_stats::claims},
    stat_field{"claims_lost", "claims of this node that ended otherwise than by their handles", true,
               &node_stats::claims_lost},
    stat_field{"digest_checks", "comparisons of digests between nodes with equal cuts", true,
               &node_stats::digest_checks},
    stat_field{"diverged", "comparisons that found unequal digests: a fault in baton", true,
               &node_stats::diverged},
    stat_field{"clock_skew", "timestamps that were further ahead than clock_skew_max", true,
               &node_stats::clock_skew},
    stat_field{"refused_frames", "frames refused: malformed, oversized or from an unknown node", true,
               &node_stats::refused_frames},
    stat_field{"refused_beacons", "beacons and introductions refused: malformed or unsealed", true,
               &node_stats::refused_beacons},
    stat_field{"ids_ignored", "ids that members named beyond limits.unknown_ids_max", true,
               &node_stats::ids_ignored},
    stat_field{"foreign_cluster", "beacons and greetings of other clusters", true,
               &node_stats::foreign_cluster},
    stat_field{"sends_refused", "sends that a full or missing link did not accept; repaired later", true,
               &node_stats::sends_refused},
};

// Writes a value of a label in the Prometheus text format: UTF-8 with the escapes \\, \" and \n. Bytes that
// are not text, or that control a terminal, become \xNN.
std::string label_text(std::string_view text) {
    std::string made = "\"";
    while (!text.empty()) {
        const auto plain = text.substr(0, text.find_first_of("\\\"\n"));
        for (const char c : shell::printable(plain)) {
            if (c == '\\') made += '\\'; // escapes the backslash of an \xNN that printable() writes
            made += c;
        }
        text.remove_prefix(plain.size());
        if (text.empty()) break;
        (made += '\\') += text.front() == '\n' ? 'n' : text.front();
        text.remove_prefix(1);
    }
    return made += '"';
}

std::string decimal(double value) {
    std::array<char, 32> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    return {text.data(), end};
}

class page {
  public:
    explicit page(std::string_view node_name)
        : node_("node=" + label_text(node_name)) {}
    void head(std::string_view name, std::string_view meaning, std::string_view type) {
        (text_ += "# HELP ") += name;
        (text_ += ' ') += meaning;
        (text_ += "\n# TYPE ") += name;
        ((text_ += ' ') += type) += '\n';
    }
    /// Of OpenMetrics; the family's name ends with it.
    void unit(std::string_view name, std::string_view unit) {
        if (!name.ends_with(unit)) return;
        (text_ += "# UNIT ") += name;
        ((text_ += ' ') += unit) += '\n';
    }
    void end() { text_ += "# EOF\n"; }
    void line(std::string_view name, std::string_view labels, std::string_view value) {
        ((text_ += name) += '{') += node_;
        if (!labels.empty()) (text_ += ',') += labels;
        ((text_ += "} ") += value) += '\n';
    }
    std::string text() && { return std::move(text_); }

  private:
    std::string node_, text_;
};

using seconds = std::chrono::duration<double>;

// `delta_bytes_sent` → `baton_delta_sent_bytes`: a unit is the end of a family's name.
std::string family_of(std::string_view name) {
    constexpr std::string_view bytes = "_bytes";
    std::string family = "baton_";
    if (const auto at = name.find("_bytes_"); at != name.npos)
        return family.append(name.substr(0, at)).append(name.substr(at + bytes.size())).append(bytes);
    return family.append(name);
}

void add_histogram(page& out, const std::string& family, std::string_view meaning, const time_histogram& of) {
    out.head(family, meaning, "histogram");
    out.unit(family, "seconds");
    std::uint64_t so_far = 0;
    const auto bucket = [&](const std::string& bound, std::size_t which) {
        so_far += of.counts[which];
        out.line(family + "_bucket", "le=" + label_text(bound), std::to_string(so_far));
    };
    for (std::size_t i = 0; i < time_histogram::bounds.size(); ++i) {
        auto bound = decimal(seconds(time_histogram::bounds[i]).count());
        if (bound.find_first_of(".e") == bound.npos) bound += ".0"; // as the format wants a float here
        bucket(bound, i);
    }
    bucket("+Inf", time_histogram::bounds.size());
    out.line(family + "_count", {}, std::to_string(so_far));
    out.line(family + "_sum", {}, decimal(seconds(of.sum).count()));
}

bool is_present(const member& each) {
    return each.state == member_state::up || each.state == member_state::suspect ||
           each.state == member_state::leaving;
}

// One line a name: two lines with the same labels would make the page invalid, and any node may take any
// name.
template <class Value>
void add_members(page& out, const std::string& family, std::string_view meaning, std::string_view unit,
                 const std::vector<member>& members, Value value, bool worst_is_least = false) {
    out.head(family, meaning, "gauge");
    if (!unit.empty()) out.unit(family, unit);
    std::map<std::string, double> by_name;
    for (const auto& each : members) {
        if (!is_present(each)) continue;
        const std::optional<double> found = value(each);
        if (!found) continue;
        const auto [at, is_new] = by_name.emplace(label_text(each.name), *found);
        if (!is_new)
            at->second = worst_is_least ? std::min(at->second, *found) : std::max(at->second, *found);
    }
    for (const auto& [name, number] : by_name) out.line(family, "member=" + name, decimal(number));
}

} // namespace

std::span<const stat_field> all_stats() { return table; }

std::string to_prometheus(const node_stats& stats, std::string_view node_name) {
    page out(node_name);
    for (const auto& each : table) {
        const auto name = "baton_" + std::string(each.name) + (each.counts ? "_total" : "");
        out.head(name, each.meaning, each.counts ? "counter" : "gauge");
        out.line(name, {}, std::to_string(stats.*each.value));
    }
    out.head("baton_refused_total", "frames and beacons refused, by reason", "counter");
    for (const auto& [reason, count] : stats.refused_by_reason)
        out.line("baton_refused_total", "reason=" + label_text(reason), std::to_string(count));
    const auto by_member = [&](std::string_view name, std::string_view meaning, auto value) {
        out.head(name, meaning, "gauge");
        for (const auto& each : stats.members) {
            // A peer in contact may be anybody, under any name.
            if (each.state == member_state::contacting) continue;
            out.line(name, "member=" + label_text(each.name) + ",id=" + label_text(each.id.to_string()),
                     decimal(value(each)));
        }
    };
    by_member("baton_member_up", "1 while the member hears this node and is heard by it",
              [](const member& m) { return m.state == member_state::up ? 1.0 : 0.0; });
    by_member("baton_member_lag_events", "own events that the member has not reported as applied",
              [](const member& m) { return static_cast<double>(m.lag); });
    by_member("baton_member_lag_seconds", "how long the oldest of those events has been under way",
              [](const member& m) { return seconds(m.lag_age).count(); });
    by_member(
        "baton_member_round_trip_seconds", "round trip of acknowledgements, smoothed",
        [](const member& m) { return seconds(m.round_trip.value_or(std::chrono::microseconds{0})).count(); });
    return std::move(out).text();
}

std::string to_openmetrics(const node_stats& stats, std::string_view node_name) {
    page out(node_name);
    for (const auto& each : table) {
        const auto family = family_of(each.name);
        out.head(family, each.meaning, each.counts ? "counter" : "gauge");
        out.unit(family, "bytes");
        out.line(each.counts ? family + "_total" : family, {}, std::to_string(stats.*each.value));
    }
    out.head("baton_refused", "frames and beacons refused, by reason", "counter");
    for (const auto& [reason, count] : stats.refused_by_reason)
        out.line("baton_refused_total", "reason=" + label_text(reason), std::to_string(count));
    add_histogram(out, "baton_acknowledgement_seconds",
                  "time that calls waited until enough members had acknowledged a write", stats.acknowledged);
    add_histogram(out, "baton_leave_seconds",
                  "time that leaves of members took, from their announcement to their goodbye", stats.leaves);
    const auto& all = stats.members;
    const auto number = [](auto of) { return std::optional(static_cast<double>(of)); };
    add_members(
        out, "baton_member_up", "1 while the member hears this node and is heard by it", {}, all,
        [&](const member& m) { return number(m.state == member_state::up); }, true);
    add_members(out, "baton_member_lag_events", "own events that the member has not reported as applied", {},
                all, [&](const member& m) { return number(m.lag); });
    add_members(out, "baton_member_lag_seconds", "how long the oldest of those events has been under way",
                "seconds", all, [&](const member& m) { return number(seconds(m.lag_age).count()); });
    add_members(out, "baton_member_round_trip_seconds", "round trip of acknowledgements, smoothed", "seconds",
                all, [&](const member& m) {
                    return m.round_trip ? number(seconds(*m.round_trip).count()) : std::nullopt;
                });
    out.end();
    return std::move(out).text();
}

} // namespace baton
