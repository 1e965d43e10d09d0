#include "core/mesh.hpp"

#include "core/jobs.hpp"
#include "core/seeding.hpp"
#include "crdt/assert.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr auto never = instant::max();
constexpr auto stall_min = 400ms;
constexpr auto hidden_within = 20ms; // of one another, what is over is told to whoever watches
} // namespace

mesh::mesh(mesh_options settings, const moment& start)
    : settings_(std::move(settings))
    , at_(start)
    , random_(settings_.random_seed)
    , store_(settings_.self, random_(), settings_.broken, settings_.bounds.store)
    , clock_(static_cast<std::uint64_t>(settings_.clock_skew_max.count()))
    , room_(settings_.limits.bytes_max.value_or(0))
    , introductions_(settings_)
    , peers_(settings_.self)
    , courier_(settings_, peers_, links_, counters_)
    , detector_(settings_, peers_, courier_, introductions_.ring, random_)
    , publisher_(store_, subscribers_, {settings_.limits.delta_bytes_max, settings_.bounds.sent_spans})
    , writer_(store_, clock_, publisher_)
    , inbox_(store_, counters_, {settings_.bounds.slice, settings_.limits.early_bytes_max, settings_.broken})
    , proofs_(store_, peers_, courier_, scout_, counters_,
              {settings_.bounds.wants, settings_.mesh_size, settings_.broken})
    , server_(settings_, store_, peers_, courier_, random_)
    , stability_(settings_, store_, peers_, server_, writer_, publisher_)
    , handover_(settings_, store_, peers_, courier_)
    , claims_(settings_, store_, writer_, peers_, proofs_, courier_)
    , conflicts_(store_, writer_, peers_, claims_,
                 {settings_.limits.siblings_max, settings_.bounds.watched, settings_.bounds.conflicts})
    , expiry_(store_, writer_, {settings_.bounds.slice, settings_.clock_skew_max}) {
    settings_.keys.clear(); // they are in the ring, and nowhere else
    started_ = heartbeat_at_ = step_at_ = wake_at_ = scout_.tell_at = start.now;
    discovery::announcing_pace pace;
    pace.usual = settings_.beacon_every;
    scout_.beacon = {pace, start.now};
    set_moment(start);
    seeding{*this}.begin();
}

mesh::~mesh() = default;

// ---------------------------------------------------------------- inputs

void mesh::set_moment(const moment& at) {
    at_ = at;
    store_.set_now(at.now);
    claims_.set_moment(at);
}

verdict mesh::step(const moment& at, const input& in, outbox& out) {
    set_moment(at);
    const auto result = std::visit([&](const auto& each) { return take(each, out); }, in);
    if (at_.now >= wake_at_) run_timers(out);
    claims_.report_given_up(out);
    out.wake_at = wake_at_;
    return result;
}

// A verdict of a machine that counts none itself.
verdict mesh::counted(verdict of) { return of ? of : refuse(of.refused); }

verdict mesh::refuse(const char* reason) {
    ++counters_.refused_frames;
    ++refused_[reason];
    return {reason};
}

namespace {
bool oversized(std::string_view bytes) { return bytes.size() > wire::frame_bytes_max; }

// It is no fault of one who has not been greeted yet, or who takes this node for the one before it at its
// address.
const char* fault_of(std::string_view bytes, const wire::versions& spoken, const char* otherwise) {
    wire::frame_reader in(bytes);
    const auto version = in.number();
    return in.ok() && !spoken.has(version) ? "frame in another wire version" : otherwise;
}
} // namespace

