#include "core/mesh.hpp"

#include "crdt/assert.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr auto stall_min = 400ms;
constexpr auto hidden_within = 20ms; // expired values are reported to watchers within this time
} // namespace

mesh::mesh(mesh_options settings, const moment& start)
    : settings_(std::move(settings))
    , time_(start)
    , random_(settings_.random_seed)
    , store_(settings_.self, random_(), settings_.broken, settings_.bounds.store)
    , room_(settings_.limits.bytes_max.value_or(0))
    , peers_(settings_.self)
    , contact_(settings_, peers_, courier_, {settings_, store_, writes_, room_, handover_}, random_, time_,
               tally_)
    , reports_(settings_, store_, peers_, time_, tally_.counters)
    , courier_(settings_, peers_, contact_.links.all(), tally_.counters)
    , detector_(settings_, peers_, courier_, contact_.greetings, contact_.introductions.keys(), random_,
                time_)
    , writes_(settings_, store_, contact_.links.subscribers(), room_, handover_, tally_.counters)
    , inbox_(store_, tally_.counters,
             {settings_.bounds.slice, settings_.limits.early_bytes_max, settings_.broken})
    , proofs_(store_, peers_, courier_, contact_.searches.under_way(), tally_.counters,
              {settings_.bounds.wants, settings_.mesh_size, settings_.broken})
    , server_(settings_, store_, peers_, courier_, random_)
    , receiver_(settings_, store_, peers_, courier_, server_, random_)
    , spills_(settings_, store_, peers_, server_, receiver_, writes_.write, start.now)
    , stability_(settings_, store_, peers_, server_, writes_.write, writes_.out)
    , handover_(settings_, store_, peers_, courier_)
    , registers_(settings_, store_, writes_, peers_, proofs_, courier_, time_) {
    settings_.keys.clear(); // keys stay in the ring only
    set_moment(start);
}

mesh::~mesh() = default;

// ---------------------------------------------------------------- inputs

void mesh::set_moment(const moment& at) {
    time_.begin(at);
    store_.set_now(at.now);
    registers_.owned.set_moment(at);
}

// ---------------------------------------------------------------- timers

void mesh::run_timers(outbox& out) {
    // A process that did not run cannot count its own pause as the silence of others.
    const auto pause = time_.pause();
    if (pause > stall_min) {
        for (auto& [id, p] : peers_) {
            p.health.life.excuse(pause);
            if (p.health.one_way_since) *p.health.one_way_since += pause;
        }
        contact_.links.excuse(pause);
        (void)settle(receiver_.excuse(pause, time_.at(), out), out);
    }
    time_.clear();
    contact_.look_for_others(out);
    const bool tidies = contact_.news.is_due();
    if (tidies || writes_.out.must_announce()) {
        // While nothing changes the heartbeat is half as frequent; a member still outlives the loss of one.
        const bool changed = publish_hello(out);
        contact_.news.beat_after(settings_.liveness.heartbeat_every * (changed ? 1 : 2));
    }
    wake_by(std::min<instant>(contact_.news.due(), time_.now() + stall_min / 2));

    contact_.tend_links(out);
    judge_peers(out);
    if (auto* const crashed = contact_.tend_dead(out)) detector_.probe_dead(*crashed, out);
    repeat_leaving(out);
    ask_members(out);
    (void)settle(receiver_.tend(time_.at(), out), out);
    consider_pull(out);
    spills_.tend(writes_.may_write() && inbox_.empty(), time_.at(), out);
    wake_by(spills_.take_deadline());
    server_.expire(time_.now(), out);
    wake_by(server_.deadline());
    if (store_.notes().wanted()) {
        if (const auto next = store_.next_deadline())
            wake_by(std::max(*next, instant{time_.now() + hidden_within}));
    }
    if (tidies) look_for_garbage(out);
    if (tidies) contact_.introductions.tidy(out);
    registers_.tend(tidies, out);
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
    } else {
        const auto session = receiver_.work(time_.at(), out);
        (void)settle(session, out);
        more = session.more || spills_.work(writes_.may_write(), time_.at(), out) ||
               registers_.over.work(time_.at(), !handover_.is_leaving()) || server_.work(time_.at(), out) ||
               stability_.work();
    }
    proofs_.answer_wanted(own_part(), out);
    judge_room(out);
    more = registers_.work(store_.counter_of(settings_.self) != written, more, out);
    flush(at, out);
    out.wake_at = time_.wake_at();
    return more || store_.folding();
}

