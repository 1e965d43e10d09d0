// Who lives. Silence and a closed connection make a member suspect; before it is called crashed others are
// asked, for it may be only the way between it and us that is broken (SWIM's indirect probe, Das et al.
// 2002). And of two members of one name the older one is asked whether it still lives.
#include "core/jobs.hpp"
#include "core/mesh.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr auto left_remembered_for = 60s;
constexpr std::size_t asked_at_once = 3; // of whom a word about a suspect is asked; SWIM's k
constexpr auto inquire_every = 100ms;    // while nobody has heard it; a close is decided within closed_after
constexpr auto inquire_slowly = 500ms;   // while others hear it, and have just said so
constexpr auto probe_every = 125ms;      // while it is silent
constexpr auto probe_quickly = 20ms;     // while its connection is closed, and nobody has heard it since
constexpr auto just_now = 50ms;          // heard so lately that nobody need ask it for a sign
constexpr auto namesake_patience = 1000ms; // for an answer of a member whose name somebody else has, too

// Of the connections that two nodes need, each to the other's ROUTER and PUB, what is missing; nullptr: none.
const char* lacking(const peer& p, const link* via, bool hears_us) {
    if (via == nullptr || !via->open) return "it is heard, and cannot be dialled from here";
    if (!hears_us) return "it is heard, and does not hear this node, which it cannot dial";
    return p.sees_me ? nullptr : "it is heard, and its publish port cannot be dialled from here";
}
} // namespace

// Since when one direction does not work; what is missing in it.
const char* mesh::look_both_ways(const replica_id& id, peer& p) {
    const auto via = p.via ? links_.find(*p.via) : links_.end();
    const auto* const missing =
        lacking(p, via == links_.end() ? nullptr : &via->second, subscribers_.contains(id));
    if (missing == nullptr) {
        p.health.one_way_since.reset();
        p.health.one_way_told = false;
    } else if (!p.health.one_way_since) {
        p.health.one_way_since = at_.now;
    }
    return missing;
}

// Once, until it is well again: whoever runs it has a firewall to open, as a rule.
void mesh::tell_one_way(const replica_id& id, peer& p, const char* missing, outbox& out) {
    if (p.health.one_way_told) return;
    p.health.one_way_told = true;
    peers_.raise(out, event_kind::one_way, id, std::string(missing) + ": " + p.endpoint);
}

void mesh::judge_peers(outbox& out) {
    using discovery::liveness;
    bool contact_lost = false;
    for (auto at = peers_.begin(); at != peers_.end();) {
        auto& [id, p] = *at;
        bool forgotten = false;
        if (is_gone(p)) {
            const auto keep = p.state == member_state::left
                                  ? mesh_clock::duration{left_remembered_for}
                                  : mesh_clock::duration{settings_.liveness.redial_for};
            forgotten = at_.now - p.ended_at >= keep;
        } else if (p.state == member_state::contacting) {
            // Never answered: forget it, so that a beacon or a seed can begin anew.
            forgotten = p.health.life.judge(at_.now, patience_) == liveness::verdict::crashed;
            if (!forgotten) wake_by(p.health.life.due(at_.now, patience_));
            if (!forgotten && p.greeted) {
                const auto* const missing = look_both_ways(id, p);
                if (missing != nullptr &&
                    at_.now - *p.health.one_way_since >= settings_.liveness.crashed_after)
                    tell_one_way(id, p, missing, out);
            }
            contact_lost = contact_lost || (forgotten && p.greeted);
        } else {
            judge(id, p, out);
        }
        if (forgotten) {
            release_link(p, out);
            at = peers_.erase(at);
        } else {
            ++at;
        }
    }
    if (!contact_lost) return;
    proofs_.forget_answers(); // as after a death: who named it is to say so again
}

