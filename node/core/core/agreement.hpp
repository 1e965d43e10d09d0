// agreement: how many of this node's own events one other member has applied, counted only once everything
// that the member held at that moment is applied here too.
//
// A claim of this node that is under it has no rival of that member that this node does not know: what the
// member claimed before is here, and what it claims later has seen this claim.
//
// A value; owned by a peer; same thread contract as the mesh.
#pragma once

#include "crdt/store.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace baton::core {

class agreement {
  public:
    /// The member has reported its whole cut. O(origins).
    void report(const cut& whole, const store& here) {
        const auto own = whole.of(here.self());
        if (own <= through_) return;
        if (here.covers(whole)) return raise(own);
        // The first one is covered soonest, the last one says most: two are enough.
        (reports_[0].empty() ? reports_[0] : reports_[1]) = whole;
    }
    /// The cut here has grown. O(origins), or nothing while no report waits.
    void look(const store& here) {
        while (!reports_[0].empty() && here.covers(reports_[0])) {
            raise(reports_[0].of(here.self()));
            reports_[0] = std::move(reports_[1]);
            reports_[1] = {};
        }
    }
    /// The member went out of view: it may have decided anything since.
    void reset() { *this = {}; }
    [[nodiscard]] std::uint64_t through() const { return through_; }

  private:
    void raise(std::uint64_t own) { through_ = std::max(through_, own); }

    std::uint64_t through_ = 0;
    std::array<cut, 2> reports_; ///< not covered here yet
};

} // namespace baton::core
