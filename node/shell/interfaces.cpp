#include "shell/interfaces.hpp"

#include "discovery/address.hpp"
#include "shell/address_watch.hpp"
#include "shell/descriptor.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

namespace baton::shell {

namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::uint32_t ipv4_of(const sockaddr* address) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    return ntohl(in.sin_addr.s_addr);
}

std::string text_of(std::uint32_t address) {
    const in_addr in{htonl(address)};
    char text[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, &in, text, sizeof text);
    return text;
}

void fill_ipv4(interface& one, const ifaddrs& from) {
    one.address = ipv4_of(from.ifa_addr);
    const auto mask = from.ifa_netmask != nullptr ? ipv4_of(from.ifa_netmask) : 0xffffffffU;
    const bool broadcasts = (from.ifa_flags & (IFF_BROADCAST | IFF_LOOPBACK)) != 0;
    one.broadcast = broadcasts ? one.address | ~mask : one.address;
    one.host = text_of(one.address);
}

void fill_ipv6(interface& one, const ifaddrs& from) {
    sockaddr_in6 in{};
    std::memcpy(&in, from.ifa_addr, sizeof in);
    char text[INET6_ADDRSTRLEN] = {};
    inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof text);
    one.ipv6 = true;
    one.link_local = IN6_IS_ADDR_LINKLOCAL(&in.sin6_addr);
    one.host = one.link_local ? text + ('%' + one.name) : text;
}

// The list gives an IPv4 address with a label of its own in place of the name of its interface: usually that
// name, a colon and more.
std::string interface_of(std::string_view label, const std::vector<std::string>& names) {
    std::string_view best;
    for (const auto& each : names) {
        if (each == label) return each;
        if (label.starts_with(each) && each.size() > best.size()) best = each;
    }
    return std::string(best.empty() ? label : best);
}

result<std::vector<interface>> all_interfaces(std::vector<std::string>& names) {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) {
        return error{errc::network,
                     std::string("the list of network interfaces cannot be read: ") + std::strerror(errno)};
    }
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
    for (const auto* each = list; each != nullptr; each = each->ifa_next) {
        const bool is_link = each->ifa_addr != nullptr && each->ifa_addr->sa_family == AF_PACKET;
        if (is_link) names.emplace_back(each->ifa_name);
    }
    std::vector<interface> found;
    for (const auto* each = list; each != nullptr; each = each->ifa_next) {
        if (each->ifa_addr == nullptr || (each->ifa_flags & IFF_UP) == 0) continue;
        const auto family = each->ifa_addr->sa_family;
        if (family != AF_INET && family != AF_INET6) continue;
        interface one;
        one.name = interface_of(each->ifa_name, names);
        one.number = if_nametoindex(one.name.c_str());
        one.loopback = (each->ifa_flags & IFF_LOOPBACK) != 0;
        one.running = (each->ifa_flags & IFF_RUNNING) != 0;
        family == AF_INET ? fill_ipv4(one, *each) : fill_ipv6(one, *each);
        found.push_back(std::move(one));
    }
    std::stable_partition(found.begin(), found.end(), [](const interface& each) { return !each.ipv6; });
    return found;
}

// True if `one` serves a node that is bound to `host` alone. IPv6 has no multicast on loopback, so there the
// beacon goes by IPv4.
bool serves(const interface& one, const std::string& host) {
    if (discovery::is_ipv4(host)) {
        in_addr parsed{};
        inet_pton(AF_INET, host.c_str(), &parsed);
        const auto address = ntohl(parsed.s_addr);
        return !one.ipv6 && (one.address == address || (one.loopback && (address >> 24) == 127));
    }
    if (one.loopback) return discovery::is_loopback(host) && (one.host == host || !one.ipv6);
    in6_addr wanted{}, here{};
    inet_pton(AF_INET6, std::string(discovery::without_zone(host)).c_str(), &wanted);
    if (!one.ipv6 || inet_pton(AF_INET6, std::string(discovery::without_zone(one.host)).c_str(), &here) != 1)
        return false;
    return std::memcmp(&wanted, &here, sizeof here) == 0 &&
           discovery::zone_of(one.host) == discovery::zone_of(host);
}

} // namespace

