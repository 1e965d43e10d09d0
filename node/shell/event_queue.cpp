#include "shell/event_queue.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace baton::shell {

void event_queue::push(event told) {
    events_.push_back(std::move(told));
    if (events_.size() > most_) {
        events_.pop_front();
        ++dropped_;
    }
    signal();
}

std::optional<event> event_queue::next() {
    std::optional<event> first;
    if (dropped_ != 0) {
        first =
            event{event_kind::dropped, {}, {}, "limits.events_max unread events", std::exchange(dropped_, 0)};
    } else if (!events_.empty()) {
        first = std::move(events_.front());
        events_.pop_front();
    } else {
        return std::nullopt;
    }
    signal();
    return first;
}

result<int> event_queue::fd() {
    if (readable_.get() < 0) {
        readable_ = descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
        if (readable_.get() < 0) return error{errc::network, std::string("eventfd: ") + std::strerror(errno)};
        signal();
    }
    return readable_.get();
}

void event_queue::signal() const {
    if (readable_.get() < 0) return;
    std::uint64_t count = 1;
    [[maybe_unused]] const auto moved = has_some() ? ::write(readable_.get(), &count, sizeof count)
                                                   : ::read(readable_.get(), &count, sizeof count);
}

} // namespace baton::shell
