#include "discovery/liveness.hpp"

#include <algorithm>

namespace baton::discovery {

liveness::verdict liveness::judge(instant now, const patience& limits) const {
    const auto silence = now - heard_at_;
    if (silence >= limits.crashed_after) return verdict::crashed;
    if (closed_at_ && now - *closed_at_ >= limits.closed_after) return verdict::crashed;
    if (closed_at_ || silence >= limits.suspect_after) return verdict::suspect;
    return verdict::alive;
}

instant liveness::due(instant now, const patience& limits) const {
    instant next = heard_at_ + limits.crashed_after;
    if (closed_at_) next = std::min(next, *closed_at_ + limits.closed_after);
    if (const auto suspect = heard_at_ + limits.suspect_after; suspect > now) next = std::min(next, suspect);
    return next;
}

} // namespace baton::discovery
