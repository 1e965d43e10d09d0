// event: what node::next_event() reports of members, keys and this node.
//
// Plain values; any thread.
#pragma once

#include <baton/dot.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace baton {

enum class event_kind : std::uint8_t {
    joined,    ///< a member is up
    synced,    ///< this node now holds everything that member held when it joined; says nothing of what that
               ///< member holds, which for a newcomer is nothing
    suspect,   ///< silent for liveness.suspect_after, or its connection closed
    up,        ///< a suspect has been heard again; no `joined` follows, as it was a member all the time
    leaving,   ///< a member has announced that it leaves
    left,      ///< a member said goodbye
    crashed,   ///< a member is gone without a word
    restarted, ///< a member's address now answers as a new incarnation, which joins by itself
    refused,   ///< a node was turned away; the reason names why. Of one whose beacon cannot be opened, for
               ///< want of a key, nothing but the address is known: that is the `name`, and `id` is nil
    name_conflict, ///< two nodes that both live have this name; `id` is the one that came later, or was found
                   ///< later
    clock_skew,    ///< a peer's clock is further ahead than options::clock_skew_max
    diverged,      ///< equal cuts with different digests: a fault in baton, please report; repaired by union
    full,          ///< this node has reached limits.bytes_max and takes nothing more until there is room
    conflict,   ///< a register or field has come to have siblings, by what came from others; `key` names it
    claim_lost, ///< a claim of this node has ended otherwise than by its handle; `key` names it, `id` who is
                ///< read
    recovered,  ///< `count` values of a damaged spill have returned as new writes; its file is kept aside
    dropped,    ///< events were lost because nobody read them; `count` says how many
    failed,     ///< this node's I/O thread has ended by a fault, which `reason` names: nothing is written or
                ///< received any more; what is there stays readable, and has been spilled if it could be
    one_way, ///< a node is heard that this node cannot reach, or that does not hear this one; `reason` says
             ///< which. It is no copy of anything, and `suspect` or `contacting` for as long as that is so
};
[[nodiscard]] std::string_view to_string(event_kind kind);

struct event {
    event_kind kind{};
    replica_id id{};         ///< the member's incarnation
    std::string name;        ///< the member's name
    std::string reason;      ///< a short phrase
    std::uint64_t count = 0; ///< with `dropped` and `recovered`; of a `conflict` the siblings there are
    /// With `claim_lost` and `conflict`. Of conflicts a key is named at most once a second, and 256 keys are;
    /// of the rest comes one event without a key whose `count` says how many there were.
    std::string key{};
};

} // namespace baton
