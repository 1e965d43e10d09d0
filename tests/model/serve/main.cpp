// baton_serve_model: runs seeds and prints what failed. baton_serve_model [--kind NAME] [--seeds N] [--from
// N]
// [--mutate NAME | --each] [--trace SEED] [--all].
#include "model.hpp"

#include <cstdlib>
#include <iostream>

namespace serving {
const std::vector<std::pair<std::string, kind>> kinds{
    {"calm", kind::calm},         {"crash", kind::crash},     {"burst", kind::burst},
    {"drop", kind::drop},         {"suspend", kind::suspend}, {"cut", kind::cut},
    {"triangle", kind::triangle}, {"mixed", kind::mixed},     {"stash", kind::stash},
    {"full", kind::full},         {"spill", kind::spill},     {"poison", kind::poison},
    {"pause", kind::pause},       {"many", kind::many},       {"hash", kind::hash},
    {"sticky", kind::sticky},
};
const std::vector<rule_case> mutations{
    {"epoch_by_clock", mutation::epoch_by_clock, kind::cut},
    {"withdraws_above", mutation::withdraws_above, kind::cut},
    {"claims_unasked", mutation::claims_unasked, kind::cut},
    {"named_unapplied", mutation::named_unapplied, kind::crash},
    {"gone_by_me_alone", mutation::gone_by_me_alone, kind::triangle},
    {"final_ignored", mutation::final_ignored, kind::calm},
    {"claims_unsynced", mutation::claims_unsynced, kind::calm},
    {"starts_unconfirmed", mutation::starts_unconfirmed, kind::calm},
    {"starts_on_tie", mutation::starts_on_tie, kind::suspend},
    {"confirms_up_only", mutation::confirms_up_only, kind::calm},
    {"confirms_without_joined", mutation::confirms_without_joined, kind::burst},
    {"confirms_without_named", mutation::confirms_without_named, kind::burst},
    {"confirms_unapplied", mutation::confirms_unapplied, kind::mixed},
    {"answers_while_running", mutation::answers_while_running, kind::cut},
    {"answers_unapplied", mutation::answers_unapplied, kind::calm},
    {"checkpoint_unread", mutation::checkpoint_unread, kind::spill},
    {"checkpoint_by_epoch", mutation::checkpoint_by_epoch, kind::spill},
    {"claim_carries_read", mutation::claim_carries_read, kind::spill},
    {"never_steps_back", mutation::never_steps_back, kind::triangle},
    {"takes_while_unheard", mutation::takes_while_unheard, kind::triangle},
    {"attempts_uncounted", mutation::attempts_uncounted, kind::poison},
    {"attempts_local", mutation::attempts_local, kind::poison},
    {"missing_own_only", mutation::missing_own_only, kind::cut},
    {"missing_forgotten", mutation::missing_forgotten, kind::cut},
    {"view_of_gone_forgotten", mutation::view_of_gone_forgotten, kind::cut},
    {"return_unasked", mutation::return_unasked, kind::cut},
    {"proof_ignored", mutation::proof_ignored, kind::crash},
    {"full_waits", mutation::full_waits, kind::full},
    {"full_answers_running", mutation::full_answers_running, kind::full},
    {"full_runs_on", mutation::full_runs_on, kind::full},
    {"stash_unread", mutation::stash_unread, kind::stash},
    {"stash_taken_for_checkpoint", mutation::stash_taken_for_checkpoint, kind::stash},
    {"own_value_claimed", mutation::own_value_claimed, kind::stash},
    {"minority_runs", mutation::minority_runs, kind::pause},
    {"lease_unguarded", mutation::lease_unguarded, kind::pause},
    {"lease_by_owner_named", mutation::lease_by_owner_named, kind::pause},
    {"newborn_votes", mutation::newborn_votes, kind::pause},
    {"unapplied_votes", mutation::unapplied_votes, kind::pause},
    {"mesh_too_small", mutation::mesh_too_small, kind::pause},
    {"releases_before_stop", mutation::releases_before_stop, kind::calm},
    {"commits_unowned", mutation::commits_unowned, kind::cut},
    {"starts_unpaced", mutation::starts_unpaced, kind::many},
    {"caps_ignored", mutation::caps_ignored, kind::sticky},
    {"grants_unchecked", mutation::grants_unchecked, kind::sticky},
    {"grants_above_cap_only", mutation::grants_above_cap_only, kind::sticky},
    {"pulls_below_floor_only", mutation::pulls_below_floor_only, kind::sticky},
    {"score_by_process", mutation::score_by_process, kind::hash},
    {"route_names_gone", mutation::route_names_gone, kind::crash},
};

namespace {
struct tally {
    std::uint64_t seeds = 0, failed = 0, first = 0;
    std::map<std::string, std::pair<int, std::uint64_t>> broken; // promise: seeds, the first
    std::map<std::string, std::int64_t> counts;
};
tally run_seeds(kind in, mutation broken, std::uint64_t from, std::uint64_t seeds, bool trace,
                bool stop_at_first) {
    tally all;
    for (auto seed = from; seed < from + seeds; ++seed) {
        world w(seed, in, broken, trace);
        w.go();
        ++all.seeds;
        for (const auto& [name, n] : w.counts) all.counts[name] += n;
        std::set<std::string> promises;
        for (const auto& f : w.faults) promises.insert(f.promise);
        for (const auto& each : promises) {
            auto& [n, first] = all.broken[each];
            if (n++ == 0) first = seed;
        }
        if (promises.empty()) continue;
        if (all.failed++ == 0) all.first = seed;
        if (stop_at_first) break;
    }
    return all;
}
std::string name_of(kind k) {
    for (const auto& [name, each] : kinds) {
        if (each == k) return name;
    }
    return {};
}
void print(const std::string& name, const tally& t) {
    std::cout << name << ": " << t.seeds << " seeds";
    for (const auto& [promise, n] : t.broken)
        std::cout << ", " << promise << " " << n.first << " (seed " << n.second << ")";
    if (t.broken.empty()) std::cout << ", no fault";
    std::cout << "   [";
    for (const auto& [what, n] : t.counts) std::cout << " " << what << "=" << n;
    std::cout << " ]" << std::endl;
}
} // namespace
} // namespace serving

