#include "core/contact/gossip.hpp"

#include "core/contact/quests.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::core {

using namespace std::chrono_literals;
using discovery::address;

namespace {
constexpr auto tell_first = 1s, tell_longest = 32s;

/// The address where this node has reached the peer, with both ports; nullopt if it is a name.
std::optional<address> reached_at(const peer& p) {
    const auto ports = discovery::parse_address(
        std::string_view(p.publish_endpoint).substr(p.publish_endpoint.empty() ? 0 : 6));
    auto at =
        p.endpoint.empty() ? std::nullopt : discovery::parse_address(std::string_view(p.endpoint).substr(6));
    if (at && ports) at->publish_port = ports->port;
    return at && at->publish_port != 0 ? at : std::nullopt;
}

/// The addresses of `of` that `to` can use: loopback addresses only on one machine, link-local ones only on
/// one link.
std::string addresses_for(const peer& to, const peer& of) {
    std::vector<address> all;
    if (auto at = reached_at(of)) all.push_back(std::move(*at));
    const auto others = latest_first(of);
    all.insert(all.end(), others.begin(), others.end());
    std::string text;
    for (auto& each : all) {
        if (discovery::is_loopback(each.host) && !discovery::is_loopback(to.host)) continue;
        if (discovery::is_link_local(each.host)) {
            if (discovery::zone_of(each.host) != discovery::zone_of(to.host)) continue;
            each.host = discovery::without_zone(each.host);
        }
        const auto one = discovery::to_text(each);
        if (text.size() + 1 + one.size() > wire::peer_hosts_bytes_max) break;
        if (!text.empty()) text += ' ';
        text += one;
    }
    return text;
}
} // namespace

void gossip::tell(const replica_id& id, peer& p, outbox& out) {
    if (!settings_.exchanges_peers || members_.size() < 2) return;
    wire::peers f;
    f.id = settings_.self;
    auto at = members_.upper_bound(told_last_);
    for (std::size_t seen = 0; seen < members_.size() && f.all.size() < wire::peers_told_max; ++seen, ++at) {
        if (at == members_.end()) at = members_.begin();
        const auto& [other, q] = *at;
        if (other == id || (q.state != member_state::up && q.state != member_state::suspect)) continue;
        auto hosts = addresses_for(p, q);
        if (hosts.empty()) continue;
        told_last_ = other;
        f.all.push_back({other, std::move(hosts)});
    }
    if (f.all.empty()) return;
    told_count_ += f.all.size();
    mail_.send_to(id, p, f, out);
}

void gossip::exchange(outbox& out) {
    if (!settings_.exchanges_peers) return;
    if (time_.now() >= tell_at_) {
        auto at = members_.upper_bound(told_to_);
        for (std::size_t seen = 0; seen < members_.size(); ++seen, ++at) {
            if (at == members_.end()) at = members_.begin();
            if (at->second.state != member_state::up) continue;
            told_to_ = at->first;
            tell(at->first, at->second, out);
            break;
        }
        tell_every_ = std::clamp<mesh_clock::duration>(2 * tell_every_, tell_first, tell_longest);
        tell_at_ = time_.now() + tell_every_ * (75 + random_() % 50) / 100;
    }
    time_.wake_by(tell_at_);
}

void gossip::hurry() {
    if (tell_every_ <= tell_first) return;
    tell_every_ = tell_first;
    tell_at_ = std::min(tell_at_, time_.now() + tell_every_);
    time_.wake_by(tell_at_);
}

} // namespace baton::core