void mesh::judge(const replica_id& id, peer& p, outbox& out) {
    using discovery::liveness;
    answer_inquirers(id, p, out);
    judge_namesake(id, p, out);
    const auto verdict = p.health.life.judge(at_.now, patience_);
    // TCP goes on with what it has lost after pauses that double: a new connection is there sooner.
    if (at_.now - std::max(p.health.life.linked_at(), p.health.redialled_at) >=
            settings_.liveness.crashed_after ||
        (settings_.broken == mutation::redial_at_once && verdict == liveness::verdict::suspect))
        redial(id, p, out);
    const bool said_goodbye =
        p.leave.goodbye_at && at_.now - *p.leave.goodbye_at < settings_.liveness.crashed_after;
    if (verdict == liveness::verdict::crashed && said_goodbye && p.health.life.is_closed()) {
        p.final = p.leave.goodbye;
        end_peer(id, p, member_state::left, event_kind::left, "said goodbye", out);
        return release_link(p, out);
    }
    if (verdict == liveness::verdict::crashed) {
        return end_peer(id, p, member_state::crashed, event_kind::crashed,
                        p.health.life.is_closed() ? "its connection closed and did not come back" : "silent",
                        out);
    }
    send_probe(p, out);
    // Up is who works both ways. One that is merely heard is suspect for as long as that is so, and no
    // longer: it neither swings between the two, nor is it called crashed.
    const auto* const missing = look_both_ways(id, p);
    const bool silent = verdict == liveness::verdict::suspect;
    const bool one_way =
        missing != nullptr && at_.now - *p.health.one_way_since >= settings_.liveness.suspect_after;
    if (missing != nullptr && !one_way) wake_by(*p.health.one_way_since + settings_.liveness.suspect_after);
    if (silent || one_way) {
        const bool again = settings_.broken == mutation::suspect_again && silent;
        if (p.state == member_state::up || again) {
            peers_.transition(p, member_state::suspect, event_kind::suspect, at_.now);
            p.agreed.reset();
            peers_.raise(out, event_kind::suspect, id,
                         !silent                     ? missing
                         : p.health.life.is_closed() ? "its connection closed"
                                                     : "silent");
            if (p.via) links_[*p.via].greet_at = at_.now, links_[*p.via].greet_every = 100ms;
            p.health.inquire_at = at_.now;
            wake_by(at_.now + 1ms);
        }
        if (silent) inquire(id, p, out);
        if (!silent && p.state == member_state::suspect) tell_one_way(id, p, missing, out);
    } else if (p.state == member_state::suspect && missing == nullptr) {
        peers_.transition(p, member_state::up, event_kind::up, at_.now);
        peers_.raise(out, event_kind::up, id, "heard again");
        check_synced(out);
    }
    wake_by(p.health.life.due(at_.now, patience_));
}

void mesh::redial(const replica_id& id, peer& p, outbox& out) {
    p.health.redialled_at = at_.now;
    const bool at_once = settings_.broken == mutation::redial_at_once;
    if (!p.via || (!links_[*p.via].open && !at_once)) return;
    if (at_once) wake_by(at_.now + 1ms);
    const auto endpoint = links_[*p.via].endpoint;
    const auto key = links_[*p.via].key;
    release_link(p, out);
    p.routable = false;
    bind(connect(endpoint, out, key), id, out);
}

// A few heartbeats late, and it is asked by UDP too: over a bad network TCP stands still for seconds.
void mesh::send_probe(peer& p, outbox& out) {
    const bool closed = p.health.life.is_closed();
    const auto late = 2 * settings_.liveness.heartbeat_every + settings_.liveness.heartbeat_every / 2;
    const auto from = p.health.life.linked_at() + late;
    if (!closed && p.health.inquirers.empty() && at_.now < from) {
        p.health.probes = 0;
        return wake_by(from);
    }
    if (at_.now < p.health.probe_at) return wake_by(p.health.probe_at);
    if (p.health.probes == 0) p.health.probed_from = static_cast<std::uint32_t>(random_());
    const bool decides_soon = closed && !p.health.life.is_vouched(at_.now, patience_);
    p.health.probe_at = at_.now + (decides_soon ? probe_quickly : probe_every);
    wake_by(p.health.probe_at);
    ++counters_.probes_sent;
    send(p.endpoint, {false, settings_.self, p.health.probed_from + p.health.probes++}, nullptr, out);
}

