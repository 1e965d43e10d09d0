#include "shell/gate.hpp"

#include "shell/threads.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

namespace baton::shell {

namespace {

constexpr int waiting_max = 128;              // connections that are not accepted yet
constexpr std::size_t turned_away_max = 1024; // per call

// Listens at one address of the family. A machine without IPv6 has no such socket, or no address to bind it
// to.
int listen_at(const sockaddr* at, socklen_t size, bool both, bool may_be_missing, descriptor& into) {
    descriptor made(::socket(at->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (made.get() < 0) return errno;
    const int yes = 1, alone = both ? 0 : 1;
    ::setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (at->sa_family == AF_INET6) ::setsockopt(made.get(), IPPROTO_IPV6, IPV6_V6ONLY, &alone, sizeof alone);
    if (may_be_missing) allow_missing_address(made.get());
    if (::bind(made.get(), at, size) != 0 || ::listen(made.get(), waiting_max) != 0) return errno;
    into = std::move(made);
    return 0;
}

} // namespace

std::variant<gate, int> gate::open(const std::string& host, std::uint16_t port, bool may_be_missing) {
    const bool both = host.empty() || host == "::";
    addrinfo hints{}, *list = nullptr;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
    hints.ai_socktype = SOCK_STREAM;
    const auto digits = std::to_string(port);
    gate made{descriptor()};
    int fault = EINVAL;
    for (const char* each : {both ? "::" : host.c_str(), "0.0.0.0"}) {
        if (::getaddrinfo(each, digits.c_str(), &hints, &list) == 0) {
            const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
            fault = listen_at(list->ai_addr, list->ai_addrlen, both, may_be_missing, made.listening_);
        }
        if (fault == 0 || fault == EADDRINUSE || !both) break;
    }
    if (fault != 0) return fault;
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    if (::getsockname(made.listening_.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) return errno;
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    std::memcpy(&v4, &bound, sizeof v4);
    std::memcpy(&v6, &bound, sizeof v6);
    made.port_ = ntohs(bound.ss_family == AF_INET6 ? v6.sin6_port : v4.sin_port);
    return made;
}

int gate::lend() const { return ::fcntl(listening_.get(), F_DUPFD_CLOEXEC, 0); }

// A filter of one instruction drops every packet. It belongs to the listening socket alone: accepted
// connections keep working.
void gate::shut() const {
    sock_filter nothing{BPF_RET | BPF_K, 0, 0, 0};
    const sock_fprog program{1, &nothing};
    ::setsockopt(listening_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

void gate::reopen() const {
    const int unused = 0;
    ::setsockopt(listening_.get(), SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
}

// A separate thread accepts and closes the connections. Its own table of descriptors has only the port in it:
// in the table of the process, libzmq would take every descriptor that becomes free.
std::size_t gate::turn_away() const {
    std::size_t count = 0;
    const auto run = [&] {
        const auto port = static_cast<unsigned>(listening_.get());
        // An old kernel lacks the call: the connections stay.
        if (::close_range(port + 1, ~0U, CLOSE_RANGE_UNSHARE) != 0) return;
        if (port != 0) ::close_range(0, port - 1, 0);
        while (count < turned_away_max) {
            const descriptor stranger(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (stranger.get() < 0 && errno != ECONNABORTED && errno != EINTR) return;
            ++count;
        }
    };
    try {
        start_thread(run).join();
    } catch (const std::system_error&) { // no thread can be started: try again later
    }
    return count;
}

} // namespace baton::shell
