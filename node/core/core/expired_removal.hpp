// expired_removal: registers with a time to live. Hiding one is each node's own affair, by its own monotonic
// clock (the store's); removing it is an event like any other, written by the member that acts for all, a
// while after it was hidden there: by then it is hidden wherever it was applied in time.
//
// Pure; owned by a mesh, same thread contract. When to call again: work() while it says true; tend() with
// every heartbeat; the store says when the next register is over.
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

    /// `removes`: what is over is this node's to remove.
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
