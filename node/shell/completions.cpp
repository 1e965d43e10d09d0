#include "shell/completions.hpp"

#include "shell/io_thread.hpp"

#include <string>
#include <utility>

namespace baton::shell {

namespace {
error forked_queue() {
    return {errc::forked, "the queue belongs to the parent process: make one here after fork()"};
}
error closed_queue() { return {errc::leaving, "the queue of completions is closed"}; }
} // namespace

completion_channel::completion_channel(std::size_t calls_max)
    : calls_max_(calls_max) {}

result<void> completion_channel::reserve() {
    if (forked()) return forked_queue();
    const std::lock_guard lock(mutex_);
    if (closed_) return closed_queue();
    if (under_way_ >= calls_max_) {
        return error{errc::busy, "the queue has " + std::to_string(calls_max_) +
                                     " calls under way or unread, and calls_max allows no more"};
    }
    ++under_way_;
    return {};
}

void completion_channel::give_back() {
    const std::lock_guard lock(mutex_);
    --under_way_;
}

void completion_channel::push(completion done, std::shared_ptr<void> result_elsewhere) {
    const std::lock_guard lock(mutex_);
    if (closed_) return; // both end when the lock is free again
    done_.push_back({std::move(done), std::move(result_elsewhere)});
    if (done_.size() == 1) readable_.show(is_readable());
    news_.notify_one();
}

result<completion> completion_channel::next(std::chrono::milliseconds within) {
    return next_of_any(within).transform([](ended_call first) { return std::move(first.done); });
}

result<ended_call> completion_channel::next_of_any(std::chrono::milliseconds within) {
    if (forked()) return forked_queue();
    std::unique_lock lock(mutex_);
    if (!news_.wait_for(lock, io_thread::bounded(within), [this] { return is_readable(); }))
        return error{errc::timeout, "no call ended within " + std::to_string(within.count()) + " ms"};
    if (closed_) return closed_queue();
    auto first = std::move(done_.front());
    done_.pop_front();
    --under_way_;
    if (done_.empty()) readable_.show(is_readable());
    return first;
}

result<int> completion_channel::fd() {
    if (forked()) return forked_queue();
    const std::lock_guard lock(mutex_);
    return readable_.get(is_readable());
}

std::size_t completion_channel::under_way() const {
    if (forked()) return 0;
    const std::lock_guard lock(mutex_);
    return under_way_;
}

void completion_channel::close() {
    if (forked()) return;
    std::deque<ended_call> unread; // destroyed without the lock: claims are released
    const std::lock_guard lock(mutex_);
    closed_ = true;
    unread.swap(done_);
    under_way_ -= unread.size();
    readable_.show(is_readable());
    news_.notify_all();
}

} // namespace baton::shell

namespace baton {

completion_queue::completion_queue(std::size_t calls_max)
    : channel_((shell::count_forks(), std::make_shared<shell::completion_channel>(calls_max))) {}
// A child of a fork keeps what belongs to the parent: its lock may be held for ever.
completion_queue::~completion_queue() {
    if (channel_->forked()) {
        (void)new std::shared_ptr(std::move(channel_)); // NOLINT
    } else {
        channel_->close();
    }
}

result<completion> completion_queue::next(std::chrono::milliseconds within) { return channel_->next(within); }
result<int> completion_queue::fd() { return channel_->fd(); }
std::size_t completion_queue::under_way() const { return channel_->under_way(); }
void completion_queue::close() { channel_->close(); }

} // namespace baton
