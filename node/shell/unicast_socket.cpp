#include "shell/unicast_socket.hpp"

#include "discovery/address.hpp"
#include "shell/descriptor.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

namespace baton::shell {

namespace {

struct address {
    in6_addr host{};     ///< IPv4 as ::ffff:a.b.c.d
    unsigned number = 0; ///< of the interface, where the address is link-local
};

address mapped(const in_addr& v4) {
    address made;
    made.host.s6_addr[10] = made.host.s6_addr[11] = 0xff;
    std::memcpy(&made.host.s6_addr[12], &v4, sizeof v4);
    return made;
}

address address_of(const sockaddr_in6& from) { return {from.sin6_addr, from.sin6_scope_id}; }

sockaddr_in6 socket_address(const address& of, std::uint16_t port) {
    sockaddr_in6 made{};
    made.sin6_family = AF_INET6;
    made.sin6_port = htons(port);
    made.sin6_addr = of.host;
    made.sin6_scope_id = of.number;
    return made;
}

std::optional<address> numeric(const std::string& host) {
    in_addr v4{};
    if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return mapped(v4);
    address v6;
    if (inet_pton(AF_INET6, std::string(discovery::without_zone(host)).c_str(), &v6.host) != 1)
        return std::nullopt;
    if (const auto zone = discovery::zone_of(host); !zone.empty())
        v6.number = if_nametoindex(std::string(zone).c_str());
    return v6;
}

std::string text_of(const address& from) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    std::array<char, IF_NAMESIZE> name{};
    if (IN6_IS_ADDR_V4MAPPED(&from.host)) {
        inet_ntop(AF_INET, &from.host.s6_addr[12], text.data(), text.size());
    } else {
        inet_ntop(AF_INET6, &from.host, text.data(), text.size());
    }
    std::string host = text.data();
    if (IN6_IS_ADDR_LINKLOCAL(&from.host) && if_indextoname(from.number, name.data()) != nullptr)
        host.append("%").append(name.data());
    return host;
}

error system_error(std::uint16_t port, int number) {
    return {number == EADDRINUSE ? errc::address_in_use : errc::network,
            "port " + std::to_string(port) + "/udp: " + std::strerror(number)};
}

} // namespace

result<unicast_socket> unicast_socket::open(const std::string& host, std::uint16_t port,
                                            bool may_be_missing) {
    const bool any = host.empty() || host == "0.0.0.0";
    in_addr v4{};
    bool is_v6 = any || inet_pton(AF_INET, host.c_str(), &v4) != 1;
    int fd = is_v6 ? ::socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0 && (!is_v6 || any)) { // this machine may have no IPv6
        is_v6 = false;
        fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    }
    if (fd < 0) return system_error(port, errno);
    unicast_socket made(fd, is_v6);
    if (may_be_missing) allow_missing_address(fd);
    int outcome = 0;
    if (is_v6) {
        const int no = 0;
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
        const auto at = socket_address(any ? address{} : numeric(host).value_or(address{}), port);
        outcome = ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at);
    } else {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(port);
        at.sin_addr = v4;
        outcome = ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at);
    }
    if (outcome != 0) return system_error(port, errno);
    return made;
}

unicast_socket::unicast_socket(unicast_socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1))
    , is_v6_(other.is_v6_) {}

unicast_socket::~unicast_socket() {
    if (fd_ >= 0) ::close(fd_);
}

bool unicast_socket::send(const std::string& endpoint, std::string_view bytes) {
    const auto colon = endpoint.rfind(':');
    if (!endpoint.starts_with("tcp://") || colon < 7) return false;
    auto host = endpoint.substr(6, colon - 6);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    std::uint16_t port = 0;
    const auto* const end = endpoint.data() + endpoint.size();
    if (std::from_chars(endpoint.data() + colon + 1, end, port).ptr != end || port == 0) return false;
    const auto to = numeric(host);
    if (!to) return false;
    ssize_t sent = -1;
    if (is_v6_) {
        const auto target = socket_address(*to, port);
        sent = ::sendto(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                        reinterpret_cast<const sockaddr*>(&target), sizeof target);
    } else if (IN6_IS_ADDR_V4MAPPED(&to->host)) {
        sockaddr_in target{};
        target.sin_family = AF_INET;
        target.sin_port = htons(port);
        std::memcpy(&target.sin_addr, &to->host.s6_addr[12], sizeof target.sin_addr);
        sent = ::sendto(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                        reinterpret_cast<const sockaddr*>(&target), sizeof target);
    }
    return sent >= 0;
}

void unicast_socket::receive(
    std::size_t most, const std::function<void(std::string_view, std::string, std::string_view)>& take) {
    std::array<char, 2048> buffer; // NOLINT: filled by recvfrom
    while (most-- != 0) {
        sockaddr_storage from{};
        socklen_t size = sizeof from;
        const auto got = ::recvfrom(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT,
                                    reinterpret_cast<sockaddr*>(&from), &size);
        if (got < 0 && errno == ECONNREFUSED) continue; // an earlier destination has no such port
        if (got < 0) return;
        address at;
        std::uint16_t port = 0;
        if (from.ss_family == AF_INET) {
            sockaddr_in in{};
            std::memcpy(&in, &from, sizeof in);
            at = mapped(in.sin_addr);
            port = ntohs(in.sin_port);
        } else {
            sockaddr_in6 in{};
            std::memcpy(&in, &from, sizeof in);
            at = address_of(in);
            port = ntohs(in.sin6_port);
        }
        const auto host = text_of(at);
        const bool v6 = host.find(':') != host.npos;
        take(host, "tcp://" + (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port),
             {buffer.data(), static_cast<std::size_t>(got)});
    }
}

} // namespace baton::shell
