// limits.bytes_max. A full node writes nothing, applies no deltas, and says so. Nobody waits for it: it holds
// back no forgetting (mesh_stable.cpp), acts for nobody and is no copy. It still asks for a session with a
// member whose state would leave it room again: so it learns of the drops that make the room, and of
// everything before them, in one commit.
#include "core/jobs.hpp"
#include "core/mesh.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr auto unfit_for = 60s;          // until what did not fit is tried again, unless it has become less
constexpr std::size_t record_bytes = 41; // beside key and value: a block's head, its places in index and log
} // namespace

std::uint64_t live_bytes(const store& of) { return of.key_value_bytes() + of.records() * record_bytes; }

bool mesh::has_room_for(const peer& p) const {
    if (room_.is_full() && !room_.fits(p.live_bytes)) return false;
    return at_.now >= p.unfit_until || (p.live_bytes && *p.live_bytes < p.unfit_bytes);
}

// With every slice of work. What is being folded in has been decided already: it is judged when it is done.
void mesh::judge_room(outbox& out) {
    if (!room_.is_bounded() || store_.folding()) return;
    const auto held = store_.state_bytes();
    if (const auto staged = store_.staged_bytes(); pulling_ && room_.is_exceeded(held, staged)) {
        if (auto* const p = find(pulling_->from)) {
            p->unfit_until = at_.now + unfit_for;
            p->unfit_bytes = p->live_bytes.value_or(0);
        }
        abandon_pull("full", out);
        store_.stage_abort();
        raise(out, event_kind::full, settings_.self,
              std::to_string(staged) + " bytes of a session do not fit");
    }
    if (!room_.judge(held)) return;
    publish_now_ = true;
    full_told_ = false;
    if (room_.is_full()) {
        deltas_.clear();
        early_.clear();
        early_bytes_ = 0;
        if (pulling_) abandon_pull("full", out);
        store_.stage_abort();
        raise(out, event_kind::full, settings_.self, std::to_string(held) + " bytes held");
        return;
    }
    for (auto& [id, p] : peers_) {
        if (is_member(p)) note_lack(p, 0ms);
    }
}

// Who is before this node where one member acts for all: the smallest id among those that are up and take
// writes. The one rule for archiving, removing what is over, siblings, and claims of owners that are gone.
// Views may differ for a moment, as one is full or suspect here and not yet there: whatever is written so
// has to bear being written twice, and waits if nobody writes it.
bool mesh::acts_before_us(const replica_id& id, const peer& p) const {
    return p.state == member_state::up && !p.full && id < settings_.self;
}

bool mesh::acts_for_all() const {
    if (leaving_ || room_.is_full()) return false;
    return std::none_of(peers_.begin(), peers_.end(),
                        [&](const auto& each) { return acts_before_us(each.first, each.second); });
}

} // namespace baton::core
