// Leaving (handover.hpp): what must end before a leave begins, and which messages about a leave this node
// believes.
#include "core/mesh.hpp"
#include "crdt/assert.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

// ---------------------------------------------------------------- as the one that leaves

void mesh::begin_leave(const moment& at, std::size_t copies, outbox& out) {
    if (handover_.is_leaving()) return;
    set_moment(at);
    (void)settle(receiver_.abandon(session_end::leaving, time_.at(), out), out);
    spills_.end_salvage(time_.at(), out);
    wake_by(spills_.take_deadline());
    inbox_.clear();
    while (registers_.owned.release_some(at, settings_.bounds.slice,
                                         out)) { // usually the caller has released them slice by slice
    }
    flush(at, out);
    registers_.owned.freeze();
    handover_.begin(random_() | 1, copies, at.now);
    out.note("leave", settings_.self, store_.keys());
    repeat_leaving(out);
    out.wake_at = time_.wake_at();
}

// `pulled`: a member takes the state in a session right now; leaving would cut it off.
leave_progress mesh::leaving_progress() const {
    auto progress = handover_.progress();
    progress.pulled =
        handover_.is_leaving() && std::any_of(peers_.begin(), peers_.end(), [&](const auto& each) {
            return handover::lacks_something(each.second) && server_.serves(each.first);
        });
    return progress;
}

bool mesh::spill(const moment& at, std::string& into) {
    BATON_ASSERT(handover_.is_leaving()); // the cut is frozen
    set_moment(at);
    return spills_.write(at, into);
}

void mesh::spill_kept(const moment& at, outbox& out) {
    set_moment(at);
    spills_.kept(out);
}

void mesh::say_left(const moment& at, outbox& out) {
    set_moment(at);
    if (!handover_.is_leaving() || handover_.has_said_left()) return;
    handover_.say_left(out);
    contact_.stop();
    out.wake_at = time_.wake_at();
}

void mesh::repeat_leaving(outbox& out) {
    handover_.repeat(time_.now(), out);
    wake_by(handover_.deadline());
}

// ---------------------------------------------------------------- as a member

verdict mesh::on_leaving(const replica_id& from, const wire::leaving& f, outbox& out) {
    auto* const p = peers_.find(from);
    if (p == nullptr) return refuse("leaving by nobody known");
    if (!is_member(*p)) return {};
    cut room;
    (void)reports_.learn(*p, f.seen, room);
    begin_leaving(from, *p, out);
    handover::note_leaving(*p, f);
    // Its last DELTAs may be a moment behind this frame; after that this node asks for what is missing.
    if (!handover_.is_leaving()) reports_.note_lack(*p, 5ms);
    handover_.answer(writes_.may_write(), out);
    return {};
}

void mesh::begin_leaving(const replica_id& id, peer& p, outbox& out) {
    if (p.state == member_state::leaving) return;
    peers_.transition(p, member_state::leaving, event_kind::leaving, time_.now());
    p.leave.since = time_.now();
    peers_.raise(out, event_kind::leaving, id, "it hands over its state");
}

// Anybody can write to PUB. So of a member that is up, its own LEAVING is awaited, which comes by its link at
// the same time. If PUB repeats the frame and no LEAVING has come, this node asks the member for a HELLO,
// which reports whether it is leaving.
verdict mesh::on_leaving_rumour(const wire::leaving& f, outbox& out) {
    auto* const p = peers_.find(f.id);
    if (p == nullptr || p->state != member_state::up) return on_leaving(f.id, f, out);
    const bool again = p->leave.rumoured == f.number && time_.now() - p->leave.rumoured_at >= 50ms;
    if (p->leave.rumoured != f.number || again) p->leave.rumoured_at = time_.now();
    p->leave.rumoured = f.number;
    if (again) contact_.greetings.tell(f.id, *p, true, out);
    return {};
}

// A LEFT by a link counts if the sender speaks of itself. A LEFT by PUB may be from anybody.
verdict mesh::on_left(const wire::left& f, const arrival& from, outbox& out) {
    const bool by_link = from.route || from.link, own_word = by_link && f.id == f.about;
    if (f.is_answer) {
        if (auto* const p = peers_.find(f.id); p != nullptr && by_link) p->leave.heard_farewell = true;
        return {};
    }
    auto* const p = peers_.find(f.about);
    if (f.wants_answer && f.id == f.about) {
        const auto bytes = courier_.encode_for(
            peers_.find(f.id),
            wire::left{settings_.self, store_.counter_of(settings_.self), false, true, settings_.self});
        if (from.route) out.actions.push_back(send_reply{f.id, bytes});
        if (from.link) out.actions.push_back(send_request{*from.link, bytes});
    }
    if (p == nullptr || f.about == settings_.self) return {};
    const bool plainly_here =
        !is_gone(*p) && p->state != member_state::leaving && p->state != member_state::suspect;
    if (plainly_here && !own_word) { // it counts if the connection of the member closes, too
        if (f.id == f.about) p->leave.goodbye = f.final_counter;
        p->leave.goodbye_at = time_.now();
        return {};
    }
    p->final = f.id == f.about ? f.final_counter : std::max(p->final, f.final_counter);
    if (p->state == member_state::left) return {};
    if (p->state == member_state::leaving) tally_.counters.leaves.note(time_.now() - p->leave.since);
    end_peer(f.about, *p, member_state::left, event_kind::left,
             f.id == f.about ? "said goodbye" : "another member reports that it left", out);
    contact_.links.release(*p, out);
    if (own_word && !handover_.is_leaving()) {
        out.actions.push_back(send_broadcast{
            courier_.encode_for_all(wire::left{settings_.self, f.final_counter, false, false, f.about})});
    }
    return {};
}

} // namespace baton::core
