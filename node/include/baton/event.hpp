// event: what node::next_event() reports of members, keys and this node.
//
//     // One line for a log, and whether an operator has to look.
//     std::string line_of(const baton::event& happened) {
//         return std::string(to_string(happened.kind)) + ' ' + happened.name + ' ' + happened.reason;
//     }
//     bool is_alarming(const baton::event& happened) {
//         return happened.kind == baton::event_kind::full || happened.kind == baton::event_kind::failed ||
//                happened.kind == baton::event_kind::diverged;
//     }
//
// Plain values; any thread.
#pragma once

#include <baton/api.hpp>
#include <baton/dot.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace baton {

/// What an event reports.
enum class event_kind : std::uint8_t {
    joined,  ///< a member is up
    synced,  ///< this node now holds everything that the member held when it joined; it says nothing about
             ///< what the member holds
    suspect, ///< a member is silent for liveness.suspect_after, or its connection closed
    up,      ///< a suspect is heard again; no `joined` follows, since it never stopped being a member
    leaving, ///< a member has announced that it leaves; with the id of this node: a client has made it leave
    left,    ///< a member has left in order
    crashed, ///< a member is gone without a leave
    restarted, ///< a new incarnation answers at a member's address; its own `joined` follows
    refused,   ///< a node was refused; `reason` says why. If its beacon could not be authenticated, `name` is
               ///< its address and `id` is nil
    name_conflict, ///< two living nodes have this name; `id` is the one that came, or was found, later
    clock_skew,    ///< a peer's clock is further ahead than options::clock_skew_max
    diverged,      ///< equal cuts have different digests: a fault in baton, which repairs it; please report
    full,          ///< this node has reached limits.bytes_max and applies nothing until it has room
    conflict,      ///< a write of another node gave a register or field siblings; `key` names it
    claim_lost,    ///< a claim of this node has ended otherwise than by its handle; `key` names it, `id` the
                   ///< node whose value is read now
    recovered,     ///< `count` values of a damaged spill are back as new writes; the file is renamed and kept
    dropped,       ///< the program did not read events in time, and `count` of them are lost
    failed,  ///< this node's I/O thread has ended by the fault `reason`: the node writes and receives nothing
             ///< more. Its state stays readable, and is in a spill if one could be written
    one_way, ///< this node hears a node that it cannot reach, or that does not hear it; `reason` says which.
             ///< While this lasts, that node is `suspect` or `contacting`, and is no copy of anything
};
/// The name of the kind as scripts see it, for example "joined". Valid for ever.
[[nodiscard]] BATON_API std::string_view to_string(event_kind kind);

/// One report about the mesh or this node; node::next_event returns them.
struct event {
    event_kind kind{};       ///< what happened
    replica_id id{};         ///< the member's incarnation
    std::string name;        ///< the member's name
    std::string reason;      ///< a short phrase
    std::uint64_t count = 0; ///< with `dropped` and `recovered`: how many; with `conflict`: siblings

    /// With `claim_lost` and `conflict`: the key. In a second, at most 256 conflicts name a key, each key
    /// once; one event without a key counts the others in `count`.
    std::string key{};
};

} // namespace baton
