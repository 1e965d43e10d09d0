#include "shell/descriptors.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include <mutex>
#include <string>

namespace baton::shell {

namespace {

std::mutex guard;
std::size_t shared_out = 0; // by the nodes of this process

// The number of open descriptors of the process: poll() reports those that are not open.
std::size_t open_now(std::size_t limit) {
    std::vector<pollfd> all(std::min<std::size_t>(limit, 65536));
    for (std::size_t i = 0; i < all.size(); ++i) all[i].fd = static_cast<int>(i);
    if (::poll(all.data(), all.size(), 0) < 0) return 0;
    const auto open = [](const pollfd& each) { return (each.revents & POLLNVAL) == 0; };
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), open));
}

// Raises the soft limit, as far as it may be.
void raise_to(rlimit& files, std::size_t wanted) {
    if (files.rlim_cur >= wanted) return;
    const auto before = files.rlim_cur;
    files.rlim_cur = std::min<rlim_t>(files.rlim_max, wanted);
    if (::setrlimit(RLIMIT_NOFILE, &files) != 0) files.rlim_cur = before;
}

} // namespace

result<descriptor_share> descriptor_share::take_some(std::size_t least, std::size_t most) {
    const std::lock_guard lock(guard);
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return descriptor_share(0, 0, most);
    const auto taken = open_now(files.rlim_cur) + shared_out;
    raise_to(files, taken + most);
    const std::size_t limit = files.rlim_cur;
    if (limit < taken + least)
        return error{errc::network, "descriptors: the limit of " + std::to_string(limit) +
                                        " open files leaves fewer than " + std::to_string(least)};
    const auto mine = std::min(most, limit - taken);
    shared_out += mine;
    return descriptor_share(0, limit, mine);
}

result<descriptor_share> descriptor_share::take(std::size_t members) {
    const std::lock_guard lock(guard);
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return descriptor_share(members, 0, 0);
    // Descriptors that other nodes have opened are counted twice, since their shares include them. The
    // surplus is left to the program.
    const auto taken = open_now(files.rlim_cur) + shared_out;
    const auto wanted = taken + own_descriptors + members * descriptors_each;
    raise_to(files, wanted);
    const std::size_t limit = files.rlim_cur;
    if (limit >= wanted) {
        shared_out += wanted - taken;
        return descriptor_share(members, limit, wanted - taken);
    }
    if (limit < taken + own_descriptors + descriptors_each) {
        return error{errc::network, "descriptors: of the limit of " + std::to_string(limit) + " open files " +
                                        std::to_string(taken) + " are in use or reserved, and a node needs " +
                                        std::to_string(own_descriptors + descriptors_each) +
                                        ": raise it (ulimit -n, LimitNOFILE=)"};
    }
    const auto some = (limit - taken - own_descriptors) / descriptors_each;
    const auto mine = own_descriptors + some * descriptors_each;
    shared_out += mine;
    return descriptor_share(some, limit, mine);
}

descriptor_share::~descriptor_share() {
    if (taken_ == 0) return; // this object was moved from
    const std::lock_guard lock(guard);
    shared_out -= taken_;
}

bool spares::fill(std::size_t count) {
    const auto before = held_.size();
    while (held_.size() < count) {
        descriptor one(::eventfd(0, EFD_CLOEXEC));
        if (one.get() < 0) {
            shrink(before);
            return false;
        }
        held_.push_back(std::move(one));
    }
    return true;
}

} // namespace baton::shell
