// gossip: exchanges with members the addresses of members that are up: with each node that comes up, and in
// rounds with one member after another. The rounds repeat what was lost or out of reach.
//
// Pure; owned by a mesh, same thread contract. Bounded by wire::peers_told_max members a frame. When to call
// again: exchange() with the timers.
// Source: reports go in rounds to one partner after another, as in SWIM (Das et al. 2002, 4.3).
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

    /// Sends one member what this node knows of others, up to one frame; the next call continues there.
    /// O(peers).
    void tell(const replica_id& id, peer& p, outbox& out);
    /// Runs one round if it is due. Rounds become less frequent while nothing changes.
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
    replica_id told_last_{},
        told_to_{}; ///< where the rounds are: the last node reported, and the last receiver
    std::uint64_t told_count_ = 0;
};

} // namespace baton::core
