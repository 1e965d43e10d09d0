// Contact and the readiness handshake. A peer is up when each side has greeted the other and each side's PUB
// has seen the other's subscription: from then on no delta is lost to a slow joiner.
#include "core/seeding.hpp"
#include "core/standing.hpp"
#include "core/told.hpp"

#include <algorithm>
#include <iterator>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr auto stranger_answered_every = 20ms;

std::uint64_t flag(bool set, std::uint64_t bit) { return set ? bit : 0; }
} // namespace

// ---------------------------------------------------------------- hello

wire::hello mesh::make_hello(std::uint64_t flags) {
    wire::hello f;
    f.cluster = settings_.cluster;
    f.versions = settings_.versions;
    f.id = settings_.self;
    f.flags = flags | flag(handover_.is_leaving(), wire::hello::is_leaving) |
              flag(room_.is_full(), wire::hello::is_full);
    f.name = settings_.name;
    f.hosts = settings_.hosts;
    f.port = settings_.port;
    f.publish_port = settings_.publish_port;
    f.at = standing_of(store_);
    f.latest = store_.counter_of(settings_.self);
    f.clock = clock_.last();
    f.reach = settings_.reach;
    if (f.at.has_state) f.live = live_bytes(store_);
    return f;
}

void mesh::greet(link_id number, bool wants_answer, outbox& out) {
    auto& l = links_[number];
    std::uint64_t flags = flag(wants_answer, wire::hello::wants_answer);
    if (l.peer && subscribers_.contains(*l.peer)) flags |= wire::hello::sees_you;
    auto* const p = l.peer ? peers_.find(*l.peer) : nullptr;
    if (p != nullptr) p->holds.told_otherwise = true;
    if (wants_answer && !l.asked_at) l.asked_at = at_.now;
    // Somebody who reads less may have the address by now.
    const auto* const reader = l.doubted ? nullptr : p;
    out.actions.push_back(send_request{number, courier_.encode_for(reader, make_hello(flags))});
}

void mesh::tell(const replica_id& id, peer& p, bool wants_answer, outbox& out) {
    std::uint64_t flags = flag(wants_answer, wire::hello::wants_answer);
    if (subscribers_.contains(id)) flags |= wire::hello::sees_you;
    p.holds.told_otherwise = true;
    courier_.send_to(id, p, make_hello(flags), out);
}

std::string mesh::no_common_version(const wire::versions& theirs) const {
    return "no common wire version: " + theirs.to_string() + " there, " + settings_.versions.to_string() +
           " here";
}

// Once of each node.
void mesh::tell_refused(const replica_id& id, std::string name, std::string reason, outbox& out) {
    if (scout_.foreign_told.first(id.to_string(), at_.now))
        out.events.push_back({event_kind::refused, id, std::move(name), std::move(reason), 0});
}

