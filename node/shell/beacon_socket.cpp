#include "shell/beacon_socket.hpp"

#include <arpa/inet.h>
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

sockaddr_in address_of(std::uint32_t host, std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(host);
    return to;
}

} // namespace

result<beacon_socket> beacon_socket::open(const beacon_options& settings, std::vector<interface> on) {
    const auto name = "beacon port " + std::to_string(settings.port) + "/udp";
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return system_error(name, errno);
    in_addr group{};
    inet_pton(AF_INET, settings.group.c_str(), &group);
    beacon_socket made(fd, settings.port, ntohl(group.s_addr), std::move(on));

    const int yes = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    ::setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes);
    ::setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &yes, sizeof yes);
    const auto any = address_of(INADDR_ANY, settings.port);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0)
        return system_error(name, errno);
    for (const auto& each : made.interfaces_) {
        ip_mreqn join{};
        join.imr_multiaddr = group;
        join.imr_ifindex = static_cast<int>(each.number);
        ::setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join,
                     sizeof join); // where it fails, broadcast is left
    }
    return made;
}

beacon_socket::beacon_socket(beacon_socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1))
    , port_(other.port_)
    , group_(other.group_)
    , interfaces_(std::move(other.interfaces_)) {}

beacon_socket::~beacon_socket() {
    if (fd_ >= 0) ::close(fd_);
}

// The interface and source address go with the datagram, so that no route is needed.
bool beacon_socket::send_on(const interface& one, std::uint32_t to, std::string_view bytes) const {
    auto target = address_of(to, port_);
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in_pktinfo))> control{};
    msghdr message{};
    message.msg_name = &target;
    message.msg_namelen = sizeof target;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    auto* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = IPPROTO_IP;
    head->cmsg_type = IP_PKTINFO;
    head->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
    in_pktinfo info{};
    info.ipi_ifindex = static_cast<int>(one.number);
    info.ipi_spec_dst.s_addr = htonl(one.address);
    std::memcpy(CMSG_DATA(head), &info, sizeof info);
    return ::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

std::size_t beacon_socket::send(std::string_view bytes) {
    std::size_t taken = 0;
    for (const auto& each : interfaces_) {
        if (each.broadcast != each.address && send_on(each, each.broadcast, bytes)) ++taken;
        if (send_on(each, group_, bytes)) ++taken;
    }
    return taken;
}

void beacon_socket::receive(std::size_t most,
                            const std::function<void(std::string_view, std::string_view)>& take) {
    std::array<char, 2048> buffer; // NOLINT: filled by recvmsg
    while (most-- != 0) {
        sockaddr_in from{};
        iovec part{buffer.data(), buffer.size()};
        alignas(cmsghdr) std::array<char, 256> control{};
        msghdr message{};
        message.msg_name = &from;
        message.msg_namelen = sizeof from;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const auto size = ::recvmsg(fd_, &message, MSG_DONTWAIT);
        if (size < 0) return;
        unsigned came_in_on = 0;
        for (auto* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
            if (head->cmsg_level != IPPROTO_IP || head->cmsg_type != IP_PKTINFO) continue;
            in_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(head), sizeof info);
            came_in_on = static_cast<unsigned>(info.ipi_ifindex);
        }
        const bool chosen = std::any_of(interfaces_.begin(), interfaces_.end(),
                                        [&](const interface& each) { return each.number == came_in_on; });
        if (!chosen) continue;
        take(address_text(ntohl(from.sin_addr.s_addr)), {buffer.data(), static_cast<std::size_t>(size)});
    }
}

} // namespace baton::shell
