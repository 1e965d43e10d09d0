// baton_sim: many seeds of the simulated world; see tests/sim/README.md.
#include "sim/campaign.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>

namespace {

using namespace baton;
using namespace baton::sim;

struct named {
    const char* name;
    mutation broken;
};
constexpr named mutations[] = {
    {"none", mutation::none},
    {"i2_skip_causal_check", mutation::i2_skip_causal_check},
    {"i3_claim_partial_session", mutation::i3_claim_partial_session},
    {"i4_serve_staged", mutation::i4_serve_staged},
    {"i5_drop_losers", mutation::i5_drop_losers},
    {"i6_reuse_replica", mutation::i6_reuse_replica},
    {"closed_by_silence", mutation::closed_by_silence},
    {"i7_drop_unstable", mutation::i7_drop_unstable},
    {"i7_forget_open_sessions", mutation::i7_forget_open_sessions},
    {"i8_skip_floor_check", mutation::i8_skip_floor_check},
    {"i8_absence_by_commit", mutation::i8_absence_by_commit},
    {"i8_trust_cache", mutation::i8_trust_cache},
    {"i9_ignore_archive", mutation::i9_ignore_archive},
    {"i9_rewrite_origin", mutation::i9_rewrite_origin},
    {"counter_drops_residue", mutation::counter_drops_residue},
    {"claim_stash_kills", mutation::claim_stash_kills},
    {"claim_above_own_clock", mutation::claim_above_own_clock},
    {"claim_trusts_view", mutation::claim_trusts_view},
    {"lease_ignores_time", mutation::lease_ignores_time},
    {"release_unasked", mutation::release_unasked},
    {"withdraw_above", mutation::withdraw_above},
    {"merge_skips_kills", mutation::merge_skips_kills},
    {"commit_past_settled", mutation::commit_past_settled},
    {"waiting_outlives_next", mutation::waiting_outlives_next},
    {"commit_without_tail", mutation::commit_without_tail},
    {"ack_before_applying", mutation::ack_before_applying},
    {"ack_counts_delivery", mutation::ack_counts_delivery},
    {"ack_counts_leaving", mutation::ack_counts_leaving},
    {"leave_counts_leaving", mutation::leave_counts_leaving},
    {"absent_by_local_view", mutation::absent_by_local_view},
    {"absent_without_words", mutation::absent_without_words},
    {"absent_with_unread_spill", mutation::absent_with_unread_spill},
    {"newest_version_to_all", mutation::newest_version_to_all},
    {"walk_ignored", mutation::walk_ignored},
    {"retry_undercut", mutation::retry_undercut},
    {"strangers_ignored", mutation::strangers_ignored},
    {"spill_claims_partial", mutation::spill_claims_partial},
    {"synced_at_once", mutation::synced_at_once},
    {"unsafe_names_none", mutation::unsafe_names_none},
    {"met_without_copies", mutation::met_without_copies},
    {"removals_stay", mutation::removals_stay},
    {"archive_never", mutation::archive_never},
    {"suspect_again", mutation::suspect_again},
    {"redial_at_once", mutation::redial_at_once},
    {"states_again", mutation::states_again},
};

struct arguments {
    std::uint64_t seeds = 1000, first = 1;
    const named* mutate = &mutations[0];
    bool verbose = false, digests = false;
};

int usage() {
    std::fputs("usage: baton_sim [--seeds N] [--first SEED] [--mutate NAME] [--digests] [-v]\n  mutations:",
               stderr);
    for (const auto& each : mutations) std::fprintf(stderr, " %s", each.name);
    std::fputc('\n', stderr);
    return 2;
}

bool parse(int count, char** words, arguments& into) {
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        if (word == "-v") {
            into.verbose = true;
            continue;
        }
        if (word == "--digests") {
            into.digests = true;
            continue;
        }
        if (++i == count) return false;
        const std::string_view value = words[i];
        if (word == "--mutate") {
            into.mutate = nullptr;
            for (const auto& each : mutations) {
                if (value == each.name) into.mutate = &each;
            }
            if (into.mutate == nullptr) return false;
            continue;
        }
        auto* const number = word == "--seeds" ? &into.seeds : word == "--first" ? &into.first : nullptr;
        if (number == nullptr) return false;
        const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), *number);
        if (failed != std::errc{} || end != value.data() + value.size()) return false;
    }
    return true;
}

} // namespace

