// Two nodes that hold the same keys, in the simulator's world (tests/sim), and what a repair between them
// costs: exact and deterministic, under a virtual clock.
//
// One thread. Owns the world. Precondition: more keys than events are lost at a time.
#pragma once

#include "measure.hpp"
#include "sim/world.hpp"

#include <optional>

namespace baton::bench {

struct repair_cost {
    std::uint64_t events = 0;  ///< that were lost
    std::uint64_t origins = 0; ///< in the cut
    double bytes = 0;          ///< of all frames but HELLO, both ways, beyond the keys and values lost
    double trips = 0;          ///< round trips from the first PULL until nothing is missing
};

class repair_world {
  public:
    /// A and B hold `keys` keys, and each has written: two origins.
    explicit repair_world(std::uint64_t keys);
    /// More members, which write once each. They are told nothing of the keys: only their names in the cuts
    /// matter.
    void join_others(std::size_t count);
    /// B hears nothing of A's while A overwrites so many of the keys; then it finds out by the next
    /// heartbeat.
    repair_cost lose(std::uint64_t events);

  private:
    bool passes(sim::process_number from, sim::process_number to, sim::channel on, std::string_view bytes);
    [[nodiscard]] crdt::moment at() const;
    void put(sim::process_number who, std::uint64_t key, std::uint64_t value);
    void work();
    void settle();

    std::uint64_t keys_, version_ = 0;
    payload data_;
    bool deaf_ = false;
    std::uint64_t bytes_ = 0;
    std::optional<crdt::instant> pulled_at_;
    sim::world world_;
};

} // namespace baton::bench
