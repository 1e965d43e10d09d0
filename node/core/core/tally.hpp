// tally: counters of this node that no machine keeps itself, and the number of refusals by reason.
//
// Owned by a mesh, same thread contract. Reasons are literals, so the table is bounded by the code.
#pragma once

#include "core/io.hpp"

#include <baton/stats.hpp>

#include <cstdint>
#include <map>
#include <string_view>

namespace baton::core {

class tally {
  public:
    node_stats counters;

    // --- refusals ---
    /// Refuses a frame.
    verdict refuse_frame(const char* reason) {
        note_refused_frame(reason);
        return {reason};
    }
    /// Counts a frame that has already been refused.
    void note_refused_frame(std::string_view reason) {
        ++counters.refused_frames;
        note(reason);
    }
    /// Refuses a beacon or an introduction.
    verdict refuse_beacon(const char* reason) {
        ++counters.refused_beacons;
        note(reason);
        return {reason};
    }
    /// Counts the verdict of a machine that does not count refusals itself.
    verdict counted(verdict of) { return of ? of : refuse_frame(of.refused); }
    /// Counts a reason that is not a frame's.
    void note(std::string_view reason) { ++by_reason_[reason]; }
    [[nodiscard]] const std::map<std::string_view, std::uint64_t>& by_reason() const { return by_reason_; }

  private:
    std::map<std::string_view, std::uint64_t> by_reason_;
};

} // namespace baton::core
