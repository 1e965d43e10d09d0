// What other members hold by their own report (proofs.hpp): which calls ask, and what an answer means to
// other machines.
#include "core/mesh.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

std::vector<replica_id> mesh::members_up() const {
    std::vector<replica_id> all;
    for (const auto& [id, p] : peers_) {
        if (p.state == member_state::up) all.push_back(id);
    }
    return all;
}

std::uint64_t mesh::await_holders(const moment& at, const dot& id) {
    const bool broadcast_asks = id.replica == settings_.self &&
                                (id.counter <= proofs_.asked_through() || writes_.out.has_from(id.counter));
    const auto ticket = proofs_.await(id, broadcast_asks, at.now);
    wake_by(proofs_.deadline());
    return ticket;
}

std::uint64_t mesh::begin_question(const moment& at) {
    const auto number = proofs_.begin_question(at.now);
    wake_by(proofs_.deadline());
    return number;
}

void mesh::ask_members(outbox& out) {
    if (!proofs_.asks()) return;
    proofs_.ask(time_.now(), out);
    wake_by(proofs_.deadline());
}

proofs::own_part mesh::own_part() const { return {writes_.may_write(), spills_.has_unread()}; }

verdict mesh::on_ack(const replica_id& from, const wire::ack& f, outbox& out) {
    auto* const p = peers_.find(from);
    if (p == nullptr) return refuse("ack by nobody known");
    if (!proofs_.has_asked(f.asked)) return refuse("ack to nothing asked");
    cut room;
    const auto& seen = reports_.learn(*p, f.seen, room);
    ++tally_.counters.acks_received;
    if (f.asked != 0) p->agreed.report(f.seen, store_); // an answer to a DELTA names only a part of the cut
    out.acknowledged = true;
    // What the member holds has to be here before any key is called absent.
    if (proofs_.on_ack(*p, f, &seen != &room, time_.now())) reports_.note_lack(*p, 0ms);
    handover_.on_ack(*p, f);
    return {};
}

verdict mesh::on_ask(const replica_id& from, const wire::ask& f, outbox& out) {
    auto* const p = peers_.find(from);
    if (p == nullptr) return refuse("ask by nobody known");
    if (f.want.size() > inner_bounds::wants_max) return refuse("ask for too much");
    cut room;
    (void)reports_.learn(*p, f.want, room); // it holds the event that it asks about
    out.acknowledged = true;
    reports_.note_lack(*p, 0ms);
    proofs_.on_ask(from, *p, f, own_part(), out);
    return {};
}

} // namespace baton::core
