#include "core/contact/introducer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace baton::core {

using namespace std::chrono_literals;
using discovery::address;
using discovery::purpose;
using finding = discovery::roster::finding;

namespace {
constexpr auto question_lasts = 5s;

// The reason to refuse a beacon for good; nullptr if there is none.
const char* fault_of(finding found) {
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

introducer::introducer(const mesh_options& settings, const membership& members, const schedule& time,
                       tally& counts)
    : settings_(settings)
    , members_(members)
    , time_(time)
    , tally_(counts)
    , ring_(settings.keys)
    , known_({4 * settings.limits.peers_max, settings.beacon_window, std::chrono::minutes{10}})
    , questions_(settings.limits.introductions_max)
    , questions_to_strangers_(std::max<std::size_t>(1, settings.limits.introductions_max / 2))
    , answers_(settings.limits.introductions_max)
    , newcomers_(settings.limits.introductions_max)
    , challenges_(settings.limits.introductions_max)
    , by_source_(settings.limits.introductions_max / 2) {}

// ---------------------------------------------------------------- who is believed

// The sender uses no key of this mesh, or a key that this node does not have. The operator is told.
verdict introducer::refuse_stranger(const char* reason, std::string_view host, outbox& out) {
    const auto whose = std::string(host) + '|' + reason;
    if (foreign_told_.first(whose, time_.now()) || foreign_told_.is_new_kind(reason))
        out.events.push_back({event_kind::refused, {}, std::string(host), reason, 0});
    return tally_.refuse_beacon(reason);
}

// With a key, the seal is checked before anything else is read. Without one, the node recognises a sealed
// beacon by the payload that the seal covers.
verdict introducer::hear(std::string_view bytes, purpose what, std::string_view host, heard_beacon& into,
                         outbox& out) {
    const bool is_beacon = what == purpose::beacon;
    if (is_open()) {
        if (!is_beacon) return refuse_stranger("introduction, and there is no key here", host, out);
        auto decoded = discovery::decode_beacon(bytes);
        if (!decoded && bytes.size() > discovery::seal_bytes &&
            discovery::decode_beacon(bytes.substr(0, bytes.size() - discovery::seal_bytes)))
            return refuse_stranger("sealed beacon, and there is no key here", host, out);
        if (!decoded) return tally_.refuse_beacon("malformed beacon");
        into.said = std::move(*decoded);
    } else {
        const auto opened = discovery::unseal(bytes, what, ring_);
        using fault = discovery::unsealed::fault;
        if (opened.why == fault::unknown_key) {
            return refuse_stranger(
                is_beacon ? "beacon under no key of ours" : "introduction under no key of ours", host, out);
        }
        if (opened.why == fault::wrong_mac)
            return refuse_stranger(is_beacon ? "beacon with a wrong MAC" : "introduction with a wrong MAC",
                                   host, out);
        auto decoded = discovery::decode_beacon(opened.payload);
        if (!decoded) return tally_.refuse_beacon("malformed beacon");
        into.said = std::move(*decoded);
        into.by = opened.by;
    }
    const auto& b = into.said;
    into.own = b.id == settings_.self;
    if (into.own) return {};
    if (b.cluster != settings_.cluster) {
        ++tally_.counters.foreign_cluster;
        return {"beacon of another cluster"};
    }
    const wire::versions theirs{b.version_min, b.version_max};
    if (settings_.versions.common(theirs) == 0) {
        report_refused(b.id, {}, no_common_version(theirs), out);
        return tally_.refuse_beacon("beacon of another wire version");
    }
    return {};
}

// Notes the owner of the key, so that its links are admitted.
finding introducer::vouch(const discovery::beacon& b, purpose what, bool echoed, outbox& out) {
    if (known_.is_full()) tidy(out);
    const auto found = known_.hear(b.id, b.key, {what, b.sequence}, b.time_ms, echoed, time_.at());
    if (found == finding::vouched) {
        out.actions.push_back(admit{b.id, b.key});
        out.note("vouched", b.id);
    }
    return found;
}

void introducer::tidy(outbox& out) {
    if (is_open()) return;
    known_.tidy(
        time_.at(),
        [this](const replica_id& id) {
            const auto* const p = members_.find(id);
            return p != nullptr && p->state != member_state::left;
        },
        [&](const replica_id& id) { out.actions.push_back(expel{id}); });
}

// Returns false if the beacon is not acted upon now; `why` then names the fault, if the beacon has one.
bool introducer::believes(const discovery::beacon& b, std::string_view host, verdict& why, outbox& out) {
    if (is_open()) return true;
    const auto found = vouch(b, purpose::beacon, false, out);
    if (const auto* const fault = fault_of(found)) {
        why = tally_.refuse_beacon(fault);
        return false;
    }
    // A repetition of the last beacon, whose sender has not answered: somebody may replay a recording without
    // end.
    if (found == finding::repeated && members_.find(b.id) == nullptr) {
        why = tally_.refuse_beacon("replayed beacon");
        return false;
    }
    if (found != finding::stale) return true;
    // Either a clock is wrong, or the beacon is an old recording. Only a living node can echo, so it is asked
    // once per beacon: its next beacon has a larger sequence, a recording has not.
    if (!old_beacons_.note(b.id.view(), b.sequence)) {
        why = tally_.refuse_beacon("replayed beacon");
    } else if (challenges_.take(time_.now())) {
        const auto way = ways_of(b, host).front();
        ask(discovery::endpoint_of(way.host, way.port), true, out);
    } else {
        why = tally_.refuse_beacon("too many introductions");
    }
    return false;
}

introducer::beacon_heard introducer::on_beacon(const beacon_arrived& in, outbox& out) {
    ++tally_.counters.beacons_received;
    heard_beacon heard;
    auto why = hear(in.bytes, purpose::beacon, in.host, heard, out);
    if (!why || heard.own || !believes(heard.said, in.host, why, out)) return {why};
    return {why, std::move(heard.said)};
}

// A seal covers the contents of a beacon but not its source address: anybody may send a recording from
// anywhere. The source counts if it is among the sealed addresses, or if the beacon could not have named it;
// in that case the node there is asked first.
std::vector<address> introducer::ways_of(const discovery::beacon& b, std::string_view seen_at) const {
    const address own_ports{{}, b.port, b.publish_port};
    auto ways = discovery::parse_hosts(b.hosts, own_ports, seen_at);
    if (!ways.empty()) return ways;
    if (!is_open() && !discovery::is_link_local(seen_at) && !discovery::is_loopback(seen_at)) {
        ways = discovery::parse_hosts(b.reach, own_ports, {});
        const bool sealed =
            std::any_of(ways.begin(), ways.end(), [&](const address& each) { return each.host == seen_at; });
        if (!ways.empty() && !sealed) return ways;
    }
    return {{std::string(seen_at), b.port, b.publish_port}};
}

introducer::introduced introducer::on_introduction(const datagram_arrived& in, outbox& out) {
    ++tally_.counters.introductions_received;
    heard_beacon heard;
    if (const auto v = hear(in.bytes, purpose::introduction, in.host, heard, out); !v) return {v};
    auto& b = heard.said;
    if (heard.own) { // a seed has led to this node itself
        const auto mine = asked_.find(b.nonce);
        if (mine == asked_.end()) return {};
        return {{}, true, mine->second.endpoint};
    }
    const auto question = b.echo.empty() ? asked_.end() : asked_.find(b.echo);
    const bool echoed = question != asked_.end();
    std::string endpoint;
    if (echoed) {
        endpoint = question->second.endpoint;
        asked_.erase(question);
    }
    const auto found = vouch(b, purpose::introduction, echoed, out);
    if (const auto* const fault = fault_of(found)) return {tally_.refuse_beacon(fault)};
    if (!b.nonce.empty()) {
        if (const auto v = answer(in, heard, found, out); !v) return {v};
    }
    if (!echoed || found == finding::stale) return {};
    return {{}, false, std::move(endpoint), std::move(b)};
}

// ---------------------------------------------------------------- what is said

discovery::beacon introducer::make_beacon() {
    discovery::beacon b{settings_.cluster, settings_.versions.min, settings_.versions.max, settings_.self,
                        ++sequence_,       settings_.port,         settings_.publish_port, settings_.hosts,
                        settings_.reach};
    b.door = settings_.door;
    if (is_open()) return b;
    b.time_ms = time_.at().wall_ms;
    b.key = settings_.link_key;
    return b;
}

std::string introducer::beacon_bytes() {
    auto bytes = discovery::encode(make_beacon());
    if (!is_open()) discovery::seal(bytes, purpose::beacon, ring_.used());
    return bytes;
}

// Returns an empty nonce if no question may be sent now; the caller asks again later.
std::string introducer::new_question(const std::string& endpoint, bool of_stranger) {
    std::erase_if(asked_, [this](const auto& each) { return each.second.until <= time_.now(); });
    if (asked_.size() >= questions_max) return {};
    if (of_stranger && !questions_to_strangers_.take(time_.now())) return {};
    if (!questions_.take(time_.now())) return {};
    auto nonce = discovery::make_nonce(settings_.nonce_seed, ++last_nonce_);
    asked_[nonce] = {endpoint, time_.now() + question_lasts};
    return nonce;
}

void introducer::ask(const std::string& endpoint, bool of_stranger, outbox& out) {
    auto b = make_beacon();
    b.nonce = new_question(endpoint, of_stranger);
    if (b.nonce.empty()) return;
    auto bytes = discovery::encode(b, datagram_bytes - discovery::seal_bytes);
    discovery::seal(bytes, purpose::introduction, ring_.used());
    ++tally_.counters.introductions_sent;
    out.actions.push_back(send_datagram{endpoint, std::move(bytes)});
}

// The answer is sealed with the key of the question, which the asker has. It is never longer than the
// question.
verdict introducer::answer(const datagram_arrived& in, const heard_beacon& question, finding asker,
                           outbox& out) {
    const bool stale = asker == finding::stale;
    if (stale && !old_questions_.note(question.said.id.view(), question.said.sequence))
        return tally_.refuse_beacon("replayed introduction");
    auto& allowed = stale ? challenges_ : asker == finding::vouched ? newcomers_ : answers_;
    if (!by_source_.take(in.host, time_.now()) || !allowed.take(time_.now()))
        return tally_.refuse_beacon("too many introductions");
    auto b = make_beacon();
    b.echo = question.said.nonce;
    std::size_t bytes_min = 0;
    if (stale) { // the asker has to echo, too, and its answer needs as much room
        b.nonce = new_question(in.endpoint, true);
        bytes_min = datagram_bytes - discovery::seal_bytes;
    }
    auto bytes = discovery::encode(b, bytes_min);
    discovery::seal(bytes, purpose::introduction, *question.by);
    if (bytes.size() > in.bytes.size()) return tally_.refuse_beacon("introduction too short to be answered");
    ++tally_.counters.introductions_answered;
    out.actions.push_back(send_datagram{in.endpoint, std::move(bytes)});
    return {};
}

// ---------------------------------------------------------------- who is not let in

std::string introducer::no_common_version(const wire::versions& theirs) const {
    return "no common wire version: " + theirs.to_string() + " there, " + settings_.versions.to_string() +
           " here";
}

void introducer::report_refused(const replica_id& id, std::string name, std::string reason, outbox& out) {
    if (foreign_told_.first(id.to_string(), time_.now()))
        out.events.push_back({event_kind::refused, id, std::move(name), std::move(reason), 0});
}

} // namespace baton::core
