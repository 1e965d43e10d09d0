// What the node's user reads of its events: one by one, by a descriptor that says when there are some, or in
// the log.
#include "shell/io_thread.hpp"
#include "shell/text.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace baton::shell {

std::string io_thread::line_of(const event& told) {
    return "event=" + std::string(to_string(told.kind)) + " member=" + log_word(told.name) +
           " id=" + told.id.to_string().substr(0, 8) + " reason=\"" + printable(told.reason) + '"';
}

std::optional<event> io_thread::next_event(std::chrono::milliseconds timeout) {
    constexpr std::chrono::milliseconds pause{100}; // for one who asks again and again
    std::unique_lock lock(mutex_, std::defer_lock);
    enter(lock);
    const auto there_is_one = [this] { return !events_.empty() || events_dropped_ != 0; };
    ++waiters_;
    if (stopped_) { // nothing more will come
        changed_.wait_for(lock, std::min(bounded(timeout), pause), there_is_one);
    } else {
        changed_.wait_for(lock, bounded(timeout), [&] { return there_is_one() || stopped_; });
    }
    --waiters_;
    if (events_dropped_ != 0) {
        event lost{event_kind::dropped, {}, {}, "limits.events_max unread events", events_dropped_};
        events_dropped_ = 0;
        signal_events(!events_.empty());
        return lost;
    }
    if (events_.empty()) return std::nullopt;
    auto first = std::move(events_.front());
    events_.pop_front();
    signal_events(!events_.empty());
    return first;
}

// Once a source and reason, and of each reason at least once, whatever there was of others; anew every hour.
// Every one is in stats().
void io_thread::complain(std::string_view host, const char* reason) {
    if (!settings_.log) return;
    const auto at = now().now;
    const bool named = told_.first(std::string(host) + '|' + reason, at);
    if (!named && !told_.is_new_kind(reason)) return;
    log(log_level::warning, "event=refused from=" + std::string(host) + " reason=\"" + reason + '"');
}

// How many sources have not been named, as there were too many: once a minute.
void io_thread::tell_unnamed() {
    const auto count = told_.left_out(now().now);
    if (count == 0) return;
    log(log_level::warning, "event=refused_more count=" + std::to_string(count) +
                                " reason=\"more sources than are named in an hour; stats() counts all\"");
}

result<int> io_thread::event_fd() {
    const guest lock(*this);
    if (event_fd_ < 0) {
        event_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (event_fd_ < 0) return error{errc::network, std::string("eventfd: ") + std::strerror(errno)};
        signal_events(!events_.empty() || events_dropped_ != 0);
    }
    return event_fd_;
}

// Under the lock.
void io_thread::signal_events(bool any) {
    if (event_fd_ < 0) return;
    std::uint64_t count = 1;
    [[maybe_unused]] const auto moved =
        any ? ::write(event_fd_, &count, sizeof count) : ::read(event_fd_, &count, sizeof count);
}

} // namespace baton::shell