bool is_every_host(const std::string& host) { return host.empty() || host == "0.0.0.0" || host == "::"; }

result<std::vector<interface>> usable_interfaces(const options& settings, bool some_may_be_missing) {
    std::vector<std::string> names;
    auto found = all_interfaces(names);
    if (!found) return found;
    const auto& wanted = settings.beacon.interfaces;
    for (const auto& each : wanted) {
        if (!contains(names, each) && !some_may_be_missing)
            return error{errc::unknown_interface,
                         "this machine has no network interface '" + each +
                             "'; options::wait_for_interface starts the node without it"};
    }
    std::erase_if(*found, [&](const interface& each) {
        return (!wanted.empty() && !contains(wanted, each.name)) ||
               contains(settings.beacon.interfaces_excluded, each.name);
    });
    if (settings.host == "0.0.0.0") std::erase_if(*found, [](const interface& each) { return each.ipv6; });
    if (!is_every_host(settings.host)) {
        std::erase_if(*found, [&](const interface& each) { return !serves(each, settings.host); });
        if (found->empty() && !some_may_be_missing) {
            return error{errc::unknown_interface,
                         "host '" + settings.host +
                             "' is not an address of this machine's interfaces; "
                             "options::wait_for_interface starts the node without it"};
        }
    }
    return found;
}

namespace {

// The own address from which packets to a distant host would go; empty if there is no route. Nothing is sent:
// the destinations are for documentation (RFC 5737, RFC 3849).
std::string routed_host(bool ipv6) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(9);
    inet_pton(AF_INET, "192.0.2.1", &v4.sin_addr);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(9);
    inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr);
    const auto* const to =
        ipv6 ? reinterpret_cast<const sockaddr*>(&v6) : reinterpret_cast<const sockaddr*>(&v4);
    const socklen_t size = ipv6 ? sizeof v6 : sizeof v4;
    const descriptor probe(::socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (probe.get() < 0 || ::connect(probe.get(), to, size) != 0) return {};
    return local_host(probe.get());
}

// True for a bridge of containers or virtual machines, which usually has the same address on every host.
bool is_bridge(const std::string& name) {
    const descriptor any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ethtool_drvinfo driver{};
    driver.cmd = ETHTOOL_GDRVINFO;
    ifreq request{};
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&driver);
    return any.get() >= 0 && ::ioctl(any.get(), SIOCETHTOOL, &request) == 0 &&
           std::strcmp(driver.driver, "bridge") == 0;
}

} // namespace

std::string best_host(const std::vector<interface>& usable) {
    const auto routed = routed_host(false), routed_ipv6 = routed_host(true);
    const interface* best = nullptr;
    int best_rank = -1;
    for (const auto& each : usable) {
        if (each.loopback) continue;
        const int rank = each.link_local                                   ? 0
                         : each.host == (each.ipv6 ? routed_ipv6 : routed) ? 3
                         : is_bridge(each.name)                            ? 1
                                                                           : 2;
        if (rank > best_rank) best = &each, best_rank = rank;
    }
    return best == nullptr ? "127.0.0.1" : best->host;
}

std::string all_hosts_of(const std::vector<interface>& usable) {
    std::string all;
    for (const auto& each : usable) all += (all.empty() ? "" : " ") + each.host;
    return all;
}

bool is_attached(const options& settings, const std::vector<interface>& usable, bool beacon) {
    if (settings.beacon.enabled && !beacon && settings.seeds.empty()) return false;
    const auto is_loopback = [](const interface& each) { return each.loopback; };
    const bool stays_here =
        is_every_host(settings.host)
            ? !settings.beacon.interfaces.empty() && std::all_of(usable.begin(), usable.end(), is_loopback)
            : discovery::is_loopback(settings.host);
    return std::any_of(usable.begin(), usable.end(),
                       [&](const interface& each) { return each.loopback ? stays_here : each.running; });
}

std::string hosts_of(const std::vector<interface>& usable) {
    constexpr std::size_t most = discovery::addresses_max;
    std::string all;
    std::size_t count = 0;
    for (const auto& each : usable) {
        if (each.loopback || each.link_local || count++ >= most) continue;
        if (!all.empty()) all += ' ';
        all += each.host;
    }
    return all;
}

} // namespace baton::shell
