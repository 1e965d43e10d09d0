// expired_removal: removes registers whose time to live is over. Each node hides them by its own monotonic
// clock (in the store). The removal is an event like any other. The member that acts for all writes it some
// time after it has hidden the register itself: by then every node that applied the write in time hides it,
// too.
//
// Pure; owned by a mesh, same thread contract. When to call again: work() while it returns true; tend() with
// every heartbeat; the store knows when the next register expires.
#pragma once

#include "core/writer.hpp"
#include "crdt/store.hpp"
#include "crdt/time.hpp"

#include <cstddef>
#include <cstdint>

namespace baton::core {

class expired_removal {
  public:
    struct limits {
        std::size_t slice = 256;     ///< values that one call looks at
        mesh_clock::duration wait{}; ///< between hiding and removing: clock_skew_max
    };
    expired_removal(store& here, writer& write, limits most)
        : store_(here)
        , writer_(write)
        , limits_(most) {}

    /// `removes`: this node removes expired registers for all.
    void tend(bool removes) { acts_ = store_.has_deadlines() && removes; }
    /// True while there is more to do. `may_write`: this node's cut is not frozen.
    bool work(const moment& at, bool may_write);
    [[nodiscard]] std::uint64_t removed() const { return removed_; }

  private:
    store& store_;
    writer& writer_;
    limits limits_;
    bool acts_ = false;
    std::uint64_t removed_ = 0;
};

} // namespace baton::core
