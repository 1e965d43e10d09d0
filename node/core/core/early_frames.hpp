// early_frames: DELTA frames that came before something they depend on, by origin, in order of their
// counters.
//
// Pure; owned by a mesh, same thread contract. Bounded in bytes over all origins. Where there is no more room
// the origin that holds most gives up its first frame, which a repair brings first anyway: so a flood of one
// origin takes nobody else's room.
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
    /// What decides whether its turn has come stands beside the bytes, so that they are seldom decoded.
    struct frame {
        std::uint64_t first, last;  ///< counters of its events
        std::optional<dot> missing; ///< one that it depends on; nullopt: the bytes have to be looked into
        std::string bytes;
    };
    enum class fate : std::uint8_t {
        waits, ///< stays where it is, and so does what comes after it
        stale, ///< goes; what comes after it is looked at
        ready, ///< has been taken out of its frame; what comes after it stays
    };

    explicit early_frames(std::size_t bytes_max)
        : bytes_max_(bytes_max) {}
    /// One that is here already is not kept twice. O(frames of the origin + origins for each one dropped).
    void keep(const replica_id& origin, frame early);
    /// Asks `judge(origin, frame&)` about the first frames of each origin. O(origins + frames that go).
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
