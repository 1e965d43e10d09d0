#include "shell/beacon_socket.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace baton::shell {

namespace {

error system_error(const std::string& what, int number) {
    return {number == EADDRINUSE ? errc::address_in_use : errc::network, what + ": " + std::strerror(number)};
}

template <class Address>
const sockaddr* generic(const Address& of) {
    return reinterpret_cast<const sockaddr*>(&of);
}

sockaddr_in to_ipv4(in_addr host, std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr = host;
    return to;
}

sockaddr_in6 to_ipv6(const in6_addr& host, std::uint16_t port, unsigned scope) {
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(port);
    to.sin6_addr = host;
    to.sin6_scope_id = scope;
    return to;
}

void set(int fd, int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); }

/// Returns a bound UDP socket, or minus errno.
int bound_socket(int family, std::uint16_t port) {
    const int fd = ::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    int outcome = 0;
    if (family == AF_INET) {
        set(fd, SOL_SOCKET, SO_BROADCAST, 1);
        set(fd, IPPROTO_IP, IP_PKTINFO, 1);
        const auto any = to_ipv4({htonl(INADDR_ANY)}, port);
        outcome = ::bind(fd, generic(any), sizeof any);
    } else {
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
        set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
        const auto any = to_ipv6(in6addr_any, port, 0);
        outcome = ::bind(fd, generic(any), sizeof any);
    }
    if (outcome == 0) return fd;
    const int failure = errno;
    ::close(fd);
    return -failure;
}

/// A datagram with its control data: the interface, and when sending the source address.
template <class Address, class Info>
class datagram {
  public:
    datagram(Address& other, char* bytes, std::size_t size)
        : part_{bytes, size} {
        message_.msg_name = &other;
        message_.msg_namelen = sizeof other;
        message_.msg_iov = &part_;
        message_.msg_iovlen = 1;
        message_.msg_control = control_.data();
        message_.msg_controllen = control_.size();
    }
    /// Sends by the interface in `info`, so no route is needed.
    bool send(int fd, int level, int type, const Info& info) {
        message_.msg_controllen = CMSG_SPACE(sizeof info);
        auto* const head = CMSG_FIRSTHDR(&message_);
        head->cmsg_level = level;
        head->cmsg_type = type;
        head->cmsg_len = CMSG_LEN(sizeof info);
        std::memcpy(CMSG_DATA(head), &info, sizeof info);
        return ::sendmsg(fd, &message_, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
    }
    ssize_t receive(int fd, int level, int type, Info& info) {
        const auto size = ::recvmsg(fd, &message_, MSG_DONTWAIT);
        if (size < 0) return size;
        for (auto* head = CMSG_FIRSTHDR(&message_); head != nullptr; head = CMSG_NXTHDR(&message_, head)) {
            if (head->cmsg_level == level && head->cmsg_type == type)
                std::memcpy(&info, CMSG_DATA(head), sizeof info);
        }
        return size;
    }

  private:
    msghdr message_{};
    iovec part_;
    alignas(cmsghdr) std::array<char, 256> control_{};
};
using ipv4_datagram = datagram<sockaddr_in, in_pktinfo>;
using ipv6_datagram = datagram<sockaddr_in6, in6_pktinfo>;

std::string host_of(const sockaddr_in& from) {
    char text[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, &from.sin_addr, text, sizeof text);
    return text;
}

std::string host_of(const sockaddr_in6& from, unsigned number) {
    char text[INET6_ADDRSTRLEN] = {}, name[IF_NAMESIZE] = {};
    inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof text);
    std::string host = text;
    if (IN6_IS_ADDR_LINKLOCAL(&from.sin6_addr) && if_indextoname(number, name) != nullptr)
        host.append("%").append(name);
    return host;
}

} // namespace

result<beacon_socket> beacon_socket::open(const beacon_options& settings, std::vector<interface> on) {
    beacon_socket made;
    made.port_ = settings.port;
    inet_pton(AF_INET, settings.group.c_str(), &made.group_);
    inet_pton(AF_INET6, settings.group_ipv6.c_str(), &made.group_ipv6_);
    const int ipv4 = bound_socket(AF_INET, settings.port), ipv6 = bound_socket(AF_INET6, settings.port);
    made.ipv4_ = std::max(ipv4, -1);
    made.ipv6_ = std::max(ipv6, -1);
    // Another program has the IPv4 port: do not use the IPv6 half of it.
    if (ipv4 < 0 && (ipv6 < 0 || ipv4 == -EADDRINUSE))
        return system_error("beacon port " + std::to_string(settings.port) + "/udp", -ipv4);
    made.use(std::move(on));
    return made;
}

beacon_socket::beacon_socket(beacon_socket&& other) noexcept
    : ipv4_(std::exchange(other.ipv4_, -1))
    , ipv6_(std::exchange(other.ipv6_, -1))
    , port_(other.port_)
    , group_(other.group_)
    , group_ipv6_(other.group_ipv6_)
    , interfaces_(std::move(other.interfaces_))
    , heard_(std::move(other.heard_))
    , memberships_(std::move(other.memberships_)) {}

