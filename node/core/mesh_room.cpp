// limits.bytes_max. A full node accepts no writes, applies no deltas, and reports that it is full. No member
// waits for it: it delays no forgetting (stability.hpp), does not act for all, and is not a copy. It still
// asks for a session with a member whose state would leave it room again. So it learns in one commit of the
// drops that make the room, and of everything before them.
#include "core/mesh.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr auto order_kept_for = 60s;
} // namespace

bool mesh::order(const moment& at) {
    store_.set_now(at.now);
    return store_.order(settings_.bounds.slice);
}

// Runs with every heartbeat.
void mesh::look_for_garbage(outbox& out) {
    store_.drop_unused_order(order_kept_for);
    if (store_.folding() || spills_.is_writing()) return;
    stability_.judge_lag(room_.is_full(), time_.now(), out);
    judge_room(out);
    // A full node applies no removals of others, so it makes room by its own.
    registers_.over.tend(!handover_.is_leaving() && (room_.is_full() || peers_.acts_for_all(true)));
    stability_.tend(writes_.may_write(), time_.at(), out);
}

// Runs with every slice of work. A commit is folded in completely first: half a commit can neither stay nor
// be dropped.
void mesh::judge_room(outbox& out) {
    if (store_.folding()) return;
    const auto held = store_.state_bytes();
    const auto end = [&](const std::string& why) {
        // Reported already: the session brought as much as before, and the room is as small.
        const bool told = receiver_.is_short_of_room();
        (void)settle(receiver_.abandon(session_end::full, time_.at(), out), out);
        if (store_.staged_slots() != 0) store_.stage_abort(); // the cache of an earlier session
        if (!told) peers_.raise(out, event_kind::full, settings_.self, why);
    };
    const auto staged = store_.staged_bytes();
    if (receiver_.is_open() && room_.is_exceeded(held, staged))
        end(std::to_string(staged) + " bytes of a session do not fit");
    if (!room_.judge(held, store_.is_short_of_memory())) return;
    writes_.out.announce();
    contact_.news.fullness_changed();
    if (room_.is_full()) {
        inbox_.clear();
        return end(std::to_string(held) + " bytes held");
    }
    for (auto& [id, p] : peers_) {
        if (is_member(p)) reports_.note_lack(p, 0ms);
    }
}

} // namespace baton::core
