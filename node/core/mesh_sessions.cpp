// What sessions (session_server.hpp, session_receiver.hpp), and files in place of a server (spills.hpp), mean
// to other machines.
#include "core/mesh.hpp"

namespace baton::core {

using namespace std::chrono_literals;

void mesh::consider_pull(outbox& out) {
    if (handover_.is_leaving() || !inbox_.empty()) return;
    receiver_.consider(time_.at(), room_, out);
    wake_by(receiver_.take_deadline());
}

verdict mesh::on_state(const replica_id& from, std::string_view bytes, const wire::state& f, outbox& out) {
    const bool fits = !room_.is_exceeded(store_.state_bytes(), f.bytes);
    return settle(receiver_.on_state(from, bytes, f, fits, time_.at(), out), out);
}

// Passes the outcome of this node's session on to other machines. Its verdict is counted here.
verdict mesh::settle(const session_receiver::outcome& done, outbox& out) {
    wake_by(receiver_.take_deadline());
    for (const auto& id : done.beyond) {
        auto* const p = peers_.find(id);
        if (p == nullptr || time_.now() - p->asked_at < 100ms) continue;
        p->asked_at = time_.now();
        contact_.greetings.tell(id, *p, true, out);
    }
    if (!done.end) return tally_.counted(done.why);
    const auto& end = *done.end;
    if (end.file ? spills_.on_end(end.how, *end.file, time_.at(), out) : is_refusal(end.how))
        tally_.note_refused_frame(to_string(end.how));
    if (end.overstated) tally_.note("told more than the commit held");
    wake_by(spills_.take_deadline());
    if (end.how != session_end::committed) return done.why;
    writes_.out.cut_grew();
    if (auto* const p = peers_.find(end.from)) reports_.learn_standing(end.from, *p, end.at, 100ms, out);
    cut_grew(out);
    consider_pull(out);
    return done.why;
}

// ---------------------------------------------------------------- spills

verdict mesh::take(const spill_found& in, outbox&) {
    const auto why = tally_.counted(spills_.on_found(in, time_.at()));
    wake_by(spills_.take_deadline());
    return why;
}

verdict mesh::take(const spills_listed& in, outbox&) {
    spills_.on_listed(in, time_.at());
    wake_by(spills_.take_deadline());
    return {};
}

verdict mesh::take(const spill_read& in, outbox& out) {
    const bool taken = spills_.on_read(in, time_.at(), out);
    wake_by(spills_.take_deadline());
    return taken ? verdict{} : settle(receiver_.on_file(in, time_.at(), out), out);
}

} // namespace baton::core
