#include "core/contact/seeding.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace baton::core {

using namespace std::chrono_literals;
using discovery::address;
using discovery::seed_table;
using discovery::sign;

namespace {
// Before an address that led to this node, and is not its own, is tried again.
constexpr auto others_may_answer_after = 10s;
constexpr auto unmet_looked_at_every = 250ms;
constexpr auto unmet_told_after = 5s, unmet_told_every = 3600s;
constexpr auto unmet_forgotten_after = 10s; // longer than the interval of beacons

std::string_view without_scheme(std::string_view endpoint) {
    return endpoint.substr(endpoint.empty() ? 0 : 6);
}
} // namespace

seeding::seeding(const mesh_options& settings, const membership& members, link_table& links,
                 std::mt19937_64& random, schedule& time)
    : settings_(settings)
    , members_(members)
    , links_(links)
    , random_(random)
    , time_(time)
    , started_(time.now()) {
    seeds_.begin(settings_.seeds, names_, started_);
    for (const auto& text : settings_.advertise) {
        if (auto one = discovery::parse_named(text)) advertised_.push_back(std::move(*one));
    }
    for (const auto& each : advertised_) {
        if (!discovery::is_numeric(each.host)) names_.add(each.host, false, started_);
    }
}

void seeding::tend(outbox& out) {
    const auto now = time_.now();
    while (auto asked = names_.next(now))
        out.actions.emplace_back(core::resolve{asked->number, std::move(asked->name), asked->service});
    time_.wake_by(names_.due());
    for (auto& each : seeds_.places()) look_at(each, out);
    look_for_unmet(out);
    for (auto& line : seeds_.troubles(names_, now, !links_.is_open_mesh()))
        out.remarks.push_back(std::move(line));
    time_.wake_by(seeds_.due());
    // A call that waits for others may return now.
    if (!members_.met_any() && is_alone()) out.acknowledged = true;
}

void seeding::hurry() {
    if (!names_.has(0)) return;
    names_.hurry(time_.now(), random_());
    time_.wake_by(names_.due());
}

// ---------------------------------------------------------------- seeds

// Seeds are dialled until they answer. libzmq restores a connection that broke.
void seeding::look_at(seed_table::place& at, outbox& out) {
    const auto now = time_.now();
    if (links_.is_own(at.endpoint)) {
        if (is_own(discovery::host_in(at.endpoint))) return seed_table::is_well(at, sign::own, now);
        // The address is shared by many nodes, or the network maps it: the next dial may lead to another
        // node.
        at.last = sign::strange;
        if (at.retry_at == instant{}) at.retry_at = now + others_may_answer_after;
        if (now < at.retry_at) return time_.wake_by(at.retry_at);
        at.retry_at = {};
        links_.forget_own(at.endpoint);
    }
    const auto answered = answered_.find(at.endpoint);
    const auto* p = answered == answered_.end() ? nullptr : members_.find(answered->second);
    if (p == nullptr || is_gone(*p)) {
        const auto& l = links_[links_.connect(at.endpoint, out)];
        if (l.peer) p = members_.find(*l.peer);
        if (l.open &&
            // The greeting is under way; it takes long only if no member is there.
            (p == nullptr || !p->greeted)) {
            if (now >= at.knock_at) at.last = sign::strange;
            return time_.wake_by(std::max(at.knock_at, now + 50ms));
        }
    }
    if (p != nullptr && p->greeted && !is_gone(*p)) return seed_table::is_well(at, sign::answered, now);
    if (seed_table::knocks_now(at, now)) {
        ++knocks_;
        out.actions.push_back(knock{{}, at.endpoint});
    }
    time_.wake_by(at.knock_at);
}

void seeding::knocked(const core::knocked& in, outbox& out) {
    auto* const at = seeds_.find(in.endpoint);
    if (at == nullptr) return;
    const auto how = in.how == knock_outcome::open      ? sign::strange
                     : in.how == knock_outcome::refused ? sign::refused
                     : in.how == knock_outcome::silent  ? sign::silent
                                                        : sign::unreachable;
    seed_table::knocked(*at, how);
    out.acknowledged = true; // a call may wait to learn that no node is there
}

void seeding::note_answered(const std::string& endpoint, const replica_id& id) {
    if (seeds_.contains(endpoint)) answered_[endpoint] = id;
}