verdict mesh::take(const broadcast_arrived& in, outbox& out) {
    if (oversized(in.bytes)) return refuse("oversized broadcast");
    const auto decoded = wire::decode(in.bytes, settings_.versions);
    if (!decoded) return refuse(fault_of(in.bytes, settings_.versions, "malformed broadcast"));
    if (const auto* f = std::get_if<wire::delta>(&*decoded)) return on_delta(in.bytes, *f, out);
    if (const auto* f = std::get_if<wire::hello>(&*decoded)) {
        auto* const p = peers_.find(f->id);
        if (p == nullptr) return refuse("broadcast by nobody known");
        p->health.life.heard(at_.now, false);
        if (f->head_only) return refuse(fault_of(in.bytes, settings_.versions, "malformed broadcast"));
        if (f->cluster != settings_.cluster) return refuse("hello of another cluster");
        p->holds.full = (f->flags & wire::hello::is_full) != 0;
        p->holds.live_bytes = f->live;
        // On PUB its deltas come before this word of them: what is missing of its own events is lost, not
        // late.
        const bool lost = f->latest > store_.counter_of(f->id);
        p->holds.seen.raise({f->id, f->latest}); // once archived by mistake, its cut does not name it
        learn_standing(f->id, *p, f->at, lost ? 0ms : 100ms, out);
        observe(f->id, f->clock, out);
        return {};
    }
    if (const auto* f = std::get_if<wire::brief>(&*decoded)) return on_brief(*f, out);
    if (const auto* f = std::get_if<wire::leaving>(&*decoded)) return on_leaving_rumour(*f, out);
    if (const auto* f = std::get_if<wire::left>(&*decoded)) return on_left(*f, {}, out);
    return refuse("misplaced frame");
}

verdict mesh::take(const request_arrived& in, outbox& out) {
    if (oversized(in.bytes)) return refuse("oversized request");
    const auto decoded = wire::decode(in.bytes, settings_.versions);
    if (!decoded) return refuse(fault_of(in.bytes, settings_.versions, "malformed request"));
    const arrival from{std::nullopt, in.from, in.host};
    if (const auto* f = std::get_if<wire::hello>(&*decoded)) {
        if (f->id != in.from) return refuse("stolen identity");
        return on_hello(*f, from, out);
    }
    auto* const p = peers_.find(in.from);
    if (p == nullptr) {
        // The goodbye of a node whose greeting was dropped, because its link was not open yet, is no fault.
        if (const auto* f = std::get_if<wire::left>(&*decoded); f != nullptr && f->id == in.from)
            return on_left(*f, from, out);
        return answer_stranger(in.from, out);
    }
    p->health.life.heard(at_.now, true);
    p->routable = true;
    if (const auto* f = std::get_if<wire::pull>(&*decoded)) {
        return f->id == in.from ? on_pull(in.from, *f, out) : refuse("stolen identity");
    }
    if (const auto* f = std::get_if<wire::credit>(&*decoded)) return on_credit(in.from, *f, out);
    if (const auto* f = std::get_if<wire::peers>(&*decoded)) {
        return f->id == in.from ? on_peers(*f, *p, out) : refuse("stolen identity");
    }
    if (const auto* f = std::get_if<wire::fingerprint>(&*decoded)) {
        const bool question = (f->flags & wire::fingerprint::question) != 0;
        return question ? counted(server_.on_question(in.from, *f, at_.now, out)) : refuse("misplaced frame");
    }
    if (const auto* f = std::get_if<wire::ack>(&*decoded)) {
        return f->id == in.from ? on_ack(in.from, *f, out) : refuse("stolen identity");
    }
    if (const auto* f = std::get_if<wire::ask>(&*decoded)) {
        return f->id == in.from ? on_ask(in.from, *f, out) : refuse("stolen identity");
    }
    if (const auto* f = std::get_if<wire::inquiry>(&*decoded)) {
        return f->id == in.from ? on_inquiry(in.from, *f, out) : refuse("stolen identity");
    }
    if (const auto* f = std::get_if<wire::word>(&*decoded)) {
        return f->id == in.from ? on_word(*f) : refuse("stolen identity");
    }
    if (const auto* f = std::get_if<wire::leaving>(&*decoded)) {
        return f->id == in.from ? on_leaving(in.from, *f, out) : refuse("stolen identity");
    }
    if (const auto* f = std::get_if<wire::left>(&*decoded)) {
        return f->id == in.from ? on_left(*f, from, out) : refuse("stolen identity");
    }
    return refuse("misplaced frame");
}

