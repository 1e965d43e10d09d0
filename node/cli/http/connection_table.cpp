#include "http/connection_table.hpp"

#include <sys/socket.h>

#include <algorithm>

namespace baton::cli {

connection_table::connection_table(bounds allowed)
    : bounds_(allowed)
    , thread_([this] { watch(); }) {}

connection_table::~connection_table() {
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

std::uint64_t connection_table::add(int fd) {
    const std::lock_guard lock(mutex_);
    const bool is_late = open_.size() >= bounds_.places;
    const auto within = is_late ? bounds_.late_head_within : bounds_.head_within;
    open_.emplace(++last_, entry{fd, is_late, clock::now() + within});
    changed_.notify_all();
    return last_;
}

bool connection_table::head_is_complete(std::uint64_t connection) {
    const std::lock_guard lock(mutex_);
    auto& one = open_.at(connection);
    one.until = clock::now() + bounds_.reply_within;
    return one.is_late;
}

void connection_table::becomes_stream(std::uint64_t connection) {
    const std::lock_guard lock(mutex_);
    open_.at(connection).until = clock::time_point::max();
}

void connection_table::remove(std::uint64_t connection) {
    const std::lock_guard lock(mutex_);
    open_.erase(connection);
}

std::uint64_t connection_table::timed_out() const {
    const std::lock_guard lock(mutex_);
    return timed_out_;
}

void connection_table::watch() {
    std::unique_lock lock(mutex_);
    while (!over_) {
        const auto now = clock::now();
        auto next = clock::time_point::max();
        for (auto& [number, one] : open_) {
            if (one.until <= now) {
                ::shutdown(one.fd, SHUT_RDWR); // the server sees the end of the connection and closes it
                one.until = clock::time_point::max();
                ++timed_out_;
            }
            next = std::min(next, one.until);
        }
        if (next == clock::time_point::max())
            changed_.wait(lock);
        else
            changed_.wait_until(lock, next);
    }
}

} // namespace baton::cli
