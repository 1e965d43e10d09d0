// redialler: tries to reach crashed members again, so that a cut heals by itself even after hours, at little
// cost. For a minute the link stays; after that crashed members are tried in turn (redialling.hpp).
//
// Pure; owned by a mesh, same thread contract. When to call again: tend() with the timers.
#pragma once

#include "core/contact/introducer.hpp"
#include "core/contact/link_table.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/redialling.hpp"
#include "core/schedule.hpp"

#include <cstdint>
#include <random>
#include <string>

namespace baton::core {

class redialler {
  public:
    redialler(membership& members, link_table& links, const introducer& keys, std::mt19937_64& random,
              schedule& time)
        : members_(members)
        , links_(links)
        , keys_(keys)
        , random_(random)
        , time_(time) {}

    /// Gives up links, and knocks. Returns the crashed member to probe by a datagram now; nullptr: none.
    /// O(peers), at most five times a second while a member is crashed.
    [[nodiscard]] peer* tend(outbox& out);
    /// The answer to a knock at a member.
    void knocked(const core::knocked& in, outbox& out);
    /// There is a sign of a crashed member at `endpoint`: it has answered, or another member reports that it
    /// lives. Dials it, but not often, since a report may be a lie.
    void revive(const replica_id& id, peer& p, const std::string& endpoint, outbox& out);
    [[nodiscard]] std::uint64_t knocks() const { return knocks_; }

  private:
    void judge_link(const replica_id& id, peer& p, outbox& out);

    membership& members_;
    link_table& links_;
    const introducer& keys_;
    std::mt19937_64& random_;
    schedule& time_;
    redialling pace_;
    std::uint64_t knocks_ = 0;
};

} // namespace baton::core