verdict mesh::take(const reply_arrived& in, outbox& out) {
    const auto at = links_.find(in.link);
    if (at == links_.end()) return {}; // hung up meanwhile
    at->second.answered = true;
    at->second.asked_at.reset();
    if (oversized(in.bytes)) return refuse("oversized reply");
    const auto decoded = wire::decode(in.bytes, settings_.versions);
    if (!decoded) return refuse(fault_of(in.bytes, settings_.versions, "malformed reply"));
    const arrival from{in.link, std::nullopt, in.host};
    if (const auto* f = std::get_if<wire::hello>(&*decoded)) return on_hello(*f, from, out);
    if (!at->second.peer) return refuse("reply before hello");
    const auto id = *at->second.peer;
    auto* const p = peers_.find(id);
    if (p == nullptr || !p->greeted) return refuse("reply before hello");
    p->health.life.heard(at_.now, at->second.open);
    if (const auto* f = std::get_if<wire::state>(&*decoded)) return on_state(id, in.bytes, *f, out);
    if (const auto* f = std::get_if<wire::peers>(&*decoded)) {
        return f->id == id ? on_peers(*f, *p, out) : refuse("stolen identity");
    }
    if (const auto* f = std::get_if<wire::fingerprint>(&*decoded)) {
        const bool question = (f->flags & wire::fingerprint::question) != 0;
        return question ? refuse("misplaced frame") : on_answer(id, *f, out);
    }
    if (const auto* f = std::get_if<wire::ack>(&*decoded)) {
        return f->id == id ? on_ack(id, *f, out) : refuse("stolen identity");
    }
    if (const auto* f = std::get_if<wire::ask>(&*decoded)) {
        return f->id == id ? on_ask(id, *f, out) : refuse("stolen identity");
    }
    if (const auto* f = std::get_if<wire::inquiry>(&*decoded)) {
        return f->id == id ? on_inquiry(id, *f, out) : refuse("stolen identity");
    }
    if (const auto* f = std::get_if<wire::word>(&*decoded)) {
        return f->id == id ? on_word(*f) : refuse("stolen identity");
    }
    if (const auto* f = std::get_if<wire::left>(&*decoded)) {
        return f->id == id ? on_left(*f, from, out) : refuse("stolen identity");
    }
    if (const auto* f = std::get_if<wire::leaving>(&*decoded)) {
        return f->id == id ? on_leaving(id, *f, out) : refuse("stolen identity");
    }
    return refuse("misplaced frame");
}

verdict mesh::take(const link_changed& in, outbox& out) {
    const auto at = links_.find(in.link);
    if (at == links_.end()) return {};
    auto& l = at->second;
    const bool was_open = l.open;
    l.open = l.doubted = in.open;
    l.answered = false;
    l.asked_at.reset();
    check_later(l);
    if (in.refused) { // libzmq has given it up
        out.actions.push_back(hang_up{in.link});
        l.publish_endpoint.clear();
        l.dialled = false;
        l.dial_at = l.ask_at = at_.now + 2s;
        wake_by(l.dial_at);
        return refuse("link to where another security, or none, is spoken");
    }
    auto* const p = l.peer ? peers_.find(*l.peer) : nullptr;
    if (in.open) {
        l.contact = false;
        if (p != nullptr && p->via == in.link) follow(*p, out);
        l.greet_every = 50ms;
        l.greet_at = at_.now + l.greet_every;
        greet(in.link, true, out);
        wake_by(l.greet_at);
        return {};
    }
    if (was_open) { // a new incarnation may be there soon
        l.ask_at = at_.now + 100ms;
        l.ask_every = 100ms;
    }
    if (p != nullptr && is_member(*p)) {
        // While another way to it is tried, its end may close this one for that one's sake. And what has
        // never opened proves no death: something on the way may take connections and pass nothing on.
        if (was_open && !scout_.is_trying(*l.peer)) {
            p->health.life.closed(at_.now);
            p->health.inquire_at = at_.now; // what others said before counts no more
        }
        p->routable = false;
        wake_by(at_.now);
    }
    return {};
}

verdict mesh::take(const subscriber_changed& in, outbox& out) {
    if (!in.present) {
        subscribers_.erase(in.who);
        auto* const p = peers_.find(in.who);
        if (p == nullptr || !is_member(*p) || !p->via) return {};
        auto& l = links_[*p->via]; // it hears no broadcast for now: so that it hears of us at all
        l.greet_at = at_.now;
        l.greet_every = 50ms;
        wake_by(at_.now);
        return {};
    }
    if (subscribers_.size() >= 4 * settings_.limits.peers_max) return refuse("too many subscribers");
    subscribers_.insert(in.who);
    if (auto* const p = peers_.find(in.who); p != nullptr && p->greeted) {
        tell(in.who, *p, !p->sees_me, out);
        maybe_up(in.who, *p, out);
    }
    return {};
}

