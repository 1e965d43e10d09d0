// Seeds: names are followed to the addresses they stand for, each address is dialled until a member answers,
// and one that does not answer is knocked at, since a refusal is the only word that nobody is there. And what
// is said to people when nobody is found: a firewall does not say so itself.
#include "core/seeding.hpp"

#include <algorithm>

namespace baton::core {

using namespace std::chrono_literals;
using discovery::address;
using discovery::sign;

namespace {
constexpr auto others_may_answer_after = 10s; // at an address that led to ourselves, and is not ours
constexpr auto unmet_looked_at_every = 250ms;
constexpr auto unmet_told_after = 5s, unmet_told_every = 3600s;
constexpr auto unmet_forgotten_after = 10s; // beacons come every few seconds

std::string_view without_scheme(std::string_view endpoint) {
    return endpoint.substr(endpoint.empty() ? 0 : 6);
}
} // namespace

void mesh::seeding::begin() {
    auto& s = m.scout_;
    s.seeds.begin(m.settings_.seeds, s.names, m.at_.now);
    for (const auto& text : m.settings_.advertise) {
        if (auto one = discovery::parse_named(text)) s.advertised.push_back(std::move(*one));
    }
    for (const auto& each : s.advertised) {
        if (!discovery::is_numeric(each.host)) s.names.add(each.host, false, m.at_.now);
    }
    outbox nobody; // hears of it yet
    advertise(nobody);
}

void mesh::seeding::tend(outbox& out) {
    auto& s = m.scout_;
    while (auto asked = s.names.next(m.at_.now))
        out.actions.emplace_back(core::resolve{asked->number, std::move(asked->name), asked->service});
    m.wake_by(s.names.due());
    for (auto& each : s.seeds.places()) look_at(each, out);
    look_for_unmet(out);
    for (auto& line : s.seeds.troubles(s.names, m.at_.now, !m.is_open()))
        out.remarks.push_back(std::move(line));
    m.wake_by(s.seeds.due());
    if (!m.peers_.met_any() && m.is_alone()) out.acknowledged = true; // whoever asks may be answered now
}

void mesh::seeding::hurry() {
    auto& names = m.scout_.names;
    if (!names.has(0)) return;
    names.hurry(m.at_.now, m.random_());
    m.wake_by(names.due());
}

// ---------------------------------------------------------------- seeds

// Addresses are dialled until they answer; connections that broke are redialled below us, by the socket.
void mesh::seeding::look_at(discovery::seed_table::place& at, outbox& out) {
    using discovery::seed_table;
    auto& self = m.scout_.self_endpoints;
    if (self.contains(at.endpoint)) {
        if (is_own(discovery::host_in(at.endpoint))) return seed_table::is_well(at, sign::own, m.at_.now);
        // One address for many, or a name for it on the way: next time somebody else may be there.
        at.last = sign::strange;
        if (at.retry_at == instant{}) at.retry_at = m.at_.now + others_may_answer_after;
        if (m.at_.now < at.retry_at) return m.wake_by(at.retry_at);
        at.retry_at = {};
        self.erase(at.endpoint);
    }
    const auto answered = m.scout_.seed_ids.find(at.endpoint);
    const auto* p = answered == m.scout_.seed_ids.end() ? nullptr : m.peers_.find(answered->second);
    if (p == nullptr || is_gone(*p)) {
        const auto& l = m.links_[m.connect(at.endpoint, out)];
        if (l.peer) p = m.peers_.find(*l.peer);
        if (l.open && (p == nullptr || !p->greeted)) { // it is being greeted; for long only by no member
            if (m.at_.now >= at.knock_at) at.last = sign::strange;
            return m.wake_by(std::max(at.knock_at, m.at_.now + 50ms));
        }
    }
    if (p != nullptr && p->greeted && !is_gone(*p)) return seed_table::is_well(at, sign::answered, m.at_.now);
    if (seed_table::knocks_now(at, m.at_.now)) {
        ++m.counters_.knocks;
        out.actions.push_back(knock{{}, at.endpoint});
    }
    m.wake_by(at.knock_at);
}

verdict mesh::seeding::knocked(const core::knocked& in, outbox& out) {
    auto* const at = m.scout_.seeds.find(in.endpoint);
    if (at == nullptr) return {};
    const auto how = in.how == knock_outcome::open      ? sign::strange
                     : in.how == knock_outcome::refused ? sign::refused
                     : in.how == knock_outcome::silent  ? sign::silent
                                                        : sign::unreachable;
    discovery::seed_table::knocked(*at, how);
    out.acknowledged = true; // who waits to hear that nobody is there
    return {};
}

bool mesh::seeding::is_own(std::string_view host) const {
    if (discovery::is_loopback(host)) return true;
    for (auto all : {std::string_view(m.settings_.own_hosts), std::string_view(m.settings_.hosts)}) {
        while (!all.empty()) {
            const auto blank = std::min(all.find(' '), all.size());
            const auto one = discovery::parse_address(all.substr(0, blank));
            if (one && one->host == host) return true;
            all.remove_prefix(std::min(blank + 1, all.size()));
        }
    }
    return false;
}

// ---------------------------------------------------------------- names

verdict mesh::take(const core::resolved& in, outbox& out) { return seeding{*this}.resolved(in, out); }

verdict mesh::seeding::resolved(const core::resolved& in, outbox& out) {
    auto& s = m.scout_;
    const bool differs = s.names.answered(in.said, m.at_.now, m.random_());
    out.acknowledged = true;
    m.wake_by(m.at_.now);
    if (!differs) return {};
    for (const auto& endpoint : s.seeds.follow(s.names, m.at_.now)) {
        s.seed_ids.erase(endpoint);
        for (auto at = m.links_.begin(); at != m.links_.end();) {
            const auto& l = at->second;
            if (l.endpoint != endpoint || l.peer || l.trying) { // a member stays one
                ++at;
                continue;
            }
            out.actions.emplace_back(hang_up{at->first});
            at = m.links_.erase(at);
        }
    }
    advertise(out);
    return {};
}

// Others dial numbers: what this node's names stand for at present.
void mesh::seeding::advertise(outbox& out) {
    const auto& s = m.scout_;
    if (s.advertised.empty()) return;
    std::string hosts;
    std::size_t count = 0;
    const auto add = [&](const address& one) {
        if (discovery::is_link_local(one.host) || count++ >= discovery::addresses_max) return;
        hosts += (hosts.empty() ? "" : " ") + discovery::to_text(one);
    };
    for (const auto& each : s.advertised) {
        if (discovery::is_numeric(each.host)) {
            add(each);
            continue;
        }
        for (std::uint32_t number = 0; s.names.has(number); ++number) {
            const auto& name = s.names.at(number);
            if (name.service || name.name != each.host) continue;
            for (const auto& one : name.addresses) add({one.host, each.port, each.publish_port});
        }
    }
    if (hosts == m.settings_.hosts) return;
    m.settings_.hosts = std::move(hosts);
    tell_addresses(out);
}

void mesh::seeding::tell_addresses(outbox& out) {
    m.scout_.beacon.restart(m.at_.now);
    for (auto& [id, p] : m.peers_) {
        if (is_member(p)) m.tell(id, p, false, out);
    }
    m.wake_by(m.at_.now);
}

// ---------------------------------------------------------------- what stands in the way

void mesh::seeding::look_for_unmet(outbox& out) {
    auto& s = m.scout_;
    if (m.at_.now < s.unmet_at) return m.wake_by(s.unmet_at);
    s.unmet_at = m.at_.now + unmet_looked_at_every;
    for (const auto& [id, p] : m.peers_) {
        if (p.state != member_state::contacting) {
            s.unmet.erase(id);
            continue;
        }
        if (s.unmet.size() >= unmet_node::most && !s.unmet.contains(id)) continue;
        auto& known = s.unmet.try_emplace(id, unmet_node{m.at_.now, {}, {}}).first->second;
        known.last = m.at_.now;
        const bool told = known.told_at && m.at_.now - *known.told_at < unmet_told_every;
        if (told || m.at_.now - known.first < unmet_told_after) continue;
        known.told_at = m.at_.now;
        out.remarks.push_back(
            "event=no_handshake id=" + id.to_string().substr(0, 8) + " endpoint=" + p.endpoint +
            " reason=\"heard of, and the handshake does not come to its end; firewalls have "
            "to let pass: " +
            missing(id, p) + '"');
    }
    std::erase_if(s.unmet,
                  [&](const auto& each) { return m.at_.now - each.second.last >= unmet_forgotten_after; });
    if (!s.unmet.empty()) m.wake_by(s.unmet_at);
}

// What has not been seen to pass.
std::string mesh::seeding::missing(const replica_id& id, const peer& p) const {
    const auto at = p.via ? m.links_.find(*p.via) : m.links_.end();
    const bool open = at != m.links_.end() && at->second.open;
    const auto here = std::to_string(m.settings_.port), here_too = std::to_string(m.settings_.publish_port);
    const std::string both = m.is_open() ? "TCP" : "TCP and UDP";
    std::string all;
    const auto add = [&](const std::string& one) { all += (all.empty() ? "" : "; ") + one; };
    if (!open) add(both + " from here to " + std::string(without_scheme(p.endpoint)));
    if (!p.sees_me) add("TCP from here to " + std::string(without_scheme(p.publish_endpoint)));
    if (!p.routable) add(both + " from " + p.host + " to this node's port " + here);
    if (!m.subscribers_.contains(id)) add("TCP from " + p.host + " to this node's port " + here_too);
    return all.empty() ? "nothing more; the other node may say what it lacks" : all;
}

} // namespace baton::core
