// packer: decides when a write is sent. On an idle wire a write goes at once. Writes in a burst are packed
// for a moment, since each frame costs system calls, switches of threads, and a wake-up on every receiver. A
// write waits for at most pack_for_max, and for longer than pack_for_min only in a burst that has lasted as
// long.
//
// note_write: any thread. The rest: the I/O thread.
#pragma once

#include "crdt/time.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace baton::shell {

class packer {
  public:
    static constexpr std::chrono::nanoseconds pack_for_min = std::chrono::microseconds{100};
    static constexpr std::chrono::nanoseconds pack_for_max = std::chrono::milliseconds{1};
    static constexpr std::size_t worth_bytes = std::size_t{8} << 10; ///< a frame that is worth packing for
    static constexpr std::chrono::nanoseconds burst_gap = std::chrono::microseconds{20};

    /// Whether the write follows closely on another one. On the path of every write: plain loads and stores
    /// of hints, and no store if nothing changes.
    bool note_write(instant at) {
        const auto time = at.time_since_epoch().count();
        const bool burst = time - last_write_.load(std::memory_order_relaxed) < burst_gap.count();
        last_write_.store(time, std::memory_order_relaxed);
        if (burst != burst_.load(std::memory_order_relaxed)) burst_.store(burst, std::memory_order_relaxed);
        return burst;
    }
    /// Unsent writes wait until `until()`.
    [[nodiscard]] bool is_packing(instant now) const { return burst_ && now < until_; }
    [[nodiscard]] instant until() const { return until_; }
    /// So many bytes were packed and are sent now. The time of packing grows as long as it fills frames.
    void sent(instant now, std::size_t bytes) {
        pack_for_ =
            std::clamp(bytes >= worth_bytes ? 2 * pack_for_ : pack_for_ / 2, pack_for_min, pack_for_max);
        until_ = now + pack_for_;
    }

  private:
    std::atomic<bool> burst_{false};
    std::atomic<std::int64_t> last_write_{0};
    mesh_clock::duration pack_for_{};
    instant until_{};
};

} // namespace baton::shell
