// Between the mesh and the files of options::spill_dir: pieces of found ones as the mesh asks for them, a
// piece a round, and the file beside a leave, which the disk's thread writes. On the I/O thread nothing waits
// for a write, so that the sockets go on being served, and a leave ends in time whatever the disk does.
#include "shell/io_thread.hpp"

namespace baton::shell {

using namespace std::chrono_literals;

namespace {
constexpr std::chrono::nanoseconds produce_for = 5ms; // in one round
constexpr auto scan_soon = 200ms, scan_later = 1000ms;
constexpr auto stuck_for = 100ms;
constexpr auto net_again_after = 1000ms; // it failed
constexpr auto hurried_net_for = 500ms;  // a file that is being written when the leave is to end at once
constexpr auto disk_ends_within = 200ms; // or its thread is left to itself
} // namespace

// ---------------------------------------------------------------- found files

void io_thread::begin_spills() {
    if (settings_.spill_dir.empty()) return;
    const auto at = now().now;
    shelf_.emplace(settings_.spill_dir, settings_.cluster, mesh_.settings().self, [this] {
        wire::spill_trust trusted;
        const auto keys = with([](core::mesh& mesh) { return mesh.keys().keys(); });
        for (const auto& key : keys) trusted.seals.push_back(seal_of(key));
        trusted.keyless = keys.empty() || settings_.accept_keyless_spills;
        return trusted;
    });
    scan_at_ = at;
    scan_until_ = at + settings_.alone_after;
    disk_->post([pace = pace_, path = trial_path(settings_.spill_dir, mesh_.settings().self)] {
        pace->measure(path);
    });
}

void io_thread::act(const core::read_spill& a) {
    spills_asked_.push_back(a); // answered by a later input: this may be within one
    spills_due_ = true;
}
void io_thread::act(const core::drop_spill& a) {
    log(log_level::info, "event=spill_dropped path=" + shelf_->path(a.file));
    shelf_->remove(a.file);
}
// Its name has to last before anything of it is written anew: what the mesh asks for waits for that.
void io_thread::act(const core::keep_spill_aside& a) {
    shelf_->keep_aside(a.file);
    ++*syncs_;
    disk_->post([dir = settings_.spill_dir, syncs = syncs_, bell = std::make_shared<disk_bell>(bell_)] {
        sync_folder(dir);
        --*syncs;
        bell->ring();
    });
    log(log_level::warning, "event=spill_damaged path=" + shelf_->path(a.file) +
                                " reason=\"readable values that no node has seen return as new writes\"");
}

// One chunk is looked at, or read for the mesh.
void io_thread::tend_spills() {
    if (!shelf_) return;
    spills_due_ = false;
    const auto at = now().now;
    if (at >= scan_at_) {
        shelf_->scan(at);
        scanned_at_ = at;
        scan_at_ = instant::max();
    }
    if (!spills_asked_.empty() && *syncs_ == 0) {
        read_for_mesh();
    } else if (shelf_->is_looking()) {
        look_through();
    }
    for (const auto& line : shelf_->complaints()) log(log_level::warning, line);
    note_listed();
    const bool reads = !spills_asked_.empty() && *syncs_ == 0;
    if (reads && shelf_->is_stuck()) {
        wake_at_ = std::min(wake_at_, at + stuck_for);
        spills_due_ = shelf_->is_looking();
    } else {
        spills_due_ = reads || shelf_->is_looking();
    }
}

void io_thread::read_for_mesh() {
    const auto asked = spills_asked_.front();
    if (const auto chunk = shelf_->read(asked.file, asked.from_start)) {
        spills_asked_.pop_front();
        give(core::spill_read{asked.file, *chunk}, {});
    } else if (!shelf_->is_stuck()) {
        spills_asked_.front().from_start = false;
    }
}

void io_thread::look_through() {
    const auto found = shelf_->look();
    if (!found) return;
    if (!found->refused.empty()) {
        log(found->foreign ? log_level::info : log_level::warning,
            "event=spill_refused path=" + found->path + " reason=\"" + found->refused + '"');
        return;
    }
    log(log_level::info,
        "event=spill_found path=" + found->path + (found->whole ? " state=whole" : " state=damaged"));
    const auto skew = static_cast<std::uint64_t>(settings_.clock_skew_max.count());
    if (const auto wall = now().wall_ms; found->written_ms > wall + skew) {
        log(log_level::warning, "event=clock_skew path=" + found->path + " reason=\"it was written " +
                                    std::to_string(found->written_ms - wall) +
                                    " ms from now by this clock: times to live in it have not run\"");
    }
    give(core::spill_found{found->file, found->whole, found->clock, found->commit, found->written_ms,
                           found->writer},
         {});
}

// While somebody still writes a file the folder is looked at again; and in the beginning, when a
// predecessor may be about to begin with one.
void io_thread::note_listed() {
    if (shelf_->is_looking()) return;
    const auto at = now().now;
    const bool all = !shelf_->has_more();
    if (!all && !std::exchange(spills_awaited_, true))
        log(log_level::info,
            "event=spill_awaited reason=\"a spill is being written, or cannot be opened now\"");
    if (all != spills_listed_) {
        spills_listed_ = all;
        give(core::spills_listed{all}, {});
    }
    if (scan_at_ != instant::max()) return;
    if (!all) scan_at_ = at + scan_soon;
    if (all && scanned_at_ < scan_until_) scan_at_ = std::min(at + scan_later, std::max(scan_until_, at));
}

// ---------------------------------------------------------------- the file beside a leave

// At once where nobody is there to take over; else in time for the deadline, and for a disk that has become
// slower. The moment it wants to be called again.
instant io_thread::tend_net(const moment& at, const core::leave_progress& progress) {
    if (settings_.spill_dir.empty() || at.now >= leaving_->deadline) return instant::max();
    if (net_) {
        const auto now_is = net_->look();
        if (now_is.is == spill_net::state::failed) {
            if (now_is.fault != net_fault_)
                log(log_level::error, "event=spill_failed reason=\"" + now_is.fault + '"');
            net_fault_ = now_is.fault;
            net_again_at_ = at.now + std::max<mesh_clock::duration>(net_again_after, at.now - net_began_);
            net_.reset();
            with([](core::mesh& mesh) { mesh.end_spilling(); });
        }
    }
    if (!net_) {
        const auto within = leaving_->deadline - leaving_->since;
        const auto bytes = with([](core::mesh& mesh) { return mesh.state().bytes_in_use(); });
        const auto due =
            progress.staying == 0 || hurry_
                ? at.now
                : std::min(leaving_->deadline - 2 * pace_->time_for(bytes), leaving_->since + within / 2);
        if (const auto begin = std::max(due, net_again_at_); at.now < begin) return begin;
        begin_net(at);
    }
    feed_net(at);
    return instant::max(); // the bell rings
}

void io_thread::begin_net(const moment& at) {
    const auto key = with([](core::mesh& mesh) {
        const auto& ring = mesh.keys();
        return ring.empty() ? std::nullopt : std::optional(ring.used());
    });
    auto head = with([&](core::mesh& mesh) {
        return wire::spill_head{.cluster = settings_.cluster,
                                .id = mesh.settings().self,
                                .clock = mesh.clock(),
                                .written_ms = at.wall_ms};
    });
    net_ = std::make_shared<spill_net>(settings_.spill_dir, std::move(head),
                                       key ? std::optional(seal_of(*key)) : std::nullopt, bell_);
    net_began_ = at.now;
    net_complete_ = false;
    disk_->post([net = net_] { net->run(); });
}

// A few milliseconds of producing what is to be written.
void io_thread::feed_net(const moment& at) {
    std::string frame;
    while (!net_complete_ && net_->has_room()) {
        if (now().now - at.now >= produce_for) {
            spills_due_ = true;
            return;
        }
        {
            const std::lock_guard lock(mutex_);
            net_complete_ = !mesh_.spill(at, frame);
        }
        if (!frame.empty()) net_->add(std::exchange(frame, {}));
        if (net_complete_) net_->close();
        give_way();
    }
}

// Whatever waiting might bring: it is whole, has failed, or there is none.
bool io_thread::is_net_settled() const {
    if (settings_.spill_dir.empty()) return true;
    return net_ ? net_->look().is == spill_net::state::whole : !net_fault_.empty();
}

// Told to end at once: a file that is being written has a moment more, for all that it may be worth.
bool io_thread::may_end(const moment& at) {
    if (!hurried_at_) hurried_at_ = at.now;
    const bool writes = net_ && net_->look().is == spill_net::state::writing;
    if (writes && at.now < *hurried_at_ + hurried_net_for) {
        wake_at_ = std::min(wake_at_, *hurried_at_ + hurried_net_for);
        return false;
    }
    return true;
}

// Where enough others hold everything the file is not needed, and goes, but for a node that keeps one.
void io_thread::settle_net(bool met, const moment& at, leave_report& report) {
    if (settings_.spill_dir.empty()) return;
    const bool keep = !met || settings_.keep_spills;
    const auto standing = net_ ? net_->settle(keep, !met) : spill_net::standing{};
    if (standing.is == spill_net::state::whole) {
        if (!keep) return;
        report.path = standing.path;
        const std::lock_guard lock(mutex_);
        mesh_.spill_kept(at, out_);
        publish(out_);
        return;
    }
    if (met) return;
    if (net_ && standing.is == spill_net::state::failed) net_fault_ = standing.fault;
    const bool late = net_ && standing.is == spill_net::state::writing;
    report.spill_error = late ? "the disk had not taken all of the spill when the leave was over"
                         : net_fault_.empty() ? "there was no time to write a spill"
                                              : net_fault_;
    if (late || net_fault_.empty())
        log(log_level::error, "event=spill_failed reason=\"" + report.spill_error + '"');
}

// What the disk is at has a moment more; a call that does not return is left to itself.
void io_thread::end_disk() {
    if (net_) net_->settle(true, true); // as a rule that has been said
    if (disk_) disk_->end(net_ ? disk_ends_within : 0ms);
}

} // namespace baton::shell
