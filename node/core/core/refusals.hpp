// refusals: what this node has turned away, counted by the reason.
//
// Owned by a mesh, same thread contract. Reasons are literals, so the table is bounded by the code.
#pragma once

#include "core/io.hpp"

#include <baton/stats.hpp>

#include <cstdint>
#include <map>
#include <string_view>

namespace baton::core {

class refusals {
  public:
    explicit refusals(node_stats& counters)
        : counters_(counters) {}

    /// Turns a frame away.
    verdict frame(const char* reason) {
        ++counters_.refused_frames;
        ++by_reason_[reason];
        return {reason};
    }
    /// Turns a beacon or an introduction away.
    verdict beacon(const char* reason) {
        ++counters_.refused_beacons;
        ++by_reason_[reason];
        return {reason};
    }
    /// Counts the verdict of a machine that does not count.
    verdict counted(verdict of) { return of ? of : frame(of.refused); }
    /// The count of a reason that is not a frame's.
    std::uint64_t& operator[](std::string_view reason) { return by_reason_[reason]; }
    [[nodiscard]] const std::map<std::string_view, std::uint64_t>& by_reason() const { return by_reason_; }

  private:
    node_stats& counters_;
    std::map<std::string_view, std::uint64_t> by_reason_;
};

} // namespace baton::core