verdict mesh::take(const noise_arrived& in, outbox&) { return refuse(in.what); }

verdict mesh::take(const time_passed&, outbox&) { return {}; }

// ---------------------------------------------------------------- timers

void mesh::run_timers(outbox& out) {
    // A process that did not run cannot blame others for the silence.
    const auto pause = at_.now - step_at_;
    if (pause > stall_min) {
        for (auto& [id, p] : peers_) {
            p.health.life.excuse(pause);
            if (p.health.one_way_since) *p.health.one_way_since += pause;
        }
        for (auto& [number, l] : links_) {
            if (l.asked_at) *l.asked_at += pause;
        }
        excuse_pull(pause, out);
    }
    step_at_ = at_.now;
    wake_at_ = never;

    // Who is leaving goes on looking for somebody to take over, until it has said goodbye.
    const bool gone = handover_.has_said_left();
    if (settings_.beacon && !gone) announce(out);
    tend_quests(out);
    exchange_peers(out);
    const bool tidies = at_.now >= heartbeat_at_;
    if (tidies || publisher_.must_announce()) {
        // Twice in the time it takes while nothing changes: half the beats still outlive one that is lost.
        const bool changed = publish_hello(out);
        heartbeat_at_ = at_.now + settings_.liveness.heartbeat_every * (changed ? 1 : 2);
    }
    wake_by(std::min(heartbeat_at_, at_.now + stall_min / 2));

    if (!gone) seeding{*this}.tend(out);
    tend_links(out);
    greet_links(out);
    judge_peers(out);
    tend_dead(out);
    repeat_leaving(out);
    ask_members(out);
    nudge_pull(out);
    consider_pull(out);
    tend_spills(out);
    server_.expire(at_.now, out);
    wake_by(server_.deadline());
    if (store_.notes().wanted()) {
        if (const auto next = store_.next_deadline())
            wake_by(std::max(*next, instant{at_.now + hidden_within}));
    }
    if (tidies) look_for_garbage(out);
    if (tidies) tidy_roster(out);
    if (tidies) conflicts_.tend(takes_writes(), at_, out);
    if (tidies) claims_.look_for_gone(takes_writes(), out);
    claims_.tend(out);
    wake_by(std::min(claims_.deadline(), proofs_.deadline()));
}

// ---------------------------------------------------------------- work

bool mesh::work(const moment& at, outbox& out) {
    set_moment(at);
    bool more = false;
    const auto written = store_.counter_of(settings_.self);
    ask_members(out);
    if (store_.folding()) {
        more = store_.fold(settings_.bounds.slice);
        if (!more) judge_room(out);
        if (!more) consider_pull(out);
        more = true;
    } else if (work_on_delta(out)) {
        more = true;
    } else if (work_on_state(out)) {
        more = true;
    } else {
        more = work_on_ranges(out) || work_on_spill(out) || expiry_.work(at_, !handover_.is_leaving()) ||
               server_.work(at_, out) || stability_.work();
    }
    proofs_.answer_wanted(own_part(), out);
    judge_room(out);
    const auto wrote = [&] { return store_.counter_of(settings_.self) != written; };
    if (wrote()) { // values of a damaged spill: shown before they are judged
        more = true;
    } else {
        more = conflicts_.work(takes_writes(), at_, out) || more;
    }
    more = work_on_claims(wrote(), more, out) || more;
    flush(at, out);
    out.wake_at = wake_at_;
    return more || store_.folding();
}

// With every slice of work, last: a slice writes to a slot once.
bool mesh::work_on_claims(bool wrote, bool busy, outbox& out) {
    const auto slice = settings_.bounds.slice;
    const bool more = claims_.work(wrote ? 0 : busy ? (slice + 3) / 4 : slice, takes_writes(), out);
    wake_by(std::min(claims_.deadline(), proofs_.deadline()));
    return more;
}

// ---------------------------------------------------------------- members

