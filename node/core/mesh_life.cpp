// What the verdicts of the failure detector (failure_detector.hpp) mean to links, sessions and other
// machines.
#include "core/mesh.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr auto left_remembered_for = 60s;
} // namespace

const char* mesh::look_both_ways(const replica_id& id, peer& p) {
    return detector_.look_both_ways(p, contact_.links.of(p), contact_.links.has_subscribed(id), time_.now());
}

void mesh::judge_peers(outbox& out) {
    bool contact_lost = false;
    for (auto at = peers_.begin(); at != peers_.end();) {
        auto& [id, p] = *at;
        if (!is_over(id, p, out)) {
            ++at;
            continue;
        }
        contact_lost = contact_lost || (p.state == member_state::contacting && p.greeted);
        contact_.links.release(p, out);
        at = peers_.erase(at);
    }
    if (!contact_lost) return;
    proofs_.forget_answers(); // as after a death: the members have to answer again
}

// Judges one peer. Returns true if it is to be forgotten.
bool mesh::is_over(const replica_id& id, peer& p, outbox& out) {
    if (is_gone(p)) {
        const auto keep = p.state == member_state::left ? mesh_clock::duration{left_remembered_for}
                                                        : mesh_clock::duration{settings_.liveness.redial_for};
        return time_.now() - p.ended_at >= keep;
    }
    if (p.state != member_state::contacting) {
        judge(id, p, out);
        return false;
    }
    // The peer never answered. It is forgotten, so that a beacon or a seed can begin again.
    if (p.health.life.judge(time_.now(), detector_.patience()) == discovery::liveness::verdict::crashed)
        return true;
    wake_by(p.health.life.due(time_.now(), detector_.patience()));
    if (!p.greeted) return false;
    const auto* const missing = look_both_ways(id, p);
    if (missing != nullptr && time_.now() - *p.health.one_way_since >= settings_.liveness.crashed_after)
        detector_.report_one_way(id, p, missing, out);
    return false;
}

void mesh::judge(const replica_id& id, peer& p, outbox& out) {
    using discovery::liveness;
    detector_.answer_inquirers(id, p, time_.now(), out);
    if (const auto former = detector_.names.judge(id, p, out)) {
        end_peer(*former, *peers_.find(*former), member_state::crashed, event_kind::restarted,
                 "its name is now that of " + id.to_string().substr(0, 8), out);
    }
    const auto verdict = p.health.life.judge(time_.now(), detector_.patience());
    if (detector_.is_stuck(p, time_.now()) ||
        (settings_.broken == mutation::redial_at_once && verdict == liveness::verdict::suspect))
        contact_.links.redial(id, p, out);
    const bool said_goodbye =
        p.leave.goodbye_at && time_.now() - *p.leave.goodbye_at < settings_.liveness.crashed_after;
    if (verdict == liveness::verdict::crashed && said_goodbye && p.health.life.is_closed()) {
        p.final = p.leave.goodbye;
        end_peer(id, p, member_state::left, event_kind::left, "said goodbye", out);
        return contact_.links.release(p, out);
    }
    if (verdict == liveness::verdict::crashed) {
        return end_peer(id, p, member_state::crashed, event_kind::crashed,
                        p.health.life.is_closed() ? "its connection closed and did not come back" : "silent",
                        out);
    }
    wake_by(detector_.probe(p, time_.now(), out));
    // A member is up if the contact works both ways. A member that is only heard stays suspect as long as
    // that lasts: its state neither swings nor becomes crashed.
    const auto* const missing = look_both_ways(id, p);
    const bool silent = verdict == liveness::verdict::suspect;
    const bool one_way =
        missing != nullptr && time_.now() - *p.health.one_way_since >= settings_.liveness.suspect_after;
    if (missing != nullptr && !one_way) wake_by(*p.health.one_way_since + settings_.liveness.suspect_after);
    if (silent || one_way) {
        const bool again = settings_.broken == mutation::suspect_again && silent;
        if (p.state == member_state::up || again) {
            peers_.transition(p, member_state::suspect, event_kind::suspect, time_.now());
            p.agreed.reset();
            peers_.raise(out, event_kind::suspect, id,
                         !silent                     ? missing
                         : p.health.life.is_closed() ? "its connection closed"
                                                     : "silent");
            if (p.via) contact_.links.greet_now(contact_.links[*p.via], 100ms);
            p.health.inquire_at = time_.now();
            wake_by(time_.now() + 1ms);
        }
        if (silent) wake_by(detector_.inquire(id, p, time_.now(), out));
        if (!silent && p.state == member_state::suspect) detector_.report_one_way(id, p, missing, out);
    } else if (p.state == member_state::suspect && missing == nullptr) {
        peers_.transition(p, member_state::up, event_kind::up, time_.now());
        peers_.raise(out, event_kind::up, id, "heard again");
        check_synced(out);
    }
    wake_by(p.health.life.due(time_.now(), detector_.patience()));
}

verdict mesh::on_probe(const datagram_arrived& in, outbox& out) {
    const auto heard = detector_.on_probe(in, time_.now(), out);
    if (auto* const p = heard.alive ? peers_.find(*heard.alive) : nullptr)
        contact_.dead.revive(*heard.alive, *p, p->endpoint, out);
    return tally_.counted(heard.why);
}

} // namespace baton::core
