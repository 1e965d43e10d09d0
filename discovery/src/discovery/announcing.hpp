// announcing: decides when a node sends its beacon. Often at its start, then less often the longer nothing
// changes and the more other nodes it hears. So the number of beacons on a LAN hardly grows with the mesh.
//
// Pure; a value inside the sender. Time and random numbers are arguments. When to call again: next() at
// due().
// Source: the Trickle algorithm, RFC 6206 (Levis et al. 2011): each interval has one random moment in its
// second half; the beacon that is due then is left out if enough others have sent the same; the interval
// doubles while nothing is new. The first moments, and an answer that waits in case another node makes it
// unnecessary, are as in multicast DNS, RFC 6762, 6 and 8.3.
#pragma once

#include "crdt/time.hpp"

#include <cstdint>
#include <optional>

namespace baton::discovery {

struct announcing_pace {
    mesh_clock::duration first{std::chrono::milliseconds(40)}; ///< interval at the start, doubled from there
    mesh_clock::duration usual{std::chrono::seconds(1)};
    unsigned quiet_factor = 4; ///< an interval is at most this many times the usual one
    mesh_clock::duration quiet_after{std::chrono::seconds(10)};
    unsigned enough = 8; ///< so many others heard in an interval make this node's beacon unnecessary
};

class announcing {
  public:
    enum class verdict : std::uint8_t { nothing, send, leave_out };

    announcing() = default;
    announcing(const announcing_pace& pace, instant now)
        : pace_(pace) {
        restart(now);
    }
    /// The node is new here: at the start, or with a new address. It is announced at once, and several times.
    void restart(instant now);
    /// A member has come or gone: back to the usual interval.
    void news(instant now);
    /// Another member has been heard, by a beacon not counted yet.
    void heard() { ++heard_; }
    /// Another node may not know of this one: send a beacon by `when`, unless it has become unnecessary.
    void answer_by(instant when) {
        if (!answer_at_ || *answer_at_ > when) answer_at_ = when;
    }
    void spare_answer() { answer_at_.reset(); }

    /// What is due at `now`. `chance`: a new random number for every call. `alone`: no member is up, so
    /// silence does not mean that nothing changes.
    verdict next(instant now, std::uint64_t chance, bool alone);
    [[nodiscard]] instant due() const;

  private:
    void begin(instant now, std::uint64_t chance);

    announcing_pace pace_{};
    mesh_clock::duration interval_{};
    instant begun_{}, send_at_{}, news_at_{}, sent_at_{};
    std::optional<instant> answer_at_;
    unsigned heard_ = 0;
    bool fresh_ = true; ///< the first moment has not come yet
    bool done_ = false; ///< the moment of this interval is over
};

} // namespace baton::discovery
