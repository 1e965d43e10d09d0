// agreement: how many of this node's own events one other member has applied. They count only once everything
// that the member held at that moment is applied here, too.
//
// If a claim of this node is among these events, this node knows every rival claim of that member: the
// member's earlier claims are here, and its later claims have seen this one.
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
        // The first report is covered soonest, the last one covers most: two are enough.
        (reports_[0].empty() ? reports_[0] : reports_[1]) = whole;
    }
    /// Call when the cut here has grown. O(origins), or O(1) while no report waits.
    void look(const store& here) {
        while (!reports_[0].empty() && here.covers(reports_[0])) {
            raise(reports_[0].of(here.self()));
            reports_[0] = std::move(reports_[1]);
            reports_[1] = {};
        }
    }
    /// The member went out of view: since then it may have claimed anything.
    void reset() { *this = {}; }
    [[nodiscard]] std::uint64_t through() const { return through_; }

  private:
    void raise(std::uint64_t own) { through_ = std::max(through_, own); }

    std::uint64_t through_ = 0;
    std::array<cut, 2> reports_; ///< not covered here yet
};

} // namespace baton::core
