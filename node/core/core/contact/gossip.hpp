// gossip: what members report of one another: addresses of members that are up, to whoever comes up, and in
// rounds to one member after another. What was lost or out of reach is made up for by the rounds.
//
// Pure; owned by a mesh, same thread contract. Bounded by wire::peers_told_max members a frame. When to call
// again: exchange() with the timers.
// Source: members are told in rounds to partners in turn, as in SWIM (Das et al. 2002, 4.3).
#pragma once

#include "core/courier.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "core/schedule.hpp"

#include <cstdint>
#include <random>

namespace baton::core {

class gossip {
  public:
    gossip(const mesh_options& settings, membership& members, courier& mail, std::mt19937_64& random,
           schedule& time)
        : settings_(settings)
        , members_(members)
        , mail_(mail)
        , random_(random)
        , time_(time)
        , tell_at_(time.now()) {}

    /// Sends one member what this node knows of others, as far as a frame holds; the next call goes on there.
    /// O(peers).
    void tell(const replica_id& id, peer& p, outbox& out);
    /// One round, when it is due. Rounds get less frequent while nothing is new.
    void exchange(outbox& out);
    /// A member is new: rounds are frequent again.
    void hurry();
    /// How many members have been reported to others.
    [[nodiscard]] std::uint64_t told() const { return told_count_; }

  private:
    const mesh_options& settings_;
    membership& members_;
    courier& mail_;
    std::mt19937_64& random_;
    schedule& time_;
    instant tell_at_;
    mesh_clock::duration tell_every_{};
    replica_id told_last_{}, told_to_{}; ///< where the rounds are: of whom, and to whom
    std::uint64_t told_count_ = 0;
};

} // namespace baton::core
