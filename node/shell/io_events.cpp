// How the program reads events: one by one, with a descriptor that is readable while an event waits, or in
// the log.
#include "shell/io_thread.hpp"
#include "shell/text.hpp"

#include <algorithm>

namespace baton::shell {

std::string io_thread::line_of(const event& told) {
    return "event=" + std::string(to_string(told.kind)) + " member=" + log_word(told.name) +
           " id=" + told.id.to_string().substr(0, 8) + " reason=\"" + printable(told.reason) + '"';
}

void io_thread::log(log_level level, const std::string& line) const {
    if (!settings_.log) return;
    try {
        settings_.log(level, line);
    } catch (...) { // ends the thread, once
        if (!failed_) throw;
    }
}

std::optional<event> io_thread::next_event(std::chrono::milliseconds timeout) {
    constexpr std::chrono::milliseconds pause{100}; // for one who asks again and again
    std::unique_lock lock(mutex_, std::defer_lock);
    enter(lock);
    const auto there_is_one = [this] { return events_.has_some(); };
    ++waiters_;
    if (stopped_) { // nothing more will come
        changed_.wait_for(lock, std::min(bounded(timeout), pause), there_is_one);
    } else {
        changed_.wait_for(lock, bounded(timeout), [&] { return there_is_one() || stopped_; });
    }
    --waiters_;
    return events_.next();
}

// Once a source and reason, and of each reason at least once, whatever there was of others; anew every hour.
// Every one is in stats().
void io_thread::complain(std::string_view host, const char* reason) {
    if (!settings_.log) return;
    const auto at = now().now;
    const bool named = told_.first(std::string(host) + '|' + reason, at);
    if (!named && !told_.is_new_kind(reason)) return;
    const auto from = host.empty() ? std::string() : " from=" + std::string(host); // it is not always known
    log(log_level::warning, "event=refused" + from + " reason=\"" + reason + '"');
}

// How many sources have not been named, as there were too many: once a minute.
void io_thread::tell_unnamed() {
    const auto count = told_.left_out(now().now);
    if (count == 0) return;
    log(log_level::warning, "event=refused_more count=" + std::to_string(count) +
                                " reason=\"more sources than the log names in an hour; stats() counts all\"");
}

result<int> io_thread::event_fd() {
    const guest lock(*this);
    return events_.fd();
}

} // namespace baton::shell
