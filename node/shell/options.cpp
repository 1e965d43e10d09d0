#include "discovery/names.hpp"
#include "shell/interfaces.hpp"
#include "shell/resolver.hpp"

#include <baton/options.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <limits>

namespace baton {

namespace {

class faults {
  public:
    void require(bool good, const std::string& sentence) {
        if (good) return;
        if (!text_.empty()) text_ += "; ";
        text_ += sentence;
    }
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    std::string text_;
};

// Sums of points in time and durations up to this length do not overflow.
constexpr std::chrono::hours longest{24 * 365};

void check_durations(faults& all, const options& o) {
    const auto at_most_a_year = [&](const char* name, auto value) {
        all.require(value <= longest, std::string(name) + " must be at most a year");
    };
    const auto positive = [&](const char* name, std::chrono::milliseconds value) {
        all.require(value.count() > 0, std::string(name) + " must be positive");
        at_most_a_year(name, value);
    };
    const auto not_negative = [&](const char* name, auto value) {
        all.require(value.count() >= 0, std::string(name) + " must not be negative");
        at_most_a_year(name, value);
    };
    positive("beacon.every", o.beacon.every);
    positive("liveness.heartbeat_every", o.liveness.heartbeat_every);
    positive("liveness.closed_after", o.liveness.closed_after);
    positive("liveness.archive_after", o.liveness.archive_after);
    positive("security.beacon_window", o.security.beacon_window);
    all.require(o.liveness.suspect_after > o.liveness.heartbeat_every,
                "liveness.suspect_after must be longer than liveness.heartbeat_every");
    all.require(o.liveness.crashed_after > o.liveness.suspect_after,
                "liveness.crashed_after must be longer than liveness.suspect_after");
    at_most_a_year("liveness.crashed_after", o.liveness.crashed_after);
    not_negative("liveness.redial_for", o.liveness.redial_for);
    not_negative("alone_after", o.alone_after);
    not_negative("clock_skew_max", o.clock_skew_max);
    all.require(o.leave_within.count() >= 0, "leave_within must not be negative");
    all.require(o.destructor_leave_within.count() >= 0, "destructor_leave_within must not be negative");
}

void check_limits(faults& all, const limit_options& l) {
    all.require(l.key_bytes_max >= 1 && l.key_bytes_max <= 512, "limits.key_bytes_max must be 1 to 512");
    all.require(l.value_bytes_max <= std::size_t{8} << 20, "limits.value_bytes_max must be at most 8 MiB");
    all.require(l.frame_bytes_max >= 16384 && l.frame_bytes_max <= std::size_t{1} << 20,
                "limits.frame_bytes_max must be 16 KiB to 1 MiB, the most that other nodes accept");
    all.require(l.delta_bytes_max >= 1024 && l.delta_bytes_max <= l.frame_bytes_max / 2,
                "limits.delta_bytes_max must be 1 KiB to half of limits.frame_bytes_max");
    all.require(l.chunk_bytes_max >= 256 && l.chunk_bytes_max <= l.frame_bytes_max / 2,
                "limits.chunk_bytes_max must be 256 bytes to half of limits.frame_bytes_max");
    all.require(l.credit_bytes >= l.chunk_bytes_max,
                "limits.credit_bytes must be at least limits.chunk_bytes_max");
    all.require(l.unsent_bytes_max >= l.delta_bytes_max,
                "limits.unsent_bytes_max must be at least limits.delta_bytes_max");
    all.require(l.peers_max >= 1 && l.peers_max <= 1000, "limits.peers_max must be 1 to 1000");
    all.require(l.unknown_ids_max >= 1024, "limits.unknown_ids_max must be at least 1024");
    all.require(l.sessions_max >= 1, "limits.sessions_max must be at least 1");
    all.require(!l.bytes_max || *l.bytes_max >= std::size_t{4} << 20,
                "limits.bytes_max must be at least 4 MiB, or absent");
    all.require(l.lag_max >= 1000, "limits.lag_max must be at least 1000");
    all.require(l.lag_bytes_max >= std::uint64_t{16} << 20, "limits.lag_bytes_max must be at least 16 MiB");
    all.require(l.siblings_max >= 2, "limits.siblings_max must be at least 2");
    all.require(l.send_frames_max >= 1 && l.send_frames_max <= std::numeric_limits<int>::max(),
                "limits.send_frames_max must be 1 to 2147483647");
    all.require(l.dials_max >= 1, "limits.dials_max must be at least 1");
    all.require(l.introductions_max >= 1, "limits.introductions_max must be at least 1");
    all.require(l.events_max >= 1, "limits.events_max must be at least 1");
    all.require(l.watches_max >= 1, "limits.watches_max must be at least 1");
    all.require(l.watch_keys_max >= 1, "limits.watch_keys_max must be at least 1");
}

// True for 224.0.0.0/4. Beacons to any other address would be sent as unicast.
bool is_group(const std::string& text) {
    in_addr parsed{};
    return inet_pton(AF_INET, text.c_str(), &parsed) == 1 && IN_MULTICAST(ntohl(parsed.s_addr));
}

// True for a link-local scope: such a packet does not leave the link, and its arrival names the link.
bool is_link_local_group(const std::string& text) {
    in6_addr parsed{};
    return inet_pton(AF_INET6, text.c_str(), &parsed) == 1 && parsed.s6_addr[0] == 0xff &&
           (parsed.s6_addr[1] & 0x0f) == 2;
}

} // namespace

result<void> options::validate() const {
    faults all;
    all.require(name.size() <= 64, "name must be at most 64 bytes");
    all.require(!cluster.empty() && cluster.size() <= 64, "cluster must be 1 to 64 bytes");
    all.require(host.empty() || discovery::is_numeric(host), "host '" + host + "' is not an IP address");
    all.require(!beacon.enabled || beacon.port != 0, "beacon.port must not be 0");
    all.require(!beacon.enabled || is_group(beacon.group),
                "beacon.group '" + beacon.group + "' is not an IPv4 multicast group");
    all.require(!beacon.enabled || is_link_local_group(beacon.group_ipv6),
                "beacon.group_ipv6 '" + beacon.group_ipv6 +
                    "' is not an IPv6 multicast group of link-local scope");
    check_durations(all, *this);
    check_limits(all, limits);
    all.require(clients.clients_max != 0, "clients.clients_max must be at least 1");
    all.require(clients.credit_bytes >= std::size_t{512} << 10,
                "clients.credit_bytes must be at least 512 KiB");
    all.require(clients.bytes_max >= std::size_t{16} << 20, "clients.bytes_max must be at least 16 MiB");
    all.require(security.keys.size() <= 8, "security.keys must be at most 8 keys");
    all.require(mesh_size != 0U, "mesh_size must be at least 1, or absent");
    all.require(advertise.size() <= discovery::addresses_max,
                "advertise must name at most " + std::to_string(discovery::addresses_max) + " addresses");
    for (const auto& each : advertise) {
        const auto parsed = discovery::parse_named(each);
        all.require(parsed && !discovery::is_link_local(parsed->host) && !shell::is_every_host(parsed->host),
                    "advertise '" + each +
                        "' is not HOST, HOST:PORT or HOST:PORT/PUBLISH_PORT of an address or a name");
    }
    for (const auto& each : dns_servers)
        all.require(shell::resolver::is_server(each), "dns_servers '" + each + "' is not ADDR or ADDR:PORT");
    bool bad_seed = false;
    for (const auto& seed : seeds) {
        const bool good = discovery::parse_seed(seed).has_value();
        all.require(good, "seed '" + seed + "' is not HOST:PORT, or _SERVICE._tcp.NAME");
        bad_seed = bad_seed || !good;
    }
    if (all.text().empty()) return {};
    return error{bad_seed ? errc::bad_seed : errc::bad_option, all.text()};
}

options options::lan() { return {}; }

options options::loopback() {
    options o;
    o.host = "127.0.0.1";
    return o;
}

options options::wan() {
    options o;
    o.beacon.enabled = false;
    o.liveness.heartbeat_every = std::chrono::milliseconds{500};
    o.liveness.suspect_after = std::chrono::milliseconds{5000};
    o.liveness.crashed_after = std::chrono::milliseconds{15000};
    o.liveness.closed_after = std::chrono::milliseconds{3000};
    return o;
}

} // namespace baton
