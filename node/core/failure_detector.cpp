#include "core/failure_detector.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

namespace baton::core {

using namespace std::chrono_literals;

namespace {
constexpr std::size_t asked_at_once = 3; // how many members are asked about a suspect; k in SWIM
// While no other member has heard it; a closed connection is decided within closed_after.
constexpr auto inquire_every = 100ms;
constexpr auto inquire_slowly = 500ms; // while others have just confirmed that they hear it
constexpr auto probe_every = 125ms;    // between probes to a silent member
// The same while its connection is closed and no member has heard it since.
constexpr auto probe_quickly = 20ms;
constexpr auto just_now = 50ms; // a member heard within this time needs no probe

const char* lacking(const peer& p, const link* via, bool hears_us) {
    if (via == nullptr || !via->open) return "it is heard, but cannot be dialled from here";
    if (!hears_us) return "it is heard, but does not hear this node, since it cannot dial it";
    return p.sees_me ? nullptr : "it is heard, but its publish port cannot be dialled from here";
}
} // namespace

// ---------------------------------------------------------------- both ways

const char* failure_detector::look_both_ways(peer& p, const link* via, bool hears_us, instant now) const {
    const auto* const missing = lacking(p, via, hears_us);
    if (missing == nullptr) {
        p.health.one_way_since.reset();
        p.health.one_way_told = false;
    } else if (!p.health.one_way_since) {
        p.health.one_way_since = now;
    }
    return missing;
}

void failure_detector::report_one_way(const replica_id& id, peer& p, const char* missing, outbox& out) const {
    if (std::exchange(p.health.one_way_told, true)) return;
    members_.raise(out, event_kind::one_way, id, std::string(missing) + ": " + p.endpoint);
}

// ---------------------------------------------------------------- signs of life

bool failure_detector::is_stuck(const peer& p, instant now) const {
    return now - std::max(p.health.life.linked_at(), p.health.redialled_at) >=
           settings_.liveness.crashed_after;
}

instant failure_detector::probe(peer& p, instant now, outbox& out) {
    auto& h = p.health;
    const bool closed = h.life.is_closed();
    const auto late = 2 * settings_.liveness.heartbeat_every + settings_.liveness.heartbeat_every / 2;
    const auto from = h.life.linked_at() + late;
    if (!closed && h.inquirers.empty() && now < from) {
        h.probes = 0;
        return from;
    }
    if (now < h.probe_at) return h.probe_at;
    const bool decides_soon = closed && !h.life.is_vouched(now, patience_);
    h.probe_at = now + (decides_soon ? probe_quickly : probe_every);
    send_probe(p, out);
    return h.probe_at;
}

void failure_detector::probe_dead(peer& p, outbox& out) { send_probe(p, out); }

void failure_detector::send_probe(peer& p, outbox& out) {
    auto& h = p.health;
    if (h.probes == 0) h.probed_from = static_cast<std::uint32_t>(random_());
    ++counts_.probes_sent;
    send(p.endpoint, {false, settings_.self, h.probed_from + h.probes++}, nullptr, out);
}

void failure_detector::send(const std::string& to, const discovery::probe& what, const mesh_key* by,
                            outbox& out) const {
    auto bytes = discovery::encode(what);
    if (!keys_.empty()) discovery::seal(bytes, discovery::purpose::probe, by != nullptr ? *by : keys_.used());
    out.actions.push_back(send_datagram{to, std::move(bytes)});
}

failure_detector::probed failure_detector::on_probe(const datagram_arrived& in, instant now, outbox& out) {
    auto payload = in.bytes;
    const mesh_key* by = nullptr;
    if (!keys_.empty()) {
        const auto got = discovery::unseal(in.bytes, discovery::purpose::probe, keys_);
        if (got.why != discovery::unsealed::fault::none) return {{"probe without a right seal"}};
        payload = got.payload;
        by = got.by;
    }
    const auto said = discovery::decode_probe(payload);
    if (!said) return {{"malformed probe"}};
    const auto* const sender = members_.find(said->id);
    // A member that this node had called crashed lives if it asks for a sign of life. The answer tells it
    // that this node lives too.
    const bool back = sender != nullptr && sender->state == member_state::crashed;
    if (sender == nullptr || (!is_member(*sender) && !back)) return {};
    probed result;
    if (!said->is_answer && said->about.is_nil()) {
        send(in.endpoint, {true, settings_.self, said->number}, by, out);
        result.alive = said->id;
    } else if (!said->is_answer) {
        if (back) return {};
        on_inquiry(said->about, said->id, {false, in.endpoint, said->number}, now, out);
    } else {
        auto* const p = members_.find(said->about.is_nil() ? said->id : said->about);
        if (p == nullptr || (back && p != sender)) return {};
        // An answer to no current question is ignored: a recording proves nothing.
        if (said->about.is_nil()) {
            if (said->number - p->health.probed_from >= p->health.probes) return {};
            ++counts_.probes_answered;
            p->health.life.answered(now);
            result.alive = said->id;
        } else if (said->number - p->health.inquired_from < p->health.inquiries) {
            p->health.life.vouched(now - std::chrono::milliseconds{said->age});
        }
    }
    return result;
}

// ---------------------------------------------------------------- what others have heard

instant failure_detector::inquire(const replica_id& id, peer& p, instant now, outbox& out) {
    auto& h = p.health;
    if (now < h.inquire_at) return h.inquire_at;
    // A WORD counts for suspect_after. Some are lost, so the next ones are asked for in time.
    const bool holds = h.life.is_vouched(now + settings_.liveness.suspect_after * 2 / 3, patience_);
    h.inquire_at = now + (holds ? inquire_slowly : inquire_every);
    if (h.inquiries == 0) h.inquired_from = static_cast<std::uint32_t>(random_());
    std::vector<std::pair<const replica_id, peer>*> others;
    for (auto& each : members_) {
        const auto& q = each.second;
        const bool hears_us =
            is_member(q) && now - q.health.life.heard_at() < settings_.liveness.suspect_after;
        if (each.first != id && hears_us) others.push_back(&each);
    }
    for (std::size_t asked = 0; asked < asked_at_once && !others.empty(); ++asked) {
        std::swap(others[random_() % others.size()], others.back());
        auto& [other, q] = *others.back();
        others.pop_back();
        mail_.send_to(other, q, wire::inquiry{settings_.self, id}, out);
        send(q.endpoint, {false, settings_.self, h.inquired_from + h.inquiries++, id}, nullptr, out);
    }
    return h.inquire_at;
}

void failure_detector::on_inquiry(const replica_id& about, const replica_id& from,
                                  const health_record::inquirer& how, instant now, outbox& out) {
    auto* const p = members_.find(about);
    if (p == nullptr || !is_member(*p) || about == from) return;
    auto& h = p->health;
    auto& asker = h.inquirers[from];
    asker.by_link = asker.by_link || how.by_link;
    if (!how.endpoint.empty()) asker.endpoint = how.endpoint, asker.number = how.number;
    if (now - h.life.heard_at() > just_now && now - h.probed_at > just_now) {
        h.probed_at = h.probe_at = now;
        greetings_.tell(about, *p, true, out);
        time_.wake_by(probe(*p, now, out));
        report_heard(about, from, how, now, out);
    }
    answer_inquirers(about, *p, now, out);
}

void failure_detector::answer_inquirers(const replica_id& id, peer& p, instant now, outbox& out) {
    if (p.health.inquirers.empty() || now - p.health.life.heard_at() > just_now) return;
    for (const auto& [who, how] : p.health.inquirers) report_heard(id, who, how, now, out);
    p.health.inquirers.clear();
}

void failure_detector::report_heard(const replica_id& id, const replica_id& to,
                                    const health_record::inquirer& how, instant now, outbox& out) {
    const auto* const p = members_.find(id);
    const auto* const asker = members_.find(to);
    if (p == nullptr || asker == nullptr) return;
    const auto age = std::chrono::ceil<std::chrono::milliseconds>(now - p->health.life.heard_at());
    if (age >= settings_.liveness.suspect_after || age.count() > 0xffff) return;
    const auto ms = static_cast<std::uint16_t>(age.count());
    if (how.by_link) mail_.send_to(to, *asker, wire::word{settings_.self, id, ms}, out);
    if (!how.endpoint.empty()) send(how.endpoint, {true, settings_.self, how.number, id, ms}, nullptr, out);
}

} // namespace baton::core
