#include "discovery/liveness.hpp"

#include <algorithm>

namespace baton::discovery {

namespace {
// Other nodes may hear a dying process for a moment after its connection to this node has closed.
constexpr auto closes_within = std::chrono::milliseconds{50};
} // namespace

bool liveness::is_vouched(instant now, const patience& limits) const {
    return vouched_at_ && now - *vouched_at_ < limits.suspect_after &&
           (!ended_at_ || *vouched_at_ - *ended_at_ >= closes_within);
}

liveness::verdict liveness::judge(instant now, const patience& limits) const {
    const auto silence = now - heard_at();
    const bool closed = closed_at_ && now - *closed_at_ >= limits.closed_after;
    if (closed || silence >= limits.crashed_after)
        return is_vouched(now, limits) ? verdict::suspect : verdict::crashed;
    const bool stuck = now - linked_at() >= limits.crashed_after;
    return closed_at_ || stuck || silence >= limits.suspect_after ? verdict::suspect : verdict::alive;
}

instant liveness::due(instant now, const patience& limits) const {
    instant next = instant::max();
    const auto consider = [&](instant when) {
        if (when > now) next = std::min(next, when);
    };
    consider(heard_at() + limits.suspect_after);
    consider(heard_at() + limits.crashed_after);
    consider(linked_at() + limits.crashed_after);
    if (closed_at_) consider(*closed_at_ + limits.closed_after);
    if (vouched_at_) consider(*vouched_at_ + limits.suspect_after);
    return next == instant::max() ? now + limits.suspect_after : next;
}

} // namespace baton::discovery
