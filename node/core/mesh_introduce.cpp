// Introductions: whose beacons are believed, and, in a mesh with a key, how two nodes get to know each
// other's link keys before either dials. A question is a sealed beacon with a nonce, sent to the UDP port
// that has the number of the ROUTER's; the answer is a sealed beacon that repeats the nonce.
#include "core/mesh.hpp"
#include "discovery/probe.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;
using discovery::purpose;

namespace {
constexpr auto question_lasts = 5s;
constexpr auto ask_every_min = 50ms, ask_strangers_every_min = 100ms;
constexpr auto redial_contact_min = 2000ms, redial_contact_max = 10'000ms; // a handshake may take as long
constexpr unsigned unanswered_told_at = 5;

std::string host_in(const std::string& endpoint) { return endpoint.substr(6, endpoint.rfind(':') - 6); }
} // namespace

// ---------------------------------------------------------------- who is believed

verdict mesh::refuse_beacon(const char* reason) {
    ++counters_.refused_beacons;
    ++refused_[reason];
    return {reason};
}

// Somebody who has no key of ours, or has one that we have not: its operator wants to know.
verdict mesh::refuse_stranger(const char* reason, std::string_view host, outbox& out) {
    const auto whose = std::string(host) + '|' + reason;
    if (scout_.foreign_told.first(whose, at_.now) || scout_.foreign_told.is_new_kind(reason))
        out.events.push_back({event_kind::refused, {}, std::string(host), reason, 0});
    return refuse_beacon(reason);
}

// With a key its seal comes before everything else; without one, a seal is told from noise by what it covers.
verdict mesh::hear(std::string_view bytes, purpose what, std::string_view host, heard_beacon& into,
                   outbox& out) {
    const bool is_beacon = what == purpose::beacon;
    if (is_open()) {
        if (!is_beacon) return refuse_stranger("introduction, and there is no key here", host, out);
        auto decoded = discovery::decode_beacon(bytes);
        if (!decoded && bytes.size() > discovery::seal_bytes &&
            discovery::decode_beacon(bytes.substr(0, bytes.size() - discovery::seal_bytes)))
            return refuse_stranger("sealed beacon, and there is no key here", host, out);
        if (!decoded) return refuse_beacon("malformed beacon");
        into.said = std::move(*decoded);
    } else {
        const auto opened = discovery::unseal(bytes, what, introductions_.ring);
        using fault = discovery::unsealed::fault;
        if (opened.why == fault::unknown_key) {
            return refuse_stranger(
                is_beacon ? "beacon under no key of ours" : "introduction under no key of ours", host, out);
        }
        if (opened.why == fault::wrong_mac)
            return refuse_stranger(is_beacon ? "beacon with a wrong MAC" : "introduction with a wrong MAC",
                                   host, out);
        auto decoded = discovery::decode_beacon(opened.payload);
        if (!decoded) return refuse_beacon("malformed beacon");
        into.said = std::move(*decoded);
        into.by = opened.by;
    }
    const auto& b = into.said;
    into.own = b.id == settings_.self;
    if (into.own) return {};
    if (b.cluster != settings_.cluster) {
        ++counters_.foreign_cluster;
        return {"beacon of another cluster"};
    }
    const wire::versions theirs{b.version_min, b.version_max};
    if (settings_.versions.common(theirs) == 0) {
        tell_refused(b.id, {}, no_common_version(theirs), out);
        return refuse_beacon("beacon of another wire version");
    }
    return {};
}

// Notes whose key it is, so that its links are admitted.
discovery::roster::finding mesh::vouch(const discovery::beacon& b, purpose what, bool echoed, outbox& out) {
    using finding = discovery::roster::finding;
    auto& known = introductions_.known;
    if (known.is_full()) tidy_roster(out);
    const auto found = known.hear(b.id, b.key, {what, b.sequence}, b.time_ms, echoed, at_);
    if (found == finding::vouched) {
        out.actions.push_back(admit{b.id, b.key});
        out.note("vouched", b.id);
    }
    return found;
}