beacon_socket::~beacon_socket() {
    if (ipv4_ >= 0) ::close(ipv4_);
    if (ipv6_ >= 0) ::close(ipv6_);
}

// If a group cannot be joined, beacons still go by broadcast.
void beacon_socket::join(unsigned number, bool on, bool ipv6) const {
    if (ipv6) {
        const ipv6_mreq request{group_ipv6_, number};
        ::setsockopt(ipv6_, IPPROTO_IPV6, on ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &request, sizeof request);
    } else {
        ip_mreqn request{};
        request.imr_multiaddr = group_;
        request.imr_ifindex = static_cast<int>(number);
        ::setsockopt(ipv4_, IPPROTO_IP, on ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &request,
                     sizeof request);
    }
}

// Every group is left and joined again, even if this socket is a member already. An interface that went and
// came back under the same number has forgotten the group, while the list of the socket still has it. The
// system then refuses a second join; only a leave removes the entry.
void beacon_socket::use(std::vector<interface> on) {
    std::set<std::pair<unsigned, bool>> wanted;
    heard_.clear();
    for (const auto& each : on) {
        heard_.insert(each.number);
        if (each.ipv6 ? ipv6_ >= 0 : ipv4_ >= 0) wanted.insert({each.number, each.ipv6});
    }
    for (const auto& [number, ipv6] : memberships_) join(number, false, ipv6);
    for (const auto& [number, ipv6] : wanted) join(number, true, ipv6);
    memberships_ = std::move(wanted);
    interfaces_ = std::move(on);
}

bool beacon_socket::send_ipv4(const interface& one, std::uint32_t to, std::string_view bytes) const {
    auto target = to_ipv4({htonl(to)}, port_);
    in_pktinfo info{};
    info.ipi_ifindex = static_cast<int>(one.number);
    info.ipi_spec_dst.s_addr = htonl(one.address);
    return ipv4_datagram(target, const_cast<char*>(bytes.data()), bytes.size())
        .send(ipv4_, IPPROTO_IP, IP_PKTINFO, info);
}

// The system chooses the source: a link-local address of the interface.
bool beacon_socket::send_ipv6(const interface& one, std::string_view bytes) const {
    auto target = to_ipv6(group_ipv6_, port_, one.number);
    in6_pktinfo info{};
    info.ipi6_ifindex = one.number;
    return ipv6_datagram(target, const_cast<char*>(bytes.data()), bytes.size())
        .send(ipv6_, IPPROTO_IPV6, IPV6_PKTINFO, info);
}

std::size_t beacon_socket::send(std::string_view bytes) {
    std::size_t taken = 0;
    std::set<unsigned> done; // IPv6 sends once per interface, however many addresses it has
    for (const auto& each : interfaces_) {
        if (each.ipv6) {
            if (ipv6_ < 0 || each.loopback || !done.insert(each.number).second) continue;
            if (send_ipv6(each, bytes)) ++taken;
        } else if (ipv4_ >= 0) {
            if (each.broadcast != each.address && send_ipv4(each, each.broadcast, bytes)) ++taken;
            if (send_ipv4(each, ntohl(group_.s_addr), bytes)) ++taken;
        }
    }
    return taken;
}

void beacon_socket::receive_on(int fd, std::size_t most,
                               const std::function<void(std::string_view, std::string_view)>& take) const {
    std::array<char, 2048> buffer; // NOLINT: filled by recvmsg
    while (fd >= 0 && most-- != 0) {
        ssize_t size = 0;
        unsigned came_in_on = 0;
        std::string host;
        if (fd == ipv4_) {
            sockaddr_in from{};
            in_pktinfo info{};
            size =
                ipv4_datagram(from, buffer.data(), buffer.size()).receive(fd, IPPROTO_IP, IP_PKTINFO, info);
            came_in_on = static_cast<unsigned>(info.ipi_ifindex);
            if (size >= 0) host = host_of(from);
        } else {
            sockaddr_in6 from{};
            in6_pktinfo info{};
            size = ipv6_datagram(from, buffer.data(), buffer.size())
                       .receive(fd, IPPROTO_IPV6, IPV6_PKTINFO, info);
            came_in_on = info.ipi6_ifindex;
            if (size >= 0) host = host_of(from, came_in_on);
        }
        if (size < 0) return;
        if (heard_.contains(came_in_on)) take(host, {buffer.data(), static_cast<std::size_t>(size)});
    }
}

void beacon_socket::receive(std::size_t most,
                            const std::function<void(std::string_view, std::string_view)>& take) {
    receive_on(ipv4_, most, take);
    receive_on(ipv6_, most, take);
}

} // namespace baton::shell