// `by`: the key of what it answers; none: the one in use.
void mesh::send(const std::string& to, const discovery::probe& what, const mesh_key* by, outbox& out) {
    auto bytes = discovery::encode(what);
    if (!is_open())
        discovery::seal(bytes, discovery::purpose::probe, by != nullptr ? *by : introductions_.ring.used());
    out.actions.push_back(send_datagram{to, std::move(bytes)});
}

verdict mesh::on_probe(const datagram_arrived& in, outbox& out) {
    auto payload = in.bytes;
    const mesh_key* by = nullptr;
    if (!is_open()) {
        const auto got = discovery::unseal(in.bytes, discovery::purpose::probe, introductions_.ring);
        if (got.why != discovery::unsealed::fault::none) return refuse("probe without a right seal");
        payload = got.payload;
        by = got.by;
    }
    const auto said = discovery::decode_probe(payload);
    if (!said) return refuse("malformed probe");
    auto* const sender = peers_.find(said->id);
    // One that was called crashed and asks for a sign lives: it is answered, so that it may know as much of
    // us.
    const bool back = sender != nullptr && sender->state == member_state::crashed;
    if (sender == nullptr || (!is_member(*sender) && !back)) return {};
    if (!said->is_answer) {
        if (said->about.is_nil()) {
            send(in.endpoint, {true, settings_.self, said->number}, by, out);
            revive(said->id, *sender, sender->endpoint, out);
        } else if (!back) {
            note_inquirer(said->about, said->id, {false, in.endpoint, said->number}, out);
        }
        return {};
    }
    auto* const p = peers_.find(said->about.is_nil() ? said->id : said->about);
    if (p == nullptr || (back && p != sender)) return {};
    // Late, or nobody asked: a recording proves nothing.
    if (said->about.is_nil()) {
        if (said->number - p->health.probed_from >= p->health.probes) return {};
        ++counters_.probes_answered;
        p->health.life.answered(at_.now);
        revive(said->id, *p, p->endpoint, out);
    } else if (said->number - p->health.inquired_from < p->health.inquiries) {
        p->health.life.vouched(at_.now - std::chrono::milliseconds{said->age});
    }
    return {};
}

// Others are asked in turn, a few at a time.
void mesh::inquire(const replica_id& id, peer& p, outbox& out) {
    if (at_.now < p.health.inquire_at) return wake_by(p.health.inquire_at);
    // A word holds for as long as silence is borne; some are lost, so the next ones are asked for in time.
    const bool holds =
        p.health.life.is_vouched(at_.now + settings_.liveness.suspect_after * 2 / 3, patience_);
    p.health.inquire_at = at_.now + (holds ? inquire_slowly : inquire_every);
    wake_by(p.health.inquire_at);
    if (p.health.inquiries == 0) p.health.inquired_from = static_cast<std::uint32_t>(random_());
    std::vector<std::pair<const replica_id, peer>*> others;
    for (auto& each : peers_) {
        const auto& q = each.second;
        const bool hears_us =
            is_member(q) && at_.now - q.health.life.heard_at() < settings_.liveness.suspect_after;
        if (each.first != id && hears_us) others.push_back(&each);
    }
    for (std::size_t asked = 0; asked < asked_at_once && !others.empty(); ++asked) {
        std::swap(others[random_() % others.size()], others.back());
        auto& [other, q] = *others.back();
        others.pop_back();
        courier_.send_to(other, q, wire::inquiry{settings_.self, id}, out);
        send(q.endpoint, {false, settings_.self, p.health.inquired_from + p.health.inquiries++, id}, nullptr,
             out);
    }
}

verdict mesh::on_inquiry(const replica_id& from, const wire::inquiry& f, outbox& out) {
    note_inquirer(f.about, from, {true}, out);
    return {};
}

