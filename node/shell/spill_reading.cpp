#include "shell/spill_reading.hpp"

#include "shell/spill_file.hpp"

#include <algorithm>
#include <utility>

namespace baton::shell {

using namespace std::chrono_literals;

namespace {
constexpr auto scan_soon = 200ms, scan_later = 1000ms;
constexpr auto stuck_for = 100ms;
} // namespace

spill_reading::spill_reading(const options& settings, const replica_id& self, disk_thread& disk, int bell,
                             hooks out)
    : dir_(settings.spill_dir)
    , skew_max_(settings.clock_skew_max)
    , alone_after_(settings.alone_after)
    , disk_(disk)
    , bell_(bell)
    , out_(std::move(out))
    , shelf_(settings.spill_dir, settings.cluster, self, out_.trusted) {}

void spill_reading::begin(instant now) {
    scan_at_ = now;
    scan_until_ = now + alone_after_;
}

void spill_reading::ask(const core::read_spill& what) {
    asked_.push_back(what); // a later input answers: this call may be within one
    due_ = true;
}

void spill_reading::drop(core::spill_id file) {
    out_.log(log_level::info, "event=spill_dropped path=" + shelf_.path(file));
    shelf_.remove(file);
}

// The new name has to be on the disk before any value is written again, so the requests of the mesh wait for
// the sync.
void spill_reading::keep_aside(core::spill_id file) {
    shelf_.keep_aside(file);
    ++*syncs_;
    disk_.post([dir = dir_, syncs = syncs_, bell = std::make_shared<disk_bell>(bell_)] {
        sync_folder(dir);
        --*syncs;
        bell->ring();
    });
    out_.log(log_level::warning,
             "event=spill_damaged path=" + shelf_.path(file) +
                 " reason=\"readable values that no node has seen return as new writes\"");
}

instant spill_reading::tend() {
    due_ = false;
    const auto at = out_.now().now;
    if (at >= scan_at_) {
        shelf_.scan(at);
        scanned_at_ = at;
        scan_at_ = instant::max();
    }
    if (may_read()) {
        read();
    } else if (shelf_.is_looking()) {
        look_through();
    }
    for (const auto& line : shelf_.complaints()) out_.log(log_level::warning, line);
    note_listed();
    if (may_read() && shelf_.is_stuck()) {
        due_ = shelf_.is_looking();
        return at + stuck_for;
    }
    due_ = may_read() || shelf_.is_looking();
    return instant::max();
}

void spill_reading::read() {
    const auto wanted = asked_.front();
    if (const auto chunk = shelf_.read(wanted.file, wanted.from_start)) {
        asked_.pop_front();
        out_.give(core::spill_read{wanted.file, *chunk});
    } else if (!shelf_.is_stuck()) {
        asked_.front().from_start = false;
    }
}

void spill_reading::look_through() {
    const auto found = shelf_.look();
    if (!found) return;
    if (!found->refused.empty()) {
        out_.log(found->foreign ? log_level::info : log_level::warning,
                 "event=spill_refused path=" + found->path + " reason=\"" + found->refused + '"');
        return;
    }
    out_.log(log_level::info,
             "event=spill_found path=" + found->path + (found->whole ? " state=whole" : " state=damaged"));
    const auto skew = static_cast<std::uint64_t>(skew_max_.count());
    if (const auto wall = out_.now().wall_ms; found->written_ms > wall + skew) {
        out_.log(log_level::warning, "event=clock_skew path=" + found->path + " reason=\"it was written " +
                                         std::to_string(found->written_ms - wall) +
                                         " ms from now by this clock: times to live in it have not run\"");
    }
    out_.give(core::spill_found{found->file, found->whole, found->clock, found->commit, found->written_ms,
                                found->writer});
}

// The folder is scanned again while another process still writes a file, and at the start, when a predecessor
// may be about to write one.
void spill_reading::note_listed() {
    if (shelf_.is_looking()) return;
    const auto at = out_.now().now;
    const bool all = !shelf_.has_more();
    if (!all && !std::exchange(awaited_, true))
        out_.log(log_level::info, "event=spill_awaited reason=\"another process still writes a spill, or it "
                                  "cannot be opened now\"");
    if (all != listed_) {
        listed_ = all;
        out_.give(core::spills_listed{all});
    }
    if (scan_at_ != instant::max()) return;
    if (!all) scan_at_ = at + scan_soon;
    if (all && scanned_at_ < scan_until_) scan_at_ = std::min(at + scan_later, std::max(scan_until_, at));
}

} // namespace baton::shell