verdict mesh::on_hello(const wire::hello& f, const arrival& from, outbox& out) {
    const auto turn_away = [&](const char* reason, const std::string& told = {}) {
        tell_refused(f.id, f.name, told.empty() ? reason : told, out);
        if (from.link) { // keep a seed's link, quietly: its address may be reused by one of ours
            auto& l = links_[*from.link];
            l.greet_every = 10s;
            l.greet_at = at_.now + l.greet_every;
        }
        return refuse(reason);
    };
    if (f.cluster != settings_.cluster) {
        ++counters_.foreign_cluster;
        return turn_away("hello of another cluster");
    }
    const auto version = settings_.versions.common(f.versions);
    if (version == 0) {
        // Who was dialled says its range too, so that both know.
        if (from.route) out.actions.push_back(send_reply{f.id, courier_.encode_for(nullptr, make_hello(0))});
        return turn_away("no common wire version", no_common_version(f.versions));
    }
    if (!is_open() && from.link && introductions_.known.owner_of(links_[*from.link].key) != f.id)
        return turn_away("stolen identity"); // whoever answers there has the key of somebody else
    if (f.id == settings_.self) {            // we have dialled ourselves
        if (from.link) {
            const auto& l = links_[*from.link];
            if (scout_.self_endpoints.size() < 256) scout_.self_endpoints.insert(l.endpoint);
            // A beacon of our former incarnation may have led us here.
            if (auto* const former = l.peer ? peers_.find(*l.peer) : nullptr) former->via.reset();
            links_.erase(*from.link);
            out.actions.push_back(hang_up{*from.link});
        } else if (from.route) { // the other end of that link is ours, and has to learn it
            out.actions.push_back(send_reply{f.id, courier_.encode_for(nullptr, make_hello(0))});
        }
        return {};
    }
    if (f.head_only) { // told in a version both speak, it answers in one
        auto bytes = wire::encode(make_hello(wire::hello::wants_answer), version);
        if (from.route) {
            out.actions.push_back(send_reply{f.id, std::move(bytes)});
        } else {
            out.actions.push_back(send_request{*from.link, std::move(bytes)});
        }
        return {};
    }
    auto ways = discovery::parse_hosts(f.hosts, {{}, f.port, f.publish_port}, from.host);
    if (ways.empty() && !from.host.empty()) ways.push_back({std::string(from.host), f.port, f.publish_port});
    if (ways.empty()) ways = discovery::parse_hosts(f.reach, {{}, f.port, f.publish_port}, {});
    // Old transports (ZMTP 2) do not say where a message comes from.
    if (ways.empty() && !from.link)
        return turn_away("hello without an address", "it says no `hosts`, and its ZMTP tells no address");
    auto* known = peers_.find(f.id);
    if (known != nullptr && known->state == member_state::left) return {};
    if (known == nullptr) {
        if (handover_.has_said_left()) return {};
        make_room(out, from.link);
        if (peers_.size() >= settings_.limits.peers_max) return turn_away("too many peers");
        known = &peers_.add(f.id);
        out.note("hello", f.id);
    }
    auto& p = *known;
    if (from.link) links_[*from.link].doubted = links_[*from.link].stale = false;
    if (from.link) {
        const auto& endpoint = links_[*from.link].endpoint;
        if (scout_.seeds.contains(endpoint)) scout_.seed_ids[endpoint] = f.id;
    }
    p.name = f.name;
    if (p.version != version) {
        p.version = version;
        courier_.choose_version();
    }
    p.health.life.heard(at_.now, true);
    if (from.route) p.routable = true;

    if (from.link) {
        p.endpoint = links_[*from.link].endpoint; // the address that works
    } else if (!p.greeted || p.host.empty()) {
        p.endpoint = discovery::endpoint_of(ways.front().host, ways.front().port);
    }
    p.host = discovery::host_in(p.endpoint);
    const auto said = std::find_if(ways.begin(), ways.end(), [&](const discovery::address& each) {
        return discovery::endpoint_of(each.host, each.port) == p.endpoint;
    });
    p.publish_endpoint =
        discovery::endpoint_of(p.host, said == ways.end() ? f.publish_port : said->publish_port);
    if (from.link) {
        bind(*from.link, f.id, out);
    } else if (!p.via && !held_by_another(p.endpoint, f.id) && introductions_.dials.take(at_.now)) {
        // Where it says that it is; with a key a member says so. It greets again until it is up.
        bind(connect(p.endpoint, out, introductions_.known.key_of(f.id), is_open()), f.id, out);
    }
    follow(p, out, from.route && !p.greeted && p.host == from.host);
    if (f.hosts.empty()) { // it does not say which: any of its interfaces may do
        auto all = discovery::parse_hosts(f.reach, {{}, f.port, f.publish_port}, {});
        ways.insert(ways.end(), std::make_move_iterator(all.begin()), std::make_move_iterator(all.end()));
    }
    learn_ways(p, ways);
    if (from.route && f.hosts.empty()) note_moved(f.id, p, f.reach, from.host);
    if (from.route && p.state == member_state::contacting && ways.size() > 1) seek(f.id, ways, 100ms);

    const bool first = !p.greeted;
    p.greeted = true;
    if (from.link) note_address_taken(f.id, p.endpoint, f);
    if (first) meet_namesakes(f.id, p, out);
    p.sees_me = (f.flags & wire::hello::sees_you) != 0;
    p.holds.full = (f.flags & wire::hello::is_full) != 0;
    p.holds.live_bytes = f.live;
    if ((f.flags & wire::hello::is_leaving) != 0 && p.state == member_state::up) begin_leaving(f.id, p, out);
    observe(f.id, f.clock, out);
    if ((f.flags & wire::hello::wants_answer) != 0) {
        std::uint64_t flags = flag(subscribers_.contains(f.id), wire::hello::sees_you);
        if (first && !p.sees_me) flags |= wire::hello::wants_answer;
        p.holds.told_otherwise = true;
        auto bytes = courier_.encode_for(&p, make_hello(flags));
        if (from.route) {
            out.actions.push_back(send_reply{f.id, std::move(bytes)});
        } else {
            out.actions.push_back(send_request{*from.link, std::move(bytes)});
        }
    }
    p.holds.seen.raise({f.id, f.latest}); // once archived by mistake, its cut does not name it
    learn_standing(f.id, p, f.at, is_member(p) ? mesh_clock::duration{100ms} : mesh_clock::duration{0}, out);
    maybe_up(f.id, p, out);
    if (p.state == member_state::suspect) judge_peers(out);
    wake_by(at_.now + 1ms);
    return {};
}

