// The steps of a leave in the I/O thread: announce it, wait, end with a spill or without one, say goodbye.
#include "shell/io_thread.hpp"

#include <algorithm>

namespace baton::shell {

using namespace std::chrono_literals;

namespace {
constexpr auto farewell_wait = 250ms;
}

void io_thread::manage_leave() {
    const auto at = now();
    bool begin = false, farewell = false;
    for (bool more = true; more;) { // what is claimed is given up first, slice by slice
        const std::lock_guard lock(mutex_);
        const auto slice = mesh_.settings().bounds.slice;
        more = leaving_ && !leaving_->begun && mesh_.registers().owned.release_some(at, slice, out_);
    }
    core::leave_progress progress;
    {
        const std::lock_guard lock(mutex_);
        if (!leaving_) return;
        if (!leaving_->begun) {
            leaving_->begun = begin = true;
            mesh_.begin_leave(at, leaving_->copies, out_);
            publish(out_);
        }
        progress = mesh_.leaving_progress();
        farewell = leaving_->farewell_until.has_value();
        if (farewell && (mesh_.farewell_heard() || at.now >= *leaving_->farewell_until)) ended_ = true;
    }
    perform();
    if (begin) settle();
    if (farewell) {
        wake_at_ = std::min(wake_at_, at.now + 5ms);
        return;
    }
    const auto next = progress.met ? leaving_->deadline : tend_leave_file(at, progress.staying == 0);
    const bool nobody_stays = leaving_->nobody_stays && progress.staying == 0 && is_leave_file_settled();
    const bool met = progress.met && !progress.pulled;
    if (met || at.now >= leaving_->deadline || nobody_stays || (hurry_ && may_end(at))) {
        finish_leave(progress.met, progress.copies);
    } else {
        wake_at_ = std::min({wake_at_, next, leaving_->deadline});
    }
}

void io_thread::finish_leave(bool met, std::size_t copies) {
    leave_report report;
    report.copies = copies;
    settle_leave_file(met, now(), report);
    report.outcome = met           ? leave_outcome::safe
                     : copies != 0 ? leave_outcome::safe_degraded
                     : report.path ? leave_outcome::spilled
                                   : leave_outcome::unsafe;
    if (report.outcome == leave_outcome::unsafe) {
        std::vector<std::string> keys;
        while (with([](core::mesh& mesh) { return mesh.state().fold(mesh.settings().bounds.slice); })) {
        }
        for (std::size_t shard = 0; shard < key_index::shards; ++shard) {
            with([&](core::mesh& mesh) { mesh.unsafe_keys(shard, keys); });
        }
        std::sort(keys.begin(), keys.end());
        keys.erase(std::unique(keys.begin(), keys.end()), keys.end()); // a set is named by each element
        report.unsafe = keys.size();
        keys.resize(std::min<std::size_t>(keys.size(), 1000));
        report.unsafe_keys = std::move(keys);
    }
    const auto at = now();
    {
        const std::lock_guard lock(mutex_);
        mesh_.say_left(at, out_);
        publish(out_);
        report.took = at.now - leaving_->since;
        leaving_->report = report;
        leaving_->farewell_until = at.now + farewell_wait;
    }
    perform();
    wake_at_ = std::min(wake_at_, at.now + 5ms);
    log(report.outcome == leave_outcome::unsafe ? log_level::warning : log_level::info,
        "event=leave outcome=" + std::string(to_string(report.outcome)) +
            " copies=" + std::to_string(report.copies) + " unsafe=" + std::to_string(report.unsafe) +
            (report.path ? " path=" + *report.path : ""));
}

} // namespace baton::shell
