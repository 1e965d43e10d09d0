// Sessions that this node serves (session_server.hpp): what they mean to others.
#include "core/jobs.hpp"
#include "core/mesh.hpp"

namespace baton::core {

verdict mesh::on_pull(const replica_id& from, const wire::pull& f, outbox& out) {
    const auto why = refused_.counted(server_.on_pull(from, f, at_.now, out));
    wake_by(server_.deadline());
    return why;
}

verdict mesh::on_credit(const replica_id& from, const wire::credit& f, outbox& out) {
    const auto done = server_.on_credit(from, f, at_.now, out);
    if (done.holds) {
        cut room;
        if (auto* const p = peers_.find(from)) (void)reports_.learn(*p, *done.holds, room);
        out.acknowledged = true;
    }
    return refused_.counted(done.why);
}

} // namespace baton::core