void mesh::tidy_roster(outbox& out) {
    if (is_open()) return;
    introductions_.known.tidy(
        at_,
        [this](const replica_id& id) {
            const auto* const p = peers_.find(id);
            return p != nullptr && p->state != member_state::left;
        },
        [&](const replica_id& id) { out.actions.push_back(expel{id}); });
}

namespace {
// What is wrong with a beacon that nothing can make right.
const char* fault_of(discovery::roster::finding found) {
    using finding = discovery::roster::finding;
    switch (found) {
    case finding::replayed:
        return "replayed beacon";
    case finding::other_key:
        return "beacon with another's key";
    case finding::full:
        return "too many keys";
    default:
        return nullptr;
    }
}
} // namespace

// False: it is not to be acted upon now; `why` says so if it is a fault of the beacon.
bool mesh::believes(const discovery::beacon& b, std::string_view host, verdict& why, outbox& out) {
    if (is_open()) return true;
    const auto found = vouch(b, purpose::beacon, false, out);
    if (const auto* const fault = fault_of(found)) {
        why = refuse_beacon(fault);
        return false;
    }
    // Its last beacon again, and it has not answered: a recording may be played for ever.
    if (found == discovery::roster::finding::repeated && peers_.find(b.id) == nullptr) {
        why = refuse_beacon("replayed beacon");
        return false;
    }
    if (found != discovery::roster::finding::stale) return true;
    // Its clock or ours is wrong, or it is an old recording: only a living node can echo.
    if (introductions_.challenges.take(at_.now)) {
        const auto way = ways_of(b, host).front();
        ask(discovery::endpoint_of(way.host, way.port), true, out);
    } else {
        why = refuse_beacon("too many introductions");
    }
    return false;
}

// ---------------------------------------------------------------- what is said

discovery::beacon mesh::make_beacon() {
    discovery::beacon b{settings_.cluster,      settings_.versions.min, settings_.versions.max,
                        settings_.self,         ++scout_.sequence,      settings_.port,
                        settings_.publish_port, settings_.hosts,        settings_.reach};
    if (is_open()) return b;
    b.time_ms = at_.wall_ms;
    b.key = settings_.link_key;
    return b;
}

std::string mesh::beacon_bytes() {
    auto bytes = discovery::encode(make_beacon());
    if (!is_open()) discovery::seal(bytes, purpose::beacon, introductions_.ring.used());
    return bytes;
}

// At most questions_max at a time, and limits.introductions_max a second; the rest is asked again later
// anyway. Empty: not now.
std::string mesh::new_question(const std::string& endpoint, bool of_stranger) {
    auto& asked = introductions_.asked;
    std::erase_if(asked, [this](const auto& each) { return each.second.until <= at_.now; });
    if (asked.size() >= introductions::questions_max) return {};
    if (of_stranger && !introductions_.questions_to_strangers.take(at_.now)) return {};
    if (!introductions_.questions.take(at_.now)) return {};
    auto nonce = discovery::make_nonce(settings_.nonce_seed, ++introductions_.last_nonce);
    asked[nonce] = {endpoint, at_.now + question_lasts};
    return nonce;
}

void mesh::ask(const std::string& endpoint, bool of_stranger, outbox& out) {
    auto b = make_beacon();
    b.nonce = new_question(endpoint, of_stranger);
    if (b.nonce.empty()) return;
    auto bytes = discovery::encode(b, introductions::datagram_bytes - discovery::seal_bytes);
    discovery::seal(bytes, purpose::introduction, introductions_.ring.used());
    ++counters_.introductions_sent;
    out.actions.push_back(send_datagram{endpoint, std::move(bytes)});
}