// ---------------------------------------------------------------- members

void mesh::end_peer(const replica_id& id, peer& p, member_state state, event_kind kind, std::string reason,
                    outbox& out) {
    // The program was never told of a peer that was only in contact.
    const bool half_known = peers_.transition(p, state, kind, time_.now()) == member_state::contacting;
    p.redial.link_until = time_.now() + redialling::link_kept_for;
    p.sees_me = false;
    p.greeted = false;
    p.routable = false;
    p.pull.at.reset();
    p.agreed.reset();
    p.proof.forget(); // a member that comes back may hold more
    // Earlier answers do not show whether the other members have seen this end, too.
    if (state == member_state::crashed) proofs_.forget_answers();
    p.leave.forget(state == member_state::left);
    out.acknowledged = true; // calls that wait for this member need not wait any more
    (void)settle(receiver_.drop(id, time_.at(), out), out);
    server_.drop(id);
    inbox_.drop(id); // a session brings the missing events, if any member has them
    if (!half_known) peers_.raise(out, kind, id, std::move(reason));
    contact_.ended(p);
    check_synced(out);
}

// Ends a peer because another node answers at its address.
void mesh::end_replaced(const replica_id& former, const replica_id& by, outbox& out) {
    end_peer(former, *peers_.find(former), member_state::crashed, event_kind::restarted,
             "its address answers as " + by.to_string().substr(0, 8), out);
}

// ---------------------------------------------------------------- reads

bool mesh::synced() const { return peers_.met_any() ? peers_.all_synced() : settings_.founding; }

std::vector<member> mesh::members(const replica_id& after, std::size_t most) const {
    std::vector<member> all;
    all.reserve(std::min(most, peers_.size()));
    const auto own = store_.counter_of(settings_.self);
    for (auto each = peers_.upper_bound(after); each != peers_.end() && all.size() < most; ++each) {
        const auto& [id, p] = *each;
        const auto told = p.holds.seen.of(settings_.self);
        all.push_back({id, p.name, p.state, p.endpoint, p.synced, own > told ? own - told : 0,
                       writes_.out.sent().age_of(told + 1, time_.now()),
                       p.proof.timed ? std::optional(std::chrono::duration_cast<std::chrono::microseconds>(
                                           p.proof.round_trip))
                                     : std::nullopt,
                       p.door != 0 ? discovery::endpoint_of(p.host, p.door) : std::string{}});
    }
    return all;
}

void sort_by_name(std::vector<member>& all) {
    std::sort(all.begin(), all.end(), [](const member& a, const member& b) {
        return std::tie(a.name, a.id) < std::tie(b.name, b.id);
    });
}

node_stats mesh::stats() const {
    auto all = tally_.counters;
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
    all.sessions_open = server_.size() + (receiver_.is_open() ? 1 : 0);
    all.sessions_served = server_.counted().served;
    all.sessions_pulled = receiver_.counted().pulled;
    all.sessions_failed = receiver_.counted().failed;
    all.sessions_compared = server_.counted().compared + receiver_.counted().compared;
    all.sessions_resumed = server_.counted().resumed;
    all.state_bytes_sent = server_.counted().bytes;
    all.state_bytes_received = receiver_.counted().bytes;
    all.events_applied += receiver_.counted().applied;
    all.spills_waiting = spills_.waiting();
    all.claims = registers_.owned.counted().made;
    all.claims_lost = registers_.owned.counted().lost;
    all.conflicts = registers_.contested.counted().found;
    all.siblings_resolved = registers_.contested.counted().resolved;
    all.expired = registers_.over.removed();
    all.evictions = stability_.evictions();
    all.probes_sent = detector_.counted().probes_sent;
    all.probes_answered = detector_.counted().probes_answered;
    all.knocks = contact_.seeds.knocks() + contact_.dead.knocks();
    all.peers_told = contact_.rumours.told();
    all.hello_bytes_sent = contact_.news.bytes();
    for (const auto& [reason, count] : tally_.by_reason()) all.refused_by_reason.emplace_back(reason, count);
    return all;
}

void mesh::note_sent() {
    writes_.out.sent().note(store_.counter_of(settings_.self), time_.now(), [this] {
        auto least = store_.counter_of(settings_.self);
        for (const auto& [id, p] : peers_) {
            if (is_member(p)) least = std::min(least, p.holds.seen.of(settings_.self));
        }
        return least;
    });
}

} // namespace baton::core
