// Callers that wait until other members hold a write; calls that wait without a thread.
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
    if (now_held.met) pending_.met.note(now().now - since);
    return now_held;
}

void io_thread::begin(std::unique_ptr<pending_call> call, std::optional<std::chrono::milliseconds> within) {
    std::unique_lock lock(mutex_, std::defer_lock);
    enter(lock);
    look_now();
    const auto at = now();
    const auto until = within ? at.now + bounded(*within) : instant::max();
    const auto* const ended = stopped_ ? &*leaving_->report : nullptr;
    const auto next = pending_.next();
    const auto done = pending_.begin(std::move(call), until, mesh_, at, ended);
    // The I/O thread has to ask members, to see to an earlier end, or to send.
    if (pending_.take_asked() || pending_.next() < next) ring();
    if (pending_.listens()) mesh_.state().notes().want(true);
    after_write(lock, at);
    if (done) done->finish();
}

void io_thread::work_on_pending() {
    for (bool more = true; more;) {
        std::vector<pending_calls::call> done;
        bool settles = false;
        {
            const std::lock_guard lock(mutex_);
            const auto own = mesh_.state().counter_of(mesh_.settings().self);
            look_now();
            more = pending_.work(mesh_, now(), done);
            pending_at_ = pending_.next();
            settles = pending_.take_asked() || mesh_.state().counter_of(mesh_.settings().self) != own;
            if (settles && waiters_ != 0) changed_.notify_all();
            collect();
            mesh_.state().notes().want(watches_.board().wants_notes());
        }
        watches_.ring();
        for (const auto& each : done) each->finish();
        if (settles) settle();
        if (more) give_way();
    }
}

// No call waits any more: there is no I/O thread.
void io_thread::end_pending() {
    std::vector<pending_calls::call> done;
    {
        const std::lock_guard lock(mutex_);
        pending_.end(mesh_, now(), *leaving_->report, done);
    }
    for (const auto& each : done) each->finish();
}

void io_thread::tell(event told) {
    const guest lock(*this);
    log(log_level::info, line_of(told));
    events_.push(std::move(told));
    changed_.notify_all();
}

} // namespace baton::shell
