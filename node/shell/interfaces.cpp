#include "shell/interfaces.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <memory>

namespace baton::shell {

namespace {

std::uint32_t ipv4_of(const sockaddr* address) {
    sockaddr_in in{};
    std::copy_n(reinterpret_cast<const char*>(address), sizeof in, reinterpret_cast<char*>(&in));
    return ntohl(in.sin_addr.s_addr);
}

} // namespace

std::string address_text(std::uint32_t address) {
    const in_addr in{htonl(address)};
    char text[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, &in, text, sizeof text);
    return text;
}

result<std::vector<interface>> usable_interfaces(const options& settings) {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) return error{errc::network, "the list of network interfaces cannot be read"};
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);

    std::vector<interface> found;
    std::vector<std::string> names;
    for (const auto* each = list; each != nullptr; each = each->ifa_next) {
        names.emplace_back(each->ifa_name);
        if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET ||
            (each->ifa_flags & IFF_UP) == 0)
            continue;
        interface one;
        one.name = each->ifa_name;
        one.number = if_nametoindex(each->ifa_name);
        one.address = ipv4_of(each->ifa_addr);
        const auto mask = each->ifa_netmask != nullptr ? ipv4_of(each->ifa_netmask) : 0xffffffffU;
        one.broadcast = one.address | ~mask;
        one.loopback = (each->ifa_flags & IFF_LOOPBACK) != 0;
        found.push_back(std::move(one));
    }
    for (const auto& wanted : settings.beacon.interfaces) {
        if (std::find(names.begin(), names.end(), wanted) == names.end()) {
            return error{errc::unknown_interface, "this machine has no network interface '" + wanted + "'"};
        }
    }
    if (!settings.beacon.interfaces.empty()) {
        std::erase_if(found, [&](const interface& each) {
            const auto& wanted = settings.beacon.interfaces;
            return std::find(wanted.begin(), wanted.end(), each.name) == wanted.end();
        });
    }
    in_addr host{};
    if (!settings.host.empty() && settings.host != "0.0.0.0" &&
        inet_pton(AF_INET, settings.host.c_str(), &host) == 1) {
        const auto address = ntohl(host.s_addr);
        std::erase_if(found, [&](const interface& each) {
            const bool same_loopback = each.loopback && (address >> 24) == 127;
            return each.address != address && !same_loopback;
        });
        if (found.empty()) {
            return error{errc::unknown_interface,
                         "host '" + settings.host + "' is no address of this machine's interfaces"};
        }
    }
    return found;
}

} // namespace baton::shell
