// The kinds of worlds, and the mutations: each breaks one rule.
#pragma once

#include <string>
#include <vector>

namespace serving {

enum class kind {
    calm,     // joins and leaves
    crash,    // and crashes, restarts under the same name
    burst,    // several joins and leaves at once
    drop,     // keys are dropped and created
    suspend,  // processes stop for up to 2.5 s
    cut,      // links fail both ways, one way, and between islands, for up to 3 s
    triangle, // one link fails for good
    mixed,    // all of these
    stash,    // programs write keys that run
    full,     // members have no room for what others write
    spill,    // leaves without a copy; a successor brings what was left
    poison,   // a key that kills its process, or is refused
    pause,    // a minority pauses
    many,     // more keys than a member may start at once
    hash,     // placement
    sticky,
};

enum class mutation {
    none,
    // claims
    epoch_by_clock,
    withdraws_above,
    claims_unasked,
    named_unapplied,
    gone_by_me_alone,
    final_ignored,
    claims_unsynced,
    // confirmation
    starts_unconfirmed,
    starts_on_tie,
    confirms_up_only,
    confirms_without_joined,
    confirms_without_named,
    confirms_unapplied,
    answers_while_running,
    answers_unapplied,
    checkpoint_unread,
    checkpoint_by_epoch,
    claim_carries_read,
    // stepping back
    never_steps_back,
    takes_while_unheard,
    attempts_uncounted,
    attempts_local,
    // tentative
    missing_own_only,
    missing_forgotten,
    view_of_gone_forgotten,
    return_unasked,
    proof_ignored,
    // full members
    full_waits,
    full_answers_running,
    full_runs_on,
    // values beside a claim
    stash_unread,
    stash_taken_for_checkpoint,
    own_value_claimed,
    // minority
    minority_runs,
    lease_unguarded,
    lease_by_owner_named,
    newborn_votes,
    unapplied_votes,
    mesh_too_small,
    // moves and placement
    releases_before_stop,
    commits_unowned,
    starts_unpaced,
    caps_ignored,
    grants_unchecked,
    grants_above_cap_only,
    pulls_below_floor_only,
    score_by_process,
    route_names_gone,
};

struct rule_case {
    std::string name;
    mutation what;
    kind in; // the worlds in which it shows
};
extern const std::vector<rule_case> mutations;                // main.cpp
extern const std::vector<std::pair<std::string, kind>> kinds; // main.cpp

} // namespace serving
