// Callers that wait until other members hold a write.
#include "shell/io_thread.hpp"

#include <algorithm>

namespace baton::shell {

using namespace std::chrono_literals;

core::ack_count io_thread::wait_held(const core::proof& wanted, std::uint64_t ticket,
                                     std::chrono::milliseconds within) {
    std::unique_lock lock(mutex_, std::defer_lock);
    enter(lock);
    core::ack_count now_held;
    const auto enough = [&] { return (now_held = mesh_.measure(wanted)).met || stopped_; };
    const auto since = now().now, deadline = since + bounded(within);
    if (mesh_.asks_now(now())) ring(); // the I/O thread does
    ++waiters_;
    const auto patience = std::min<mesh_clock::duration>(
        std::max<mesh_clock::duration>(2 * mesh_.round_trip(), 1ms), bounded(within));
    if (!changed_.wait_for(lock, patience, enough)) {
        ring(); // the I/O thread asks those who have not answered
        changed_.wait_for(lock, deadline - now().now, enough);
    }
    --waiters_;
    mesh_.stop_awaiting(ticket);
    if (now_held.met) waits_.met.note(now().now - since);
    return now_held;
}

void io_thread::when_held(core::proof wanted, std::uint64_t ticket, std::chrono::milliseconds within,
                          std::function<void(const core::ack_count&)> done) {
    {
        const guest lock(*this);
        if (!stopped_) {
            const auto since = now().now;
            waits_.add({std::move(wanted), ticket, since, since + bounded(within), std::move(done)});
            done = nullptr;
        }
    }
    if (done) return done({}); // there is no I/O thread any more
    ring();
}

// Completes what is met or over; on the I/O thread.
void io_thread::finish_waiting(bool all) {
    std::vector<holder_waits::finished> over;
    {
        const std::lock_guard lock(mutex_);
        over = waits_.take_over(mesh_, now().now, all, wake_at_);
    }
    for (const auto& each : over) each.done(each.held);
}

} // namespace baton::shell
