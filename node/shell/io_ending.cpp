// The main function of the I/O thread: what ends it, and how the program learns of that.
#include "shell/io_thread.hpp"

#include <thread>

namespace baton::shell {

using namespace std::chrono_literals;

namespace {
constexpr auto spill_within = 20s; // after a failure: within Kubernetes' 30 s
}

void io_thread::run() {
    std::string failure;
    try {
        loop();
    } catch (const std::exception& thrown) { // a socket that cannot be used any more, or the program's own
        failure = thrown.what();
        if (failure.empty()) failure = "an exception without a text";
    } catch (...) { // the program's own, from its log or on_applied
        failure = "what the program throws is no std::exception";
    }
    leave_report report;
    report.outcome = leave_outcome::unsafe;
    if (!failure.empty()) fail(failure, report);
    {
        const std::lock_guard publishing(publisher_mutex_);
        sockets_.reset();
    }
    beacon_.reset();
    unicast_.reset();
    attempt([&] {
        if (leave_file_) leave_file_->end();
    });
    attempt([&] { // nobody else works on it any more
        const std::lock_guard lock(mutex_);
        while (mesh_.state().fold(mesh_.settings().bounds.slice)) {
        }
    });
    {
        const std::lock_guard lock(mutex_);
        if (!leaving_) leaving_.emplace(leaving{});
        if (!leaving_->report) {
            if (!report.path) report.unsafe = mesh_.state().keys();
            leaving_->report = std::move(report);
        }
        stopped_ = true;
        if (!failure.empty()) tell_failure(std::move(failure));
        changed_.notify_all();
        sent_.notify_all();
    }
    attempt([&] { end_pending(); });
}

// For what goes on after the end, whatever it throws: each step is worth trying by itself.
template <class Step>
void io_thread::attempt(Step step) noexcept {
    try {
        step();
    } catch (...) { // the failure has been told, or is about to be
    }
}

// The state stays readable. Where there is a folder for it, it goes into a file: this node hands over to
// nobody any more.
void io_thread::fail(const std::string& reason, leave_report& report) noexcept {
    failed_ = true; // from now on what the log throws is borne
    attempt([&] { log(log_level::error, "event=io_thread_failed reason=\"" + reason + '"'); });
    if (settings_.spill_dir.empty() || (leaving_ && leaving_->report)) return;
    attempt([&] {
        {
            const std::lock_guard lock(mutex_);
            if (!leaving_) leaving_.emplace(leaving{});
            if (!leaving_->begun) mesh_.begin_leave(now(), leaving_->copies, out_);
            leaving_->begun = true;
            leaving_->since = now().now;
            leaving_->deadline = leaving_->since + spill_within;
            out_.clear(); // there is nobody to send it to
        }
        while (!is_leave_file_settled() && now().now < leaving_->deadline) {
            (void)tend_leave_file(now(), true);
            std::this_thread::sleep_for(1ms); // the disk's thread writes
        }
        settle_leave_file(false, now(), report);
        if (report.path) report.outcome = leave_outcome::spilled;
    });
}

// Under the lock.
void io_thread::tell_failure(std::string reason) {
    events_.push({event_kind::failed, mesh_.settings().self, settings_.name, std::move(reason), 0});
}

} // namespace baton::shell
