#include "shell/knocker.hpp"

#include "discovery/address.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace baton::shell {

namespace {

using core::knock_outcome;

knock_outcome outcome_of_failure(int number) {
    if (number == ECONNREFUSED) return knock_outcome::refused;
    const bool nowhere = number == EHOSTUNREACH || number == ENETUNREACH || number == EACCES ||
                         number == EPERM || number == EHOSTDOWN || number == ENETDOWN;
    return nowhere ? knock_outcome::unreachable : knock_outcome::silent;
}

// The outcome of a connection. If no process listens on a port of this machine, the kernel may choose that
// port for the near end, and the connection reaches itself: that counts as refused.
knock_outcome outcome_of(int socket) {
    int failure = 0;
    socklen_t size = sizeof failure;
    if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &failure, &size) != 0) return knock_outcome::silent;
    if (failure != 0) return outcome_of_failure(failure);
    sockaddr_storage near{}, far{};
    socklen_t near_size = sizeof near, far_size = sizeof far;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&near), &near_size) != 0 ||
        ::getpeername(socket, reinterpret_cast<sockaddr*>(&far), &far_size) != 0)
        return knock_outcome::silent;
    const bool itself = near_size == far_size && std::memcmp(&near, &far, near_size) == 0;
    return itself ? knock_outcome::refused : knock_outcome::open;
}

// Closes with a reset, so that the other side does not wait for the rest of a handshake.
void close_at_once(int socket) {
    const linger at_once{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

} // namespace

void knocker::knock(const core::knock& at, poller& sources, instant now) {
    core::knocked what{at.who, at.endpoint, knock_outcome::silent};
    const auto host = discovery::host_in(at.endpoint);
    const auto port = at.endpoint.substr(at.endpoint.rfind(':') + 1);
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    const bool readable = discovery::is_numeric(host) && under_way_.size() < knocks_max &&
                          ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) == 0;
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(readable ? found : nullptr,
                                                                     &::freeaddrinfo);
    if (!readable) return answered_.push_back(std::move(what));
    descriptor made(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (made.get() < 0) return answered_.push_back(std::move(what));
    if (::connect(made.get(), found->ai_addr, found->ai_addrlen) == 0) {
        what.how = outcome_of(made.get());
        close_at_once(made.get());
        return answered_.push_back(std::move(what));
    }
    if (errno != EINPROGRESS) {
        what.how = outcome_of_failure(errno);
        return answered_.push_back(std::move(what));
    }
    sources.add_writer(made.get(), name_);
    under_way_.push_back({std::move(what), std::move(made), now + patience});
}

std::vector<core::knocked> knocker::collect(poller& sources, instant now) {
    auto all = std::exchange(answered_, {});
    std::erase_if(under_way_, [&](attempt& each) {
        pollfd ready{each.socket.get(), POLLOUT, 0};
        const bool settled = ::poll(&ready, 1, 0) > 0;
        if (!settled && now < each.until) return false;
        if (settled) each.what.how = outcome_of(each.socket.get());
        close_at_once(each.socket.get());
        sources.remove(each.socket.get());
        all.push_back(std::move(each.what));
        return true;
    });
    sources.drained(name_);
    return all;
}

instant knocker::due() const {
    auto when = answered_.empty() ? instant::max() : instant::min();
    for (const auto& each : under_way_) when = std::min(when, each.until);
    return when;
}

} // namespace baton::shell
