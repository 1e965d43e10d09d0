// Deliberate faults: each breaks one rule, so that tests can show that they notice it (tests/sim). Only tests
// set one; every check is off the hot path.
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
    i7_drop_unstable,         ///< drop removal records without waiting for members
    i7_forget_open_sessions,  ///< drop what a session under way has yet to carry, and do not look at its
                              ///< COMMIT
    full_holds_back,          ///< wait for a full member before anything is forgotten
    i8_skip_floor_check,      ///< serve a receiver below the floor by walking the logs
    i8_absence_by_commit,     ///< judge what is absent by the cut of the COMMIT instead of the listing's
    i8_trust_cache,           ///< take over what another server had sent without asking the new one
    i9_ignore_archive,        ///< a receiver does not join the server's archive
    i9_rewrite_origin,        ///< give the records of an archived origin to the one that archives it
    closed_by_silence,        ///< treat a silent origin as one that has said goodbye
    counter_drops_residue,    ///< forget residues of counters at once
    claim_stash_kills,        ///< a put replaces a value that another node has claimed
    claim_above_own_clock,    ///< a claim's epoch is above its writer's clock, too
    claim_trusts_view,        ///< a claim is not tentative while all members are up, whatever they know of it
    lease_ignores_time,       ///< only a timer ends a lease
    release_unasked,          ///< release for a gone owner without asking what members hold of it
    withdraw_above,           ///< release a claim that no member may know as if it had been held
    merge_skips_kills,        ///< a repair adds records but never removes any
    commit_past_settled,      ///< commit at the present cut after sending large values as of another
    waiting_outlives_next,    ///< send a large value that waited after the value that replaced it
    commit_without_tail,      ///< commit at the cut of the end without what changed during the walk
    ack_before_applying,      ///< acknowledge a delta when it arrives
    ack_counts_delivery,      ///< count what was sent to a member as held by it
    ack_counts_leaving,       ///< count a leaving member as a holder of a write
    leave_counts_leaving,     ///< count a leaving member as a copy for a leave
    absent_by_local_view,     ///< call a key absent without asking members
    absent_without_words,     ///< ignore the nodes that members name
    absent_with_unread_spill, ///< answer as if every found file had been read
    newest_version_to_all,    ///< use a version on PUB that not all members read
    retry_undercut,           ///< pull again at once on any sign of missing events
    strangers_ignored,        ///< do not ask a forgotten node to greet again
    met_without_folded,       ///< a leave does not count what is still being folded in
    type_by_folded_only,      ///< look at a key's types before all are folded in
    walk_ignored,             ///< take chunks of any walk of the server as one session
    spill_claims_partial,     ///< claim the cut of a damaged spill as if it were complete
    synced_at_once,           ///< call a node synced when it has met a member
    unsafe_names_none,        ///< do not name keys that no member has taken over at a leave
    met_without_copies,       ///< call a leave met without an acknowledgement
    removals_stay,            ///< keep removal records that every member has seen
    archive_never,            ///< keep origins that are gone in the cut
    suspect_again,            ///< report a suspect each time it is looked at
    redial_at_once,           ///< dial a suspect again each time it is looked at
    states_again,             ///< send each chunk of a session a hundred times
};

} // namespace baton::crdt