// Under the key of the question, which the asker has; never longer than the question.
verdict mesh::answer(const datagram_arrived& in, const heard_beacon& question,
                     discovery::roster::finding asker, outbox& out) {
    using finding = discovery::roster::finding;
    const bool stale = asker == finding::stale;
    if (stale && !introductions_.challenged.note(question.said.nonce))
        return refuse_beacon("replayed introduction");
    auto& allowed = stale                       ? introductions_.challenges
                    : asker == finding::vouched ? introductions_.newcomers
                                                : introductions_.answers;
    if (!introductions_.by_source.take(in.host, at_.now) || !allowed.take(at_.now))
        return refuse_beacon("too many introductions");
    auto b = make_beacon();
    b.echo = question.said.nonce;
    std::size_t bytes_min = 0;
    if (stale) { // it has to echo, too, and its answer needs room
        b.nonce = new_question(in.endpoint, true);
        bytes_min = introductions::datagram_bytes - discovery::seal_bytes;
    }
    auto bytes = discovery::encode(b, bytes_min);
    discovery::seal(bytes, purpose::introduction, *question.by);
    if (bytes.size() > in.bytes.size()) return refuse_beacon("introduction too short to be answered");
    ++counters_.introductions_answered;
    out.actions.push_back(send_datagram{in.endpoint, std::move(bytes)});
    return {};
}

verdict mesh::take(const datagram_arrived& in, outbox& out) {
    if (discovery::is_probe(in.bytes)) return on_probe(in, out);
    ++counters_.introductions_received;
    heard_beacon heard;
    if (const auto v = hear(in.bytes, purpose::introduction, in.host, heard, out); !v) return v;
    auto& asked = introductions_.asked;
    const auto& b = heard.said;
    if (heard.own) { // a seed is our own address
        const auto mine = asked.find(b.nonce);
        if (mine != asked.end() && scout_.self_endpoints.size() < 256) {
            scout_.self_endpoints.insert(mine->second.endpoint);
            forget_undialled(mine->second.endpoint);
        }
        return {};
    }
    const auto question = b.echo.empty() ? asked.end() : asked.find(b.echo);
    const bool echoed = question != asked.end();
    std::string endpoint;
    if (echoed) {
        endpoint = question->second.endpoint;
        asked.erase(question);
    }
    const auto found = vouch(b, purpose::introduction, echoed, out);
    if (const auto* const fault = fault_of(found)) return refuse_beacon(fault);
    const bool stale = found == discovery::roster::finding::stale;
    if (!b.nonce.empty()) {
        if (const auto v = answer(in, heard, found, out); !v) return v;
    }
    if (!echoed || stale) return {};
    if (scout_.seeds.contains(endpoint)) scout_.seed_ids[endpoint] = b.id;
    const auto* const known = peers_.find(b.id);
    if (known != nullptr && known->state == member_state::left) return {};
    if (known != nullptr && known->via) {
        auto& l = links_[*known->via];
        if (l.endpoint == endpoint && l.key == b.key) { // asked before dialling, or because it was silent
            l.unanswered = 0;
            l.contact = false; // it has answered
            if (!l.dialled) dial_now(*known->via, out);
            return {};
        }
        const bool wanted = needs_way(*known);
        for (auto& [number, other] : links_) { // another address of it
            if (other.endpoint != endpoint || other.dialled || !wanted) continue;
            other.key = b.key;
            other.contact = false;
            dial_now(number, out);
            return {};
        }
        if (!wanted) {
            forget_undialled(endpoint);
            return {};
        }
    }
    auto way = discovery::parse_address(std::string_view(endpoint).substr(6)).value_or(discovery::address{});
    if (way.host.empty()) way = {host_in(endpoint), b.port, 0}; // a name
    way.publish_port = b.publish_port;
    return meet(b, {way}, false, out);
}

// ---------------------------------------------------------------- links

