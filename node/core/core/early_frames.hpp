// early_frames: DELTA frames that arrived before an event that they depend on, by origin, in the order of
// their counters.
//
// Pure; owned by a mesh, same thread contract. Bounded in bytes over all origins. If there is no more room,
// the origin that holds most drops its first frame, which is the first that a repair brings. So a flood of
// one origin does not take the room of others.
#pragma once

#include <baton/dot.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace baton::core {

class early_frames {
  public:
    /// The fields that decide whether its turn has come are stored next to the bytes, so that the bytes are
    /// seldom decoded.
    struct frame {
        std::uint64_t first, last;  ///< counters of its events
        std::optional<dot> missing; ///< an event that it depends on; nullopt: decode the bytes to find one
        std::string bytes;
    };
    enum class fate : std::uint8_t {
        waits, ///< it stays, and so do the frames after it
        stale, ///< it is dropped, and the next frame is looked at
        ready, ///< its bytes have been moved out; the frames after it stay
    };

    explicit early_frames(std::size_t bytes_max)
        : bytes_max_(bytes_max) {}
    /// Keeps a frame once, even if it arrives twice. O(frames of the origin + origins for each dropped
    /// frame).
    void keep(const replica_id& origin, frame early);
    /// Asks `judge(origin, frame&)` about the first frames of each origin. O(origins + removed frames).
    template <class Judge>
    void each_first(Judge judge);
    void drop(const replica_id& origin);
    void clear();
    [[nodiscard]] bool empty() const { return queues_.empty(); }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    [[nodiscard]] std::size_t count(const replica_id& origin) const;

  private:
    struct queue {
        std::deque<frame> frames;
        std::size_t bytes = 0;
    };
    void shed();
    std::map<replica_id, queue> queues_; ///< none is empty
    std::size_t bytes_ = 0, bytes_max_;
};

template <class Judge>
void early_frames::each_first(Judge judge) {
    for (auto at = queues_.begin(); at != queues_.end();) {
        auto& [origin, waiting] = *at;
        auto outcome = fate::stale;
        while (outcome == fate::stale && !waiting.frames.empty()) {
            auto& first = waiting.frames.front();
            const auto size = first.bytes.size();
            outcome = judge(origin, first);
            if (outcome == fate::waits) break;
            waiting.bytes -= size;
            bytes_ -= size;
            waiting.frames.pop_front();
        }
        at = waiting.frames.empty() ? queues_.erase(at) : std::next(at);
    }
}

} // namespace baton::core