// Somebody that has been forgotten here, and hears this node all the while, has no reason to greet again: it
// is asked to. One answer in a moment for all strangers: whatever they send, they are not worth more.
verdict mesh::answer_stranger(const replica_id& from, outbox& out) {
    const bool answers = !handover_.has_said_left() && settings_.broken != mutation::strangers_ignored &&
                         at_.now - scout_.strangers_answered_at >= stranger_answered_every;
    if (answers) {
        scout_.strangers_answered_at = at_.now;
        out.actions.push_back(
            send_reply{from, courier_.encode_for(nullptr, make_hello(wire::hello::wants_answer))});
    }
    return refuse("request by nobody known");
}

// Whoever was at this address before is no more, if the node that answers there has the address itself: a
// name, or an address that is shared out among many, leads elsewhere at the next dial.
void mesh::note_address_taken(const replica_id& by, const std::string& endpoint, const wire::hello& f) {
    const auto host = discovery::host_in(endpoint);
    if (!discovery::is_numeric(host)) return;
    const auto own =
        discovery::parse_hosts(f.hosts.empty() ? f.reach : f.hosts, {{}, f.port, f.publish_port}, {});
    const bool has_it =
        discovery::is_loopback(host) || std::any_of(own.begin(), own.end(), [&](const auto& each) {
            return discovery::endpoint_of(each.host, each.port) == endpoint;
        });
    if (!has_it) return;
    for (auto& [id, p] : peers_) {
        if (id != by && is_gone(p) && p.endpoint == endpoint) p.address_taken = true;
    }
}

void mesh::maybe_up(const replica_id& id, peer& p, outbox& out) {
    if (is_member(p) || p.state == member_state::left) return;
    if (!p.greeted || look_both_ways(id, p) != nullptr) return;
    const auto from = peers_.transition(p, member_state::up, event_kind::joined, at_.now);
    p.agreed.reset();
    p.health.life.heard(at_.now, true);
    p.pull.pace.went_well(); // what failed before was of the contact before
    peers_.raise(out, event_kind::joined, id, from == member_state::crashed ? "back" : "new");
    note_lack(p, 0ms);
    tell(id, p, false, out); // the other side may be waiting for just this
    tell_peers(id, p, out);
    exchange_soon();
    scout_.beacon.news(at_.now);
    seeding{*this}.hurry();
    check_synced(out);
    consider_pull(out);
}

verdict mesh::on_brief(const wire::brief& f, outbox& out) {
    auto* const p = peers_.find(f.id);
    if (p == nullptr) return refuse("broadcast by nobody known");
    p->health.life.heard(at_.now, false);
    if (!is_member(*p)) return {};
    if (p->version >= 5) p->holds.full = false; // one that is full sends whole HELLOs
    // What its own counter says is certain: PUB delivers in order, so a delta we have not seen by now is
    // lost.
    if (f.latest > store_.counter_of(f.id)) {
        if (!receiver_.is_open()) ++counters_.gaps;
        p->holds.seen.raise({f.id, f.latest});
        note_lack(*p, 0ms);
    }
    const auto own = standing_of(store_);
    const auto own_hash = wire::hash_of(own);
    if (f.standing_hash == own_hash) {
        p->pull.at.reset();
        if (own.has_state && f.state_low != 0)
            compare_digests(f.id, *p, f.state_low == own.state.low, out, own.state.to_string() + " here");
        p->holds.seen.join(own.seen);
        out.acknowledged = true;
        p->holds.told = own.seen;
        p->agreed.report(own.seen, store_);
        p->holds.archive = own.archive;
        p->holds.seen.raise({settings_.self, store_.counter_of(settings_.self)});
        p->holds.standing_hash = own_hash;
        p->holds.hash_known = true;
        handover_.answer(takes_writes(), out);
    } else if ((!p->holds.hash_known || f.standing_hash != p->holds.standing_hash) &&
               at_.now - p->asked_at >= 100ms) {
        p->asked_at = at_.now; // the hello that said what it holds was lost
        tell(f.id, *p, true, out);
    }
    return {};
}

