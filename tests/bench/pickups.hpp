// Reads at a steady rate, whatever happens: a random existing key every 100 µs, timed from when it was due
// and not from when it began, so that a read that is held up makes those behind it late as well.
//
// Owns its thread, which calls pickup only. Source: open-loop load against coordinated omission, Tene, "How
// NOT to Measure Latency", 2013.
#pragma once

#include <baton/node.hpp>

#include <cstdint>
#include <thread>
#include <vector>

namespace baton::bench {

class pickups {
  public:
    /// Begins. `self` outlives this and holds the keys 0 … keys - 1 of payload.
    pickups(const node& self, std::uint64_t keys);
    struct latencies {
        std::vector<double> from_due, from_begin; ///< ns
    };
    /// Stops, and returns those that were due in [from, to]. Throws when a key was not found.
    latencies end(std::int64_t from, std::int64_t to);

  private:
    struct sample {
        std::int64_t due, begin, end;
    };
    std::vector<sample> samples_;
    bool missed_ = false;
    std::jthread thread_;
};

} // namespace baton::bench