int main(int count, char** words) {
    arguments args;
    if (!parse(count, words, args)) return usage();
    campaign_options how;
    how.broken = args.mutate->broken;
    if (args.verbose)
        how.tell = [](std::string_view line) {
            std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
        };

    outcome sum;
    std::uint64_t seeds = 0, repeated = 0;
    duration longest{};
    std::uint64_t longest_seed = 0;
    const auto begun = std::chrono::steady_clock::now();
    for (auto seed = args.first; seeds < args.seeds; ++seed) {
        auto one = run_seed(seed, how);
        ++seeds;
        // A share runs twice: what cannot be repeated cannot be debugged.
        if (one.failure.empty() && seed % 20 == 0) {
            ++repeated;
            if (run_seed(seed, how).trace_hash != one.trace_hash)
                one.failure = "a second run took another course";
        }
        if (args.digests)
            std::printf("sim: course %llu %016llx\n", static_cast<unsigned long long>(seed),
                        static_cast<unsigned long long>(one.trace_hash));
        sum.faults += one.faults;
        sum.simulated += one.simulated;
        sum.writes += one.writes;
        sum.sessions += one.sessions;
        sum.processes += one.processes;
        sum.leaves_met += one.leaves_met;
        sum.half_folded += one.half_folded;
        sum.promises_kept += one.promises_kept;
        sum.woken += one.woken;
        sum.statements += one.statements;
        sum.most.raise(one.most);
        sum.standstill = std::max(sum.standstill, one.standstill);
        sum.spills_merged += one.spills_merged;
        sum.recovered += one.recovered;
        if (one.settling > longest) longest = one.settling, longest_seed = seed;
        if (one.failure.empty()) continue;
        if (how.broken != mutation::none) {
            std::printf("sim: mutation %s caught by seed %llu (%llu of %llu): %s\n", args.mutate->name,
                        static_cast<unsigned long long>(seed), static_cast<unsigned long long>(seeds),
                        static_cast<unsigned long long>(args.seeds), one.failure.c_str());
            return 0;
        }
        std::printf("sim: FAILED seed=%llu: %s; replay: ./dev sim --first %llu --seeds 1\n",
                    static_cast<unsigned long long>(seed), one.failure.c_str(),
                    static_cast<unsigned long long>(seed));
        return 1;
    }
    const std::chrono::duration<double> real = std::chrono::steady_clock::now() - begun;
    const std::chrono::duration<double> simulated = sum.simulated, settled = longest;
    const auto show = [](const char* name, std::uint64_t value) {
        std::printf(" %s=%llu", name, static_cast<unsigned long long>(value));
    };
    std::printf("sim: seeds=%llu repeated=%llu simulated=%.0f s real=%.1f s speed=%.0fx divergences=0\n",
                static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(repeated),
                simulated.count(), real.count(), simulated.count() / real.count());
    std::printf("sim:");
    show("incarnations", sum.processes);
    show("writes", sum.writes);
    show("sessions", sum.sessions);
    show("leaves_met", sum.leaves_met);
    show("half_folded", sum.half_folded);
    show("promises_kept", sum.promises_kept);
    show("woken", sum.woken);
    show("statements", sum.statements);
    show("spills_merged", sum.spills_merged);
    show("recovered", sum.recovered);
    std::printf(" longest_settling=%.1f s (seed %llu)\nsim: most in a second:", settled.count(),
                static_cast<unsigned long long>(longest_seed));
    show("pulls", sum.most.pulls);
    show("state_bytes", sum.most.state_bytes);
    show("events", sum.most.events);
    show("full", sum.most.full);
    show("dials", sum.most.dials);
    show("bytes", sum.most.bytes);
    std::printf("; longest standstill %.1f s\nsim: faults:",
                std::chrono::duration<double>(sum.standstill).count());
    for (std::size_t i = 0; i < fault_names.size(); ++i)
        show(std::string(fault_names[i]).c_str(), sum.faults.of[i]);
    std::printf("\n");
    if (how.broken == mutation::none) return 0;
    std::printf("sim: mutation %s NOT caught\n", args.mutate->name);
    return 1;
}
