// reports: keeps the cuts, archives and digests that members report, in their `holdings`. Decides whether
// this node lacks something, and whether equal cuts have equal digests.
//
// Pure; owned by a mesh, same thread contract. Keeps at most limits.unknown_ids_max unknown ids per member.
// If this node lacks something, the peer's pull_record notes when to ask; session_receiver reads it.
#pragma once

#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "core/schedule.hpp"
#include "crdt/store.hpp"
#include "wire/frame.hpp"

#include <baton/stats.hpp>

#include <string>

namespace baton::core {

class reports {
  public:
    reports(const mesh_options& settings, const store& here, membership& members, schedule& time,
            node_stats& counters)
        : settings_(settings)
        , store_(here)
        , members_(members)
        , time_(time)
        , counters_(counters) {}

    /// Joins a member's report into what it is known to have seen. Returns the cut that is kept of it:
    /// `reported`, or `room` if some of it was left out. O(origins).
    const cut& learn(peer& p, const cut& reported, cut& room);
    /// A whole standing. This node asks for what it lacks after `grace`. O(origins).
    void learn_standing(const replica_id& id, peer& p, const wire::standing& s, mesh_clock::duration grace,
                        outbox& out);
    /// A member whose standing equals this node's `own`, by its hash. `state_low`: the low half of its
    /// digest; 0: not reported.
    void learn_same(const replica_id& id, peer& p, const wire::standing& own, std::uint64_t state_low,
                    outbox& out);
    /// If a member holds what this node lacks, this node asks for it after `grace`. O(origins).
    void note_lack(peer& p, mesh_clock::duration grace);

  private:
    void compare_digests(const replica_id& id, peer& p, bool equal, outbox& out, const std::string& both);

    const mesh_options& settings_;
    const store& store_;
    membership& members_;
    schedule& time_;
    node_stats& counters_;
};

} // namespace baton::core