void mesh::note_inquirer(const replica_id& about, const replica_id& from, const health_record::inquirer& how,
                         outbox& out) {
    auto* const p = peers_.find(about);
    if (p == nullptr || !is_member(*p) || about == from) return;
    auto& asker = p->health.inquirers[from];
    asker.by_link = asker.by_link || how.by_link;
    if (!how.endpoint.empty()) asker.endpoint = how.endpoint, asker.number = how.number;
    if (at_.now - p->health.life.heard_at() > just_now && at_.now - p->health.probed_at > just_now) {
        p->health.probed_at = p->health.probe_at = at_.now;
        tell(about, *p, true, out);
        send_probe(*p, out);
        say_heard(about, from, how, out);
    }
    answer_inquirers(about, *p, out);
}

// With how long ago that was: at once, and again when it is heard anew.
void mesh::answer_inquirers(const replica_id& id, peer& p, outbox& out) {
    if (!p.health.inquirers.empty() && at_.now - p.health.life.heard_at() <= just_now) {
        for (const auto& [who, how] : p.health.inquirers) say_heard(id, who, how, out);
        p.health.inquirers.clear();
    }
}

void mesh::say_heard(const replica_id& id, const replica_id& to, const health_record::inquirer& how,
                     outbox& out) {
    const auto* const p = peers_.find(id);
    auto* const asker = peers_.find(to);
    if (p == nullptr || asker == nullptr) return;
    const auto age = std::chrono::ceil<std::chrono::milliseconds>(at_.now - p->health.life.heard_at());
    if (age >= settings_.liveness.suspect_after || age.count() > 0xffff) return;
    const auto ms = static_cast<std::uint16_t>(age.count());
    if (how.by_link) courier_.send_to(to, *asker, wire::word{settings_.self, id, ms}, out);
    if (!how.endpoint.empty()) send(how.endpoint, {true, settings_.self, how.number, id, ms}, nullptr, out);
}

verdict mesh::on_word(const wire::word& f) {
    if (f.age > 60'000) return {};
    const auto when = at_.now - std::chrono::milliseconds{f.age};
    if (auto* const p = peers_.find(f.about)) {
        p->health.life.vouched(when);
    } else {
        claims_.heard(f.about, when);
    }
    return {};
}

// ---------------------------------------------------------------- names

// Somebody new has the name of a member: either that one is gone and has been started again, perhaps on
// another machine, or there are two of them. Who lives answers.
void mesh::meet_namesakes(const replica_id& id, peer& p, outbox& out) {
    if (p.name == settings_.name)
        peers_.raise(out, event_kind::name_conflict, id, "it has this node's own name");
    for (auto& [other, q] : peers_) {
        if (other == id || q.name != p.name || !is_member(q)) continue;
        p.health.namesake = other;
        p.health.namesake_asked_at = at_.now;
        tell(other, q, true, out);
        wake_by(at_.now + namesake_patience);
        return;
    }
}

void mesh::judge_namesake(const replica_id& id, peer& p, outbox& out) {
    if (!p.health.namesake) return;
    const auto former = *p.health.namesake;
    auto* const q = peers_.find(former);
    if (q == nullptr || !is_member(*q)) {
        p.health.namesake.reset();
    } else if (q->health.life.heard_at() > p.health.namesake_asked_at && !q->health.life.is_closed()) {
        p.health.namesake.reset();
        peers_.raise(out, event_kind::name_conflict, id,
                     "the name is also that of " + former.to_string().substr(0, 8));
    } else if (q->health.life.is_closed() || at_.now - p.health.namesake_asked_at >= namesake_patience) {
        p.health.namesake.reset();
        end_peer(former, *q, member_state::crashed, event_kind::restarted,
                 "its name is now that of " + id.to_string().substr(0, 8), out);
    } else {
        wake_by(p.health.namesake_asked_at + namesake_patience);
    }
}

} // namespace baton::core