bool seeding::is_own(std::string_view host) const {
    if (discovery::is_loopback(host)) return true;
    for (auto all : {std::string_view(settings_.own_hosts), std::string_view(settings_.hosts)}) {
        while (!all.empty()) {
            const auto blank = std::min(all.find(' '), all.size());
            const auto one = discovery::parse_address(all.substr(0, blank));
            if (one && one->host == host) return true;
            all.remove_prefix(std::min(blank + 1, all.size()));
        }
    }
    return false;
}

bool seeding::is_alone() const {
    return !members_.met_any() && time_.now() - started_ >= settings_.alone_after && settings_.attached &&
           unmet_.empty() && standing().empty() &&
           std::none_of(links_.all().begin(), links_.all().end(),
                        [](const auto& each) { return each.second.open; });
}

void seeding::name_unmet(std::vector<replica_id>& into) const {
    for (const auto& [id, each] : unmet_) into.push_back(id);
}

// ---------------------------------------------------------------- names

bool seeding::resolved(const core::resolved& in, outbox& out) {
    const bool differs = names_.answered(in.said, time_.now(), random_());
    out.acknowledged = true;
    time_.wake_by(time_.now());
    if (!differs) return false;
    for (const auto& endpoint : seeds_.follow(names_, time_.now())) {
        answered_.erase(endpoint);
        links_.hang_up_unbound(endpoint, out);
    }
    return true;
}

// Other nodes dial numeric addresses, so names are resolved here.
std::optional<std::string> seeding::hosts() const {
    if (advertised_.empty()) return std::nullopt;
    std::string hosts;
    std::size_t count = 0;
    const auto add = [&](const address& one) {
        if (discovery::is_link_local(one.host) || count++ >= discovery::addresses_max) return;
        hosts += (hosts.empty() ? "" : " ") + discovery::to_text(one);
    };
    for (const auto& each : advertised_) {
        if (discovery::is_numeric(each.host)) {
            add(each);
            continue;
        }
        for (std::uint32_t number = 0; names_.has(number); ++number) {
            const auto& name = names_.at(number);
            if (name.service || name.name != each.host) continue;
            for (const auto& one : name.addresses) add({one.host, each.port, each.publish_port});
        }
    }
    if (hosts == settings_.hosts) return std::nullopt;
    return hosts;
}

// ---------------------------------------------------------------- what stands in the way

void seeding::look_for_unmet(outbox& out) {
    const auto now = time_.now();
    if (now < unmet_at_) return time_.wake_by(unmet_at_);
    unmet_at_ = now + unmet_looked_at_every;
    for (const auto& [id, p] : members_) {
        if (p.state != member_state::contacting) {
            unmet_.erase(id);
            continue;
        }
        if (unmet_.size() >= unmet_max && !unmet_.contains(id)) continue;
        auto& known = unmet_.try_emplace(id, unmet_node{now, {}, {}}).first->second;
        known.last = now;
        const bool told = known.told_at && now - *known.told_at < unmet_told_every;
        if (told || now - known.first < unmet_told_after) continue;
        known.told_at = now;
        out.remarks.push_back(
            "event=no_handshake id=" + id.to_string().substr(0, 8) + " endpoint=" + p.endpoint +
            " reason=\"the node is known, but the handshake does not complete; firewalls have "
            "to let pass: " +
            missing(id, p) + '"');
    }
    std::erase_if(unmet_, [&](const auto& each) { return now - each.second.last >= unmet_forgotten_after; });
    if (!unmet_.empty()) time_.wake_by(unmet_at_);
}

// Lists the connections that have not been seen to pass.
std::string seeding::missing(const replica_id& id, const peer& p) const {
    const auto* const l = links_.of(p);
    const bool open = l != nullptr && l->open;
    const auto here = std::to_string(settings_.port), here_too = std::to_string(settings_.publish_port);
    const std::string both = links_.is_open_mesh() ? "TCP" : "TCP and UDP";
    std::string all;
    const auto add = [&](const std::string& one) { all += (all.empty() ? "" : "; ") + one; };
    if (!open) add(both + " from here to " + std::string(without_scheme(p.endpoint)));
    if (!p.sees_me) add("TCP from here to " + std::string(without_scheme(p.publish_endpoint)));
    if (!p.routable) add(both + " from " + p.host + " to this node's port " + here);
    if (!links_.has_subscribed(id)) add("TCP from " + p.host + " to this node's port " + here_too);
    return all.empty() ? "nothing more; the other node may say what it lacks" : all;
}

} // namespace baton::core
