// Deliberate breakage, one rule at a time, so that tests can show that they would notice (tests/sim).
// Nothing but a test ever sets one; every check is off the hot path.
#pragma once

#include "crdt/plain_names.hpp"

#include <cstdint>

namespace baton::crdt {

enum class mutation : std::uint8_t {
    none,
    i2_skip_causal_check,     ///< apply a delta without looking at its dependencies
    i3_claim_partial_session, ///< join the server's cut when the first chunk arrives
    i4_serve_staged,          ///< make a session's records visible as they arrive
    i5_drop_losers,           ///< keep only the last writer at a merge
    i6_reuse_replica,         ///< restart under the old id, counting from 1 again (kept by the simulator)
    i7_drop_unstable,         ///< drop removal records without waiting for anybody
    i7_forget_open_sessions,  ///< drop what a session under way has yet to carry, and do not look at its
                              ///< COMMIT
    full_holds_back,          ///< wait for a full member before anything is forgotten
    i8_skip_floor_check,      ///< serve whoever is below the floor by walking the logs
    i8_absence_by_commit,     ///< judge what is absent by the cut of the COMMIT instead of the listing's
    i8_trust_cache,           ///< take over what another server had sent without asking the new one
    i9_ignore_archive,        ///< a receiver does not join the server's archive
    i9_rewrite_origin,        ///< give the records of an archived origin to the one that archives it
    closed_by_silence,        ///< take an origin that is silent for one that has said goodbye
    counter_drops_residue,    ///< forget at once what was removed of a counter
    claim_stash_kills,        ///< a put replaces what somebody else has claimed
    claim_above_own_clock,    ///< a claim's epoch is above its writer's clock, too
    claim_trusts_view,        ///< a claim is not tentative while all members are up, whatever they know of it
    lease_ignores_time,       ///< only a timer ends a lease
    release_unasked,          ///< release for an owner that is gone without asking what others hold of it
    withdraw_above,           ///< give a claim that nobody may know of up as if it had been held
    merge_skips_kills,        ///< a repair adds records but never removes any
    commit_past_settled,      ///< commit at the present cut after sending large values as of another
    waiting_outlives_next,    ///< send a large value that waited after what has taken its place
    commit_without_tail,      ///< commit at the cut of the end without what changed during the walk
    ack_before_applying,      ///< acknowledge a delta when it arrives
    ack_counts_delivery,      ///< take what has been sent to a member for held by it
    ack_counts_leaving,       ///< let one that leaves count as a holder of a write
    leave_counts_leaving,     ///< let one that leaves count as an heir
    absent_by_local_view,     ///< call a key absent without asking anybody
    absent_without_words,     ///< do not heed whom members name
    absent_with_unread_spill, ///< answer as if every file that was found had been read
    newest_version_to_all,    ///< speak on PUB what not everybody reads
    retry_undercut,           ///< pull again as soon as anything says that something is missing
    strangers_ignored,        ///< do not ask who has been forgotten here to greet again
    met_without_folded,       ///< a leave does not count what is still being folded in
    type_by_folded_only,      ///< look at a key's types before all are folded in
    walk_ignored,             ///< take chunks of whatever walk of the server for one session
    spill_claims_partial,     ///< claim the cut of a damaged spill as if all of it were there
    synced_at_once,           ///< call a node synced when it has met a member
    unsafe_names_none,        ///< name no key that a leave has handed to nobody
    met_without_copies,       ///< call a leave met when nobody has acknowledged it
    removals_stay,            ///< keep removal records that everybody has seen
    archive_never,            ///< keep origins that are gone in the cut
    suspect_again,            ///< report a suspect each time it is looked at
    redial_at_once,           ///< dial a suspect again each time it is looked at
    states_again,             ///< send each chunk of a session a hundred times
};

} // namespace baton::crdt
