// liveness: what silence and a closed connection show about one peer.
//
// Pure; a value inside the record of a peer. Traffic on links and answers to probes count; beacons do not.
// Before a death the report of another member counts, too. Source of the last: SWIM (Das, Gupta, Motivala
// 2002), indirect probes.
#pragma once

#include "crdt/time.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace baton::discovery {

struct patience {
    mesh_clock::duration suspect_after{}, crashed_after{}, closed_after{};
};

class liveness {
  public:
    enum class verdict : std::uint8_t { alive, suspect, crashed };

    /// Any message from the peer. After a closed connection only a message that cannot have been under way at
    /// that time counts: `fresh` means that it came on a link that is open now.
    void heard(instant now, bool fresh) {
        heard_at_ = now;
        const bool later = closed_at_ && now - *closed_at_ >= under_way_at_most;
        if (fresh || later) closed_at_.reset(), ended_at_.reset();
    }
    /// A connection that had worked has closed: what others heard before that does not count any more.
    void closed(instant now) {
        unreachable(now);
        if (!ended_at_) ended_at_ = now;
    }
    /// No connection to it opens. The path may be broken, not the peer: reports of others still count.
    void unreachable(instant now) {
        if (!closed_at_) closed_at_ = now;
    }
    [[nodiscard]] bool is_closed() const { return closed_at_.has_value(); }
    /// It has answered a probe: it lives, whatever the state of its connection.
    void answered(instant now) {
        answered_at_ = now;
        vouched(now);
    }
    /// The last sign of life from itself.
    [[nodiscard]] instant heard_at() const { return std::max(heard_at_, answered_at_); }
    /// The last one on a link.
    [[nodiscard]] instant linked_at() const { return heard_at_; }
    /// Another member heard it at `when`: it lives, and only the path between it and this node is broken.
    void vouched(instant when) { vouched_at_ = vouched_at_ ? std::max(*vouched_at_, when) : when; }
    [[nodiscard]] bool is_vouched(instant now, const patience& limits) const;
    [[nodiscard]] verdict judge(instant now, const patience& limits) const;
    /// When the result of judge() may next change.
    [[nodiscard]] instant due(instant now, const patience& limits) const;
    /// This process did not run for `pause`: that silence does not count.
    void excuse(mesh_clock::duration pause) {
        heard_at_ += pause;
        answered_at_ += pause;
        if (closed_at_) *closed_at_ += pause;
        if (ended_at_) *ended_at_ += pause;
    }

  private:
    static constexpr auto under_way_at_most = std::chrono::milliseconds{200};
    instant heard_at_{}, answered_at_{};
    std::optional<instant> closed_at_, ended_at_, vouched_at_;
};

} // namespace baton::discovery
