#include "crew.hpp"

#include "shell/threads.hpp"

#include <baton/baton.h>

#include <string>
#include <system_error>
#include <utility>

namespace baton::c {

crew::~crew() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
        news_.notify_all();
    }
    for (auto& each : threads_) each.join();
}

fault crew::give(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    for (const auto& each : ended_) { // they have left work(): the lock is free
        each->join();
        threads_.erase(each);
    }
    ended_.clear();
    if (given_.size() >= idle_ && threads_.size() < threads_max) {
        auto none = start_thread();
        if (none.code != BATON_OK && threads_.empty()) return none;
    }
    given_.push_back(std::move(work));
    news_.notify_one();
    return {};
}

fault crew::start_thread() {
    ended_.reserve(threads_.size() + 1); // so that the end of a thread needs no memory
    const auto self = threads_.emplace(threads_.end());
    try {
        *self = shell::start_thread([this, self] { work(self); });
        return {};
    } catch (const std::system_error& none) {
        threads_.erase(self);
        return {BATON_NETWORK, std::string("no thread is available for the call: ") + none.what()};
    }
}

void crew::work(std::list<std::thread>::iterator self) {
    std::unique_lock lock(mutex_);
    for (;;) {
        ++idle_;
        news_.wait_for(lock, idle_for, [this] { return ending_ || !given_.empty(); });
        --idle_;
        if (given_.empty()) break;
        const auto next = std::move(given_.front());
        given_.pop_front();
        lock.unlock();
        next();
        lock.lock();
    }
    ended_.push_back(self);
}

} // namespace baton::c