void mesh::end_peer(const replica_id& id, peer& p, member_state state, event_kind kind, std::string reason,
                    outbox& out) {
    // Of one that was in contact only nobody was told that it is there.
    const bool half_known = peers_.transition(p, state, kind, at_.now) == member_state::contacting;
    p.redial.link_until = at_.now + redialling::link_kept_for;
    p.sees_me = false;
    p.greeted = false;
    p.routable = false;
    p.pull.at.reset();
    p.agreed.reset();
    p.proof.forget(); // when it is back it may hold more
    // What others answered before does not say whether they have seen this end, too.
    if (state == member_state::crashed) proofs_.forget_answers();
    p.leave.forget(state == member_state::left);
    out.acknowledged = true; // who waits for it need not any more
    if (pulling_ && pulling_->from == id) end_session(session_end::server_gone, out);
    server_.drop(id);
    inbox_.drop(id); // what was missing comes by repair, if at all
    if (p.via) {
        links_[*p.via].greet_at = at_.now;
        links_[*p.via].greet_every = 100ms;
    }
    if (!half_known) peers_.raise(out, kind, id, std::move(reason));
    scout_.beacon.news(at_.now);
    seeding{*this}.hurry();
    check_synced(out);
}

// A table full of the dead makes room for the living, oldest first.
void mesh::make_room(outbox& out, std::optional<link_id> keep) {
    while (peers_.size() >= settings_.limits.peers_max) {
        auto oldest = peers_.end();
        for (auto at = peers_.begin(); at != peers_.end(); ++at) {
            if (!is_gone(at->second)) continue;
            if (oldest == peers_.end() || at->second.ended_at < oldest->second.ended_at) oldest = at;
        }
        if (oldest == peers_.end()) return;
        if (keep && oldest->second.via == keep) { // its address speaks for somebody new just now
            links_[*keep].peer.reset();
        } else {
            release_link(oldest->second, out);
        }
        peers_.erase(oldest);
    }
}

// ---------------------------------------------------------------- reads

bool mesh::synced() const { return peers_.met_any() ? peers_.all_synced() : settings_.founding; }

std::vector<member> mesh::members() const {
    std::vector<member> all;
    const auto own = store_.counter_of(settings_.self);
    for (const auto& [id, p] : peers_) {
        const auto told = p.holds.seen.of(settings_.self);
        all.push_back({id, p.name, p.state, p.endpoint, p.synced, own > told ? own - told : 0,
                       publisher_.sent().age_of(told + 1, at_.now),
                       p.proof.timed ? std::optional(std::chrono::duration_cast<std::chrono::microseconds>(
                                           p.proof.round_trip))
                                     : std::nullopt});
    }
    std::sort(all.begin(), all.end(), [](const member& a, const member& b) {
        return std::tie(a.name, a.id) < std::tie(b.name, b.id);
    });
    return all;
}

node_stats mesh::stats() const {
    auto all = counters_;
    all.members_up = peers_.count_up();
    all.keys = store_.keys();
    all.records = store_.records();
    all.removals = store_.removals();
    all.residues = store_.residues();
    all.archived = store_.archived().size();
    all.origins = store_.seen().size();
    all.key_value_bytes = store_.key_value_bytes();
    all.store_bytes = store_.memory_bytes();
    all.ordered_bytes = store_.ordered_bytes();
    all.sessions_open = server_.size() + (pulling_ ? 1 : 0);
    all.sessions_served = server_.counted().served;
    all.sessions_compared += server_.counted().compared;
    all.sessions_resumed = server_.counted().resumed;
    all.state_bytes_sent = server_.counted().bytes;
    all.spills_waiting = spills_waiting();
    all.claims = claims_.counted().made;
    all.claims_lost = claims_.counted().lost;
    all.conflicts = conflicts_.counted().found;
    all.siblings_resolved = conflicts_.counted().resolved;
    all.expired = expiry_.removed();
    all.evictions = stability_.evictions();
    all.probes_sent = detector_.counted().probes_sent;
    all.probes_answered = detector_.counted().probes_answered;
    for (const auto& [reason, count] : refused_) all.refused_by_reason.emplace_back(reason, count);
    all.members = members();
    return all;
}

void mesh::note_sent() {
    publisher_.sent().note(store_.counter_of(settings_.self), at_.now, [this] {
        auto least = store_.counter_of(settings_.self);
        for (const auto& [id, p] : peers_) {
            if (is_member(p)) least = std::min(least, p.holds.seen.of(settings_.self));
        }
        return least;
    });
}

} // namespace baton::core
