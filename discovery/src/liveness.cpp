#include "discovery/liveness.hpp"

#include <algorithm>

namespace baton::discovery {

namespace {
// What dies is heard by others until a little after it closed its connection to us.
constexpr auto closes_within = std::chrono::milliseconds{50};
} // namespace

bool liveness::is_vouched(instant now, const patience& limits) const {
    return vouched_at_ && now - *vouched_at_ < limits.suspect_after &&
           (!closed_at_ || *vouched_at_ - *closed_at_ >= closes_within);
}

liveness::verdict liveness::judge(instant now, const patience& limits) const {
    const auto silence = now - heard_at_;
    const bool closed = closed_at_ && now - *closed_at_ >= limits.closed_after;
    if (closed || silence >= limits.crashed_after)
        return is_vouched(now, limits) ? verdict::suspect : verdict::crashed;
    if (closed_at_ || silence >= limits.suspect_after) return verdict::suspect;
    return verdict::alive;
}

instant liveness::due(instant now, const patience& limits) const {
    instant next = heard_at_ + limits.crashed_after;
    if (closed_at_) next = std::min(next, *closed_at_ + limits.closed_after);
    if (const auto suspect = heard_at_ + limits.suspect_after; suspect > now) next = std::min(next, suspect);
    return next <= now && is_vouched(now, limits) ? *vouched_at_ + limits.suspect_after : next;
}

} // namespace baton::discovery
