// Contact and the readiness handshake. A peer is up when each side has greeted the other and each side's PUB
// has seen the other's subscription: from then on no delta is lost because a subscription comes late.
#include "core/mesh.hpp"
#include "core/standing.hpp"

namespace baton::core {

using namespace std::chrono_literals;

// ---------------------------------------------------------------- hello

verdict mesh::on_hello(const wire::hello& f, const arrival& from, outbox& out) {
    const auto met = contact_.on_hello(f, from, out);
    if (met.who == nullptr) return met.why;
    auto& p = *met.who;
    if (met.replaced) end_replaced(*met.replaced, f.id, out);
    if (from.link) contact_.note_address_taken(f.id, p.endpoint, f);
    if (met.first) detector_.names.meet(f.id, p, out);
    p.sees_me = (f.flags & wire::hello::sees_you) != 0;
    p.holds.full = (f.flags & wire::hello::is_full) != 0;
    p.holds.live_bytes = f.live;
    if ((f.flags & wire::hello::is_leaving) != 0 && p.state == member_state::up) begin_leaving(f.id, p, out);
    observe(f.id, f.clock, out);
    if ((f.flags & wire::hello::wants_answer) != 0) contact_.greetings.answer(from, f.id, p, met.first, out);
    p.holds.seen.raise({f.id, f.latest}); // a node archived by mistake is not in its own cut
    reports_.learn_standing(f.id, p, f.at,
                            is_member(p) ? mesh_clock::duration{100ms} : mesh_clock::duration{0}, out);
    maybe_up(f.id, p, out);
    if (p.state == member_state::suspect) judge_peers(out);
    wake_by(time_.now() + 1ms);
    return {};
}

void mesh::maybe_up(const replica_id& id, peer& p, outbox& out) {
    if (is_member(p) || p.state == member_state::left) return;
    if (!p.greeted || look_both_ways(id, p) != nullptr) return;
    const auto from = peers_.transition(p, member_state::up, event_kind::joined, time_.now());
    p.agreed.reset();
    p.health.life.heard(time_.now(), true);
    p.pull.pace.went_well(); // earlier failures belong to the contact before this one
    peers_.raise(out, event_kind::joined, id, from == member_state::crashed ? "back" : "new");
    reports_.note_lack(p, 0ms);
    contact_.welcome(id, p, out);
    check_synced(out);
    consider_pull(out);
}

verdict mesh::on_published_hello(const wire::hello& f, outbox& out) {
    auto* const p = peers_.find(f.id);
    if (p == nullptr) return refuse("broadcast by nobody known");
    p->health.life.heard(time_.now(), false);
    if (f.head_only) return refuse("frame in another wire version");
    if (f.cluster != settings_.cluster) return refuse("hello of another cluster");
    p->holds.full = (f.flags & wire::hello::is_full) != 0;
    p->holds.live_bytes = f.live;
    // On PUB, the DELTAs of a node come before this report of them. So an event of its own that is missing
    // now is lost, not late.
    const bool lost = f.latest > store_.counter_of(f.id);
    p->holds.seen.raise({f.id, f.latest}); // a node archived by mistake is not in its own cut
    reports_.learn_standing(f.id, *p, f.at, lost ? 0ms : 100ms, out);
    observe(f.id, f.clock, out);
    return {};
}

verdict mesh::on_brief(const wire::brief& f, outbox& out) {
    auto* const p = peers_.find(f.id);
    if (p == nullptr) return refuse("broadcast by nobody known");
    p->health.life.heard(time_.now(), false);
    if (!is_member(*p)) return {};
    if (p->version >= 5) p->holds.full = false; // a full node sends whole HELLOs
    // Its own counter is certain: PUB delivers in order, so a DELTA that has not arrived by now is lost.
    if (f.latest > store_.counter_of(f.id)) {
        if (!receiver_.is_open()) ++tally_.counters.gaps;
        p->holds.seen.raise({f.id, f.latest});
        reports_.note_lack(*p, 0ms);
    }
    const auto own = standing_of(store_);
    const auto own_hash = wire::hash_of(own);
    if (f.standing_hash == own_hash) {
        reports_.learn_same(f.id, *p, own, f.state_low, out);
        handover_.answer(writes_.may_write(), out);
    } else if ((!p->holds.hash_known || f.standing_hash != p->holds.standing_hash) &&
               time_.now() - p->asked_at >= 100ms) {
        p->asked_at = time_.now(); // the HELLO that reported what it holds was lost
        contact_.greetings.tell(f.id, *p, true, out);
    }
    return {};
}

// ---------------------------------------------------------------- what this node publishes

void mesh::check_synced(outbox& out) {
    peers_.check_synced(store_, settings_.broken == mutation::synced_at_once, out);
}

// Returns true if the state has changed since the last HELLO.
bool mesh::publish_hello(outbox& out) {
    writes_.out.announced();
    courier_.choose_version();
    send_batches(out); // on PUB an event comes before any report of it
    const auto news = contact_.news.publish(out);
    if (news) receiver_.note_told(*news);
    return news.has_value();
}

} // namespace baton::core