int main(int argc, char** argv) {
    using namespace serving;
    std::uint64_t seeds = 100, from = 1;
    std::optional<std::uint64_t> trace;
    std::optional<kind> only;
    auto broken = mutation::none;
    bool each = false;
    for (int i = 1; i < argc; ++i) {
        const std::string option = argv[i];
        if (option == "--each") {
            each = true;
            continue;
        }
        if (i + 1 == argc) return 2;
        const std::string value = argv[++i];
        bool known = false;
        if (option == "--mutate") {
            for (const auto& m : mutations) {
                if (m.name != value) continue;
                known = true;
                broken = m.what;
                if (!only) only = m.in;
            }
        } else if (option == "--kind") {
            for (const auto& [name, k] : kinds) {
                if (name == value) known = true, only = k;
            }
        } else if (option == "--seeds" || option == "--from" || option == "--trace") {
            known = true;
            const auto n = std::strtoull(value.c_str(), nullptr, 10);
            if (option == "--seeds") seeds = n;
            if (option == "--from") from = n;
            if (option == "--trace") trace = n;
        }
        if (!known) return 2;
    }
    if (each) {
        bool missed = false;
        for (const auto& m : mutations) {
            const auto t = run_seeds(only ? *only : m.in, m.what, from, seeds, false, false);
            print(m.name + " in " + name_of(only ? *only : m.in), t);
            missed = missed || t.failed == 0;
        }
        return missed ? 1 : 0;
    }
    if (trace) from = *trace, seeds = 1;
    bool failed = false;
    for (const auto& [name, k] : kinds) {
        if (only && *only != k) continue;
        const auto t = run_seeds(k, broken, from, seeds, trace.has_value(), broken != mutation::none);
        print(name, t);
        failed = failed || t.failed != 0;
    }
    return failed == (broken != mutation::none) ? 0 : 1;
}
