// view: the mesh as one node sees it: members, who hears whom, syncs with their progress, claims.
//
//     // "40 %, 12 s left", for a console.
//     std::string progress_of(const baton::sync_progress& sync) {
//         auto text = std::to_string(static_cast<int>(100 * sync.done())) + " %";
//         if (const auto left = sync.left()) text += ", " + std::to_string(left->count() / 1000) + " s left";
//         return text;
//     }
//
// Plain values; any thread. monitor::view() returns them.
#pragma once

#include <baton/dot.hpp>
#include <baton/member.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace baton {

/// The two directions between this node and one member.
struct member_link {
    replica_id id{};       ///< the member
    bool hears = false;    ///< this node has heard it within liveness.suspect_after
    bool is_heard = false; ///< it receives what this node sends, by its own report
};

/// Which nodes a member has in view, by its last answer.
struct member_view {
    replica_id id{};               ///< the member
    std::vector<replica_id> named; ///< empty if it has not been asked yet; this node is not among them
};

/// A session that is open: the state, or what somebody has missed, on its way to one node.
struct sync_progress {
    bool receives = false;              ///< this node receives; false: it sends
    replica_id with{};                  ///< the other member; nil: a file of spill_dir
    std::string name;                   ///< its name
    bool compares = false;              ///< by comparing ranges: what will travel is not known before
    std::uint64_t records = 0;          ///< received and checked so far; 0 if this node sends
    std::uint64_t records_expected = 0; ///< about how many will travel; an estimate of the sender
    std::uint64_t bytes = 0;            ///< received or sent so far
    std::uint64_t bytes_expected = 0;   ///< memory of the sender that these records take; 0: not known
    std::chrono::milliseconds since{0}; ///< the begin

    /// The part that is done, from 0 to 1: by records if this node receives, else by bytes.
    [[nodiscard]] double done() const {
        const auto part = [](std::uint64_t of, std::uint64_t all) {
            return all == 0 ? 0.0 : std::min(1.0, static_cast<double>(of) / static_cast<double>(all));
        };
        return receives ? part(records, records_expected) : part(bytes, bytes_expected);
    }
    /// How long the rest will take at the speed so far; nullopt as long as that is not known.
    [[nodiscard]] std::optional<std::chrono::milliseconds> left() const {
        const auto part = done();
        if (part < 0.01) return std::nullopt;
        return std::chrono::duration_cast<std::chrono::milliseconds>(since * ((1 - part) / part));
    }
};

/// A key with an owner, as this node reads it.
struct claimed_key {
    std::string key;    ///< its name
    replica_id owner{}; ///< the owner's run
};

/// A leave of this node that has begun.
struct leave_state {
    std::size_t copies = 0;  ///< staying members that have acknowledged everything
    std::size_t staying = 0; ///< staying members
    bool met = false;        ///< enough of them have
};

/// The mesh as this node sees it. The parts are read one after the other, within a few milliseconds.
struct mesh_view {
    bool ready = false;                 ///< as monitor::is_ready()
    std::optional<leave_state> leaving; ///< nullopt: this node stays
    std::vector<member> members;        ///< as node::members()
    std::vector<member_link> links;     ///< one for each member, by id
    std::vector<member_view> views;     ///< one for each member, by id
    std::vector<sync_progress> syncs;   ///< the one that it receives first
    std::vector<claimed_key> claims;    ///< of all owners, at most view_options::claims_max
    std::size_t claims_known = 0;       ///< how many there are
};

} // namespace baton