// ---------------------------------------------------------------- who holds what

void mesh::learn_standing(const replica_id& id, peer& p, const wire::standing& s, mesh_clock::duration grace,
                          outbox& out) {
    cut room;
    const auto& seen = learn(p, s.seen, room);
    p.holds.overfull = &seen == &room;
    p.holds.standing_hash = wire::hash_of(s);
    p.holds.hash_known = !p.holds.overfull; // what it says later as a difference to this is not understood
    p.holds.archive = s.archive;
    p.holds.told = seen;
    p.agreed.report(seen, store_);
    // Where this node has been archived by mistake, no cut names its own events before it writes again.
    if (s.archive == store_.archive_digest())
        p.holds.seen.raise({settings_.self, store_.archived().of(settings_.self)});
    out.acknowledged = true; // it may hold what somebody waits for, and is not asked again
    note_lack(p, grace);
    if (s.has_state && s.seen == store_.seen() && s.archive == store_.archive_digest()) {
        if (const auto own = store_.state_digest()) {
            compare_digests(id, p, *own == s.state, out, own->to_string() + " here, " + s.state.to_string());
        }
    }
}

// I1 says that this never differs; it is told once until it is well again.
void mesh::compare_digests(const replica_id& id, peer& p, bool equal, outbox& out, std::string both) {
    ++counters_.digest_checks;
    if (!equal) {
        ++counters_.diverged;
        if (!p.holds.diverged)
            peers_.raise(out, event_kind::diverged, id, "equal cuts, different digests: " + both);
        if (!p.pull.at) p.pull.at = at_.now; // what either side holds is repaired by union
        wake_by(*p.pull.at);
    }
    p.holds.diverged = !equal;
}

// Joins what a member reports into what it is known to have seen, within limits.unknown_ids_max. The cut that
// is kept of it: `reported`, or, where some of it was left out, `room`.
const cut& mesh::learn(peer& p, const cut& reported, cut& room) {
    const auto most = settings_.limits.unknown_ids_max;
    const auto known = [this](const replica_id& id) {
        return store_.counter_of(id) != 0 || peers_.contains(id);
    };
    std::size_t left_out = 0;
    if (reported.size() > most) room = heed(reported, most, known, left_out);
    counters_.ids_ignored += left_out;
    const auto& kept = left_out != 0 ? room : reported;
    p.holds.seen.join(kept);
    trim(p.holds.seen, kept, most, known);
    // It is waited for from now on: a burst may come before the next heartbeat.
    if (!p.lag.evicted && p.holds.seen.of(settings_.self) >= store_.counter_of(settings_.self))
        p.lag.kept_up = true;
    return kept;
}

void mesh::check_synced(outbox& out) {
    peers_.check_synced(store_, settings_.broken == mutation::synced_at_once, out);
}

// True when there was news to tell.
bool mesh::publish_hello(outbox& out) {
    publisher_.announced();
    courier_.choose_version();
    send_batches(out); // on PUB a word of an event never comes before the event
    const auto sum = store_.state_digest();
    // Who is full says so with every heartbeat: the one that told it first may be lost.
    const bool unchanged = published_generation_ == store_.generation() && sum == published_digest_ &&
                           full_told_ && !room_.is_full();
    full_told_ = true;
    std::string bytes;
    if (unchanged) {
        bytes = courier_.encode_for_all(wire::brief{settings_.self, wire::hash_of(standing_of(store_)),
                                                    sum ? sum->low : 0, store_.counter_of(settings_.self)});
    } else {
        auto f = make_hello(0);
        f.reach.clear();
        receiver_.note_told(f.at);
        bytes = courier_.encode_for_all(f);
        published_generation_ = store_.generation();
        published_digest_ = sum.value_or(digest{});
    }
    counters_.hello_bytes_sent += bytes.size();
    out.actions.push_back(send_broadcast{std::move(bytes)});
    return !unchanged;
}

} // namespace baton::core
