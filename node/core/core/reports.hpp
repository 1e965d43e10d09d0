// reports: what members report that they hold: cuts, archives and digests, kept in their holdings; and what
// follows from that here: whether this node lacks something, and whether equal cuts have equal digests.
//
// Pure; owned by a mesh, same thread contract. Of ids that nobody here knows, limits.unknown_ids_max of a
// member are kept. A lack is noted in the peer's pull_record; when to call again: by then, whoever pulls.
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

    /// Joins what a member reports into what it is known to have seen. The cut that is kept of it:
    /// `reported`, or `room` if some of it was left out. O(origins).
    const cut& learn(peer& p, const cut& reported, cut& room);
    /// A whole standing. What is missing here is asked for after `grace`. O(origins).
    void learn_standing(const replica_id& id, peer& p, const wire::standing& s, mesh_clock::duration grace,
                        outbox& out);
    /// A member whose standing is, by its hash, this node's `own`. `state_low`: of its digest; 0: not said.
    void learn_same(const replica_id& id, peer& p, const wire::standing& own, std::uint64_t state_low,
                    outbox& out);
    /// If a member holds what this node lacks, that is asked for after `grace`. O(origins).
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