// In an open mesh at once. Otherwise not before the key of whoever is there is known: who has none yet is
// asked to introduce itself. `contact`: nobody has proved to be there, so that with a key it is asked, too.
link_id mesh::connect(const std::string& endpoint, outbox& out, const discovery::link_key& key,
                      bool contact) {
    for (auto& [number, l] : links_) {
        if (l.endpoint != endpoint) continue;
        if (!key.is_none() && l.key != key) { // somebody new is there
            if (l.dialled) out.actions.push_back(hang_up{number});
            l.publish_endpoint.clear();
            l.open = l.dialled = false;
            prepare(number, key, contact, out);
        } else if (!contact && !l.dialled && !key.is_none()) { // it was only asked so far
            l.contact = false;
            dial_now(number, out);
        }
        return number;
    }
    const link_id number{++last_link_};
    auto& l = links_[number];
    l.endpoint = endpoint;
    l.greet_every = 50ms;
    prepare(number, key, contact, out);
    return number;
}

void mesh::prepare(link_id number, const discovery::link_key& key, bool contact, outbox& out) {
    auto& l = links_[number];
    l.key = key;
    l.contact = contact;
    l.dial_at = l.ask_at = at_.now;
    l.ask_every = contact ? ask_strangers_every_min : ask_every_min;
    l.dial_every = redial_contact_min;
    l.unanswered = 0;
    if (is_open() || (!key.is_none() && !contact)) {
        dial_now(number, out);
    } else {
        tend_link(number, l, out);
    }
}

void mesh::dial_now(link_id number, outbox& out) {
    auto& l = links_[number];
    l.dialled = true;
    l.ask_at = at_.now + 1s; // unless it opens
    const bool once = l.contact && is_open();
    if (once) {
        l.dial_at = at_.now + l.dial_every;
        l.dial_every = std::min<mesh_clock::duration>(2 * l.dial_every, redial_contact_max);
        wake_by(l.dial_at);
    }
    out.actions.push_back(dial{number, l.endpoint, l.key, once});
    if (auto* const p = l.peer ? peers_.find(*l.peer) : nullptr; p != nullptr && p->via == number)
        follow(*p, out);
}

// While a link is not open somebody new may be there, with a key of its own. In a mesh with a key nothing is
// dialled before it has answered; in an open one a contact is dialled anew ever more seldom, and all contacts
// together no more often than `redials` allows: whoever named the address may have named anybody's.
void mesh::tend_link(link_id number, link& l, outbox& out) {
    if (l.open) return;
    if (is_open()) {
        const bool repeats = l.contact && !l.trying; // a quest has rounds of its own
        if (l.dialled && !repeats) return;
        if (at_.now >= l.dial_at && l.contact && !introductions_.redials.take(at_.now))
            l.dial_at = at_.now + redial_contact_min;
        if (at_.now < l.dial_at) return wake_by(l.dial_at);
        out.actions.push_back(hang_up{number}); // what was refused there, if anything
        l.publish_endpoint.clear();
        return dial_now(number, out);
    }
    if (at_.now >= l.ask_at) {
        if (++l.unanswered == unanswered_told_at && !l.dialled) {
            out.remarks.push_back(
                "event=unanswered endpoint=" + l.endpoint +
                " reason=\"no answer to an introduction: nobody is there, or it has none of "
                "our keys, or UDP does not reach that port\"");
        }
        ask(l.endpoint, l.contact, out);
        l.ask_at = at_.now + l.ask_every + std::chrono::milliseconds{random_() % 20};
        l.ask_every = std::min<mesh_clock::duration>((l.contact ? 4 : 2) * l.ask_every, l.dialled ? 10s : 2s);
    }
    wake_by(l.ask_at);
}

void mesh::tend_links(outbox& out) {
    for (auto& [number, l] : links_) tend_link(number, l, out);
}

// A link that was only asked about: somebody else's, or our own, is there.
void mesh::forget_undialled(const std::string& endpoint) {
    std::erase_if(links_, [&](const auto& each) {
        return each.second.endpoint == endpoint && !each.second.dialled && !each.second.peer;
    });
}

} // namespace baton::core
