// holder_waits: callbacks to call when enough members hold a write, or when the time to wait is over.
//
// Owned by an io_thread: add() and take_over() under its lock; any() from any thread, as a hint.
#pragma once

#include "core/mesh.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <vector>

namespace baton::shell {

class holder_waits {
  public:
    struct wait {
        core::proof wanted;
        std::uint64_t ticket = 0; ///< of mesh::await_holders, given back when it is over
        instant since{}, until{};
        std::function<void(const core::ack_count&)> done;
    };
    /// A callback, to be called without the lock.
    struct finished {
        std::function<void(const core::ack_count&)> done;
        core::ack_count held;
    };

    void add(wait what) {
        waits_.push_back(std::move(what));
        some_ = true;
    }
    [[nodiscard]] bool any() const { return some_.load(std::memory_order_relaxed); }
    /// Takes out the waits that are met or over, or `all`. Lowers `again_at` to the next end of a wait, if
    /// that is earlier.
    std::vector<finished> take_over(core::mesh& mesh, instant now, bool all, instant& again_at);

    /// How long the waits took that were met, those of blocking calls included. Under the lock.
    time_histogram met;

  private:
    std::list<wait> waits_;
    std::atomic<bool> some_{false};
};

} // namespace baton::shell
