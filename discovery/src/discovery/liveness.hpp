// liveness: what silence and a closed connection say about one peer.
//
// Pure; a value inside whatever keeps the peer. TCP knows better than a beacon: only traffic on links counts.
#pragma once

#include "crdt/time.hpp"

#include <cstdint>
#include <optional>

namespace baton::discovery {

struct patience {
    mesh_clock::duration suspect_after{}, crashed_after{}, closed_after{};
};

class liveness {
  public:
    enum class verdict : std::uint8_t { alive, suspect, crashed };

    /// Any message from the peer. A closed connection is forgiven only by one that cannot have been under way
    /// when it closed: `fresh` says that this one was sent on a link that is open now.
    void heard(instant now, bool fresh) {
        heard_at_ = now;
        const bool later = closed_at_ && now - *closed_at_ >= under_way_at_most;
        if (fresh || later) closed_at_.reset();
    }
    void closed(instant now) {
        if (!closed_at_) closed_at_ = now;
    }
    [[nodiscard]] bool is_closed() const { return closed_at_.has_value(); }
    [[nodiscard]] verdict judge(instant now, const patience& limits) const;
    /// When judge() may next say something else.
    [[nodiscard]] instant due(instant now, const patience& limits) const;
    /// This process did not run for `pause`: nobody is to blame for that silence.
    void excuse(mesh_clock::duration pause) {
        heard_at_ += pause;
        if (closed_at_) *closed_at_ += pause;
    }

  private:
    static constexpr auto under_way_at_most = std::chrono::milliseconds{200};
    instant heard_at_{};
    std::optional<instant> closed_at_;
};

} // namespace baton::discovery
