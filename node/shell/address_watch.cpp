#include "shell/address_watch.hpp"

#include "discovery/address.hpp"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace baton::shell {

address_watch::address_watch()
    : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE)) {
    sockaddr_nl groups{};
    groups.nl_family = AF_NETLINK;
    groups.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
    if (fd_ < 0 || ::bind(fd_, reinterpret_cast<const sockaddr*>(&groups), sizeof groups) == 0) return;
    ::close(fd_);
    fd_ = -1;
}

address_watch::~address_watch() {
    if (fd_ >= 0) ::close(fd_);
}

address_watch::news address_watch::read() {
    constexpr int reads_max = 64;
    auto told = news::none;
    alignas(nlmsghdr) std::array<char, 8192> buffer; // NOLINT: filled by recv
    for (int i = 0; fd_ >= 0 && i < reads_max; ++i) {
        auto size = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size < 0 && errno == ENOBUFS) { // the kernel has dropped notices: any address may have changed
            told = news::added;
            continue;
        }
        if (size <= 0) break;
        const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
        for (; NLMSG_OK(message, static_cast<std::size_t>(size)); message = NLMSG_NEXT(message, size)) {
            const auto type = message->nlmsg_type;
            if (type == RTM_NEWADDR) told = news::added;
            const bool other = type == RTM_DELADDR || type == RTM_NEWLINK || type == RTM_DELLINK;
            if (other) told = std::max(told, news::changed);
        }
    }
    return told;
}

std::string local_host(int socket) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
    char text[INET6_ADDRSTRLEN] = {};
    if (address.ss_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, &address, sizeof in);
        inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
    } else if (address.ss_family == AF_INET6) {
        sockaddr_in6 in{};
        std::memcpy(&in, &address, sizeof in);
        inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof text);
    }
    return std::string(discovery::plain(text));
}

} // namespace baton::shell
