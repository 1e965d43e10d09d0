// baton_model: runs seeds and prints the shortest failing story. baton_model [--seeds N] [--from N] [--mutate
// NAME] [--lines] [--trace SEED] [--all].
#include "model.hpp"

#include <cstdlib>
#include <iostream>

namespace model {
const std::vector<std::pair<std::string, mutation>> mutations{
    {"none", mutation::none},
    {"drop_unstable", mutation::drop_unstable},
    {"ignore_sessions", mutation::ignore_sessions},
    {"skip_i8", mutation::skip_i8},
    {"skip_commit_check", mutation::skip_commit_check},
    {"commit_cut_absence", mutation::commit_cut_absence},
    {"unconfirmed_cache", mutation::unconfirmed_cache},
    {"archive_unstable", mutation::archive_unstable},
    {"archive_server_alone", mutation::archive_server_alone},
    {"archive_rows_ignored", mutation::archive_rows_ignored},
    {"archive_rewrites", mutation::archive_rewrites},
    {"residue_at_once", mutation::residue_at_once},
    {"residue_told_only", mutation::residue_told_only},
    {"residue_while_compared", mutation::residue_while_compared},
    {"residue_unlisted", mutation::residue_unlisted},
    {"restart_without_base", mutation::restart_without_base},
    {"line_returns", mutation::line_returns},
    {"line_gone_meanwhile", mutation::line_gone_meanwhile},
    {"line_unasked", mutation::line_unasked},
    {"line_kept", mutation::line_kept},
    {"line_by_word", mutation::line_by_word},
    {"touched_line_stays", mutation::touched_line_stays},
    {"line_half_removed", mutation::line_half_removed},
    {"shares_folded", mutation::shares_folded},
    {"fence_reopened", mutation::fence_reopened},
    {"fence_untold", mutation::fence_untold},
    {"counter_references", mutation::counter_references},
    {"counter_seen_unwanted", mutation::counter_seen_unwanted},
    {"newcomer_floor_unjoined", mutation::newcomer_floor_unjoined},
    {"removals_with_server", mutation::removals_with_server},
    {"newcomer_shipped_only", mutation::newcomer_shipped_only},
    {"ranges_late_deltas", mutation::ranges_late_deltas},
    {"ranges_floor_of_server", mutation::ranges_floor_of_server},
    {"commit_check_log_only", mutation::commit_check_log_only},
    {"context_without_archive", mutation::context_without_archive},
    {"residue_of_archived", mutation::residue_of_archived},
    {"closed_by_silence", mutation::closed_by_silence},
    {"closed_rows_ignored", mutation::closed_rows_ignored},
    {"cache_speaks_for_slot", mutation::cache_speaks_for_slot},
    {"dead_mark_forgets_base", mutation::dead_mark_forgets_base},
    {"cache_keeps_base", mutation::cache_keeps_base},
    {"base_tie_to_older", mutation::base_tie_to_older},
    {"archive_rows_of_start", mutation::archive_rows_of_start},
    {"left_is_final", mutation::left_is_final},
    {"cache_above_commit", mutation::cache_above_commit},
};
} // namespace model

int main(int argc, char** argv) {
    std::uint64_t seeds = 1000, from = 1;
    std::optional<std::uint64_t> trace;
    auto broken = model::mutation::none;
    bool all = false, lines = false;
    std::string mutated = "none";
    for (int i = 1; i < argc; ++i) {
        const std::string option = argv[i];
        if (option == "--all" || option == "--lines") {
            (option == "--all" ? all : lines) = true;
            continue;
        }
        if (i + 1 == argc) return 2;
        const std::string value = argv[++i];
        bool known = true;
        if (option == "--mutate") {
            known = false;
            for (const auto& [name, each] : model::mutations) {
                if (name == value) known = true, broken = each, mutated = name;
            }
        } else if (option == "--seeds") {
            seeds = std::strtoull(value.c_str(), nullptr, 10);
        } else if (option == "--from") {
            from = std::strtoull(value.c_str(), nullptr, 10);
        } else if (option == "--trace") {
            trace = std::strtoull(value.c_str(), nullptr, 10);
        } else {
            known = false;
        }
        if (!known) return 2;
    }
    if (trace) from = *trace, seeds = 1;
    std::uint64_t failed = 0, shortest = 0, first = 0;
    int steps = 0;
    std::string why;
    for (auto seed = from; seed < from + seeds; ++seed) {
        model::world world(seed, broken, lines, trace.has_value());
        try {
            world.run();
        } catch (const std::exception& fault) {
            if (all) std::cout << "seed " << seed << ": " << fault.what() << std::endl;
            if (failed++ == 0) first = seed - from + 1;
            if (failed == 1 || world.steps() < steps) {
                shortest = seed;
                steps = world.steps();
                why = fault.what();
            }
            if (!all && broken != model::mutation::none) break; // caught
        }
    }
    const bool caught = failed != 0;
    if (caught) {
        std::cout << failed << " of " << seeds << " seeds failed, the first after " << first << "; seed "
                  << shortest << ": " << why << "\n  replay: baton_model --mutate " << mutated
                  << (lines ? " --lines" : "") << " --trace " << shortest << '\n';
    } else {
        std::cout << seeds << " seeds, no fault\n";
    }
    return caught == (broken != model::mutation::none) ? 0 : 1;
}
