#include "shell/poller.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace baton::shell {

namespace {
constexpr std::uint64_t nameless = ~std::uint64_t{0};
constexpr std::size_t events_max = 64; // per wait; the next wait reports the others
} // namespace

poller::poller()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_.get() < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

void poller::watch(int descriptor, std::uint32_t events, std::uint64_t data) {
    epoll_event wanted{};
    wanted.events = events;
    wanted.data.u64 = data;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &wanted) != 0)
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void poller::add(int descriptor, name of) {
    watch(descriptor, EPOLLIN, of);
    touched(of);
}

void poller::add_writer(int descriptor, name of) { watch(descriptor, EPOLLOUT, of); }
void poller::add_bell(int descriptor) { watch(descriptor, EPOLLIN | EPOLLET, nameless); }

void poller::remove(int descriptor) {
    epoll_event unused{};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, descriptor, &unused);
}

void poller::wait(std::chrono::milliseconds at_most) {
    std::array<epoll_event, events_max> events;
    const int timeout = pending_.empty() ? static_cast<int>(at_most.count()) : 0;
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout);
    if (count < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "epoll_wait");
    for (int i = 0; i < count; ++i) {
        const auto data = events.at(static_cast<std::size_t>(i)).data.u64;
        if (data != nameless) touched(static_cast<name>(data));
    }
}

bool poller::is_pending(name of) const { return std::binary_search(pending_.begin(), pending_.end(), of); }

void poller::touched(name of) {
    const auto at = std::lower_bound(pending_.begin(), pending_.end(), of);
    if (at == pending_.end() || *at != of) pending_.insert(at, of);
}

void poller::drained(name of) {
    const auto at = std::lower_bound(pending_.begin(), pending_.end(), of);
    if (at != pending_.end() && *at == of) pending_.erase(at);
}

} // namespace baton::shell
