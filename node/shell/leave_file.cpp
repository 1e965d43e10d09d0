#include "shell/leave_file.hpp"

#include <algorithm>

namespace baton::shell {

using namespace std::chrono_literals;

namespace {
constexpr std::chrono::nanoseconds produce_for = 5ms; // the longest time in one round
constexpr auto again_after = 1000ms;                  // after a failure
constexpr auto hurried_for = 500ms;      // for a file that is being written when the leave has to end at once
constexpr auto disk_ends_within = 200ms; // after this time the thread of the disk is abandoned
} // namespace

leave_file::leave_file(const options& settings, const replica_id& self, disk_thread& disk, int bell,
                       hooks out)
    : dir_(settings.spill_dir)
    , cluster_(settings.cluster)
    , self_(self)
    , keeps_(settings.keep_spills)
    , disk_(disk)
    , bell_(bell)
    , out_(std::move(out)) {}

void leave_file::measure() {
    disk_.post([pace = pace_, path = trial_path(dir_, self_)] { pace->measure(path); });
}

// Begins at once if the leave is urgent; otherwise in time for the deadline, even if the disk has become
// slower.
instant leave_file::tend(const moment& at, const leave& now_is) {
    if (at.now >= now_is.deadline) return instant::max();
    if (file_) {
        const auto standing = file_->look();
        if (standing.is == spill_net::state::failed) {
            if (standing.fault != fault_)
                out_.log(log_level::error, "event=spill_failed reason=\"" + standing.fault + '"');
            fault_ = standing.fault;
            again_at_ = at.now + std::max<mesh_clock::duration>(again_after, at.now - began_);
            file_.reset();
            out_.with([](core::mesh& mesh) { mesh.end_spilling(); });
        }
    }
    if (!file_) {
        const auto within = now_is.deadline - now_is.since;
        std::size_t bytes = 0;
        out_.with([&](core::mesh& mesh) { bytes = mesh.state().bytes_in_use(); });
        const auto due =
            now_is.urgent ? at.now
                          : std::min(now_is.deadline - 2 * pace_->time_for(bytes), now_is.since + within / 2);
        if (const auto first = std::max(due, again_at_); at.now < first) return first;
        begin(at);
    }
    feed(at);
    return instant::max();
}

void leave_file::begin(const moment& at) {
    std::optional<mesh_key> key;
    wire::spill_head head{.cluster = cluster_, .id = self_, .clock = {}, .written_ms = at.wall_ms};
    out_.with([&](core::mesh& mesh) {
        if (const auto& ring = mesh.keys(); !ring.empty()) key = ring.used();
        head.clock = mesh.clock();
    });
    file_ = std::make_shared<spill_net>(dir_, std::move(head),
                                        key ? std::optional(seal_of(*key)) : std::nullopt, bell_);
    began_ = at.now;
    complete_ = false;
    disk_.post([file = file_] { file->run(); });
}

void leave_file::feed(const moment& at) {
    std::string frame;
    while (!complete_ && file_->has_room()) {
        if (out_.now().now - at.now >= produce_for) {
            due_ = true;
            return;
        }
        out_.with([&](core::mesh& mesh) { complete_ = !mesh.spill(at, frame); });
        if (!frame.empty()) file_->add(std::exchange(frame, {}));
        if (complete_) file_->close();
        out_.give_way();
    }
}

bool leave_file::is_settled() const {
    return file_ ? file_->look().is == spill_net::state::whole : !fault_.empty();
}

std::optional<instant> leave_file::worth_until(instant now) {
    if (!hurried_at_) hurried_at_ = now;
    const auto until = *hurried_at_ + hurried_for;
    const bool writes = file_ && file_->look().is == spill_net::state::writing;
    return writes && now < until ? std::optional(until) : std::nullopt;
}

leave_file::outcome leave_file::settle(bool met) {
    const bool keep = !met || keeps_;
    const auto standing = file_ ? file_->settle(keep, !met) : spill_net::standing{};
    if (standing.is == spill_net::state::whole) return {keep ? standing.path : std::string{}, {}};
    if (met) return {};
    if (file_ && standing.is == spill_net::state::failed) fault_ = standing.fault;
    const bool late = file_ && standing.is == spill_net::state::writing;
    outcome none{{},
                 late             ? "the spill was not completely on the disk when the leave ended"
                 : fault_.empty() ? "there was no time to write a spill"
                                  : fault_};
    if (late || fault_.empty()) out_.log(log_level::error, "event=spill_failed reason=\"" + none.error + '"');
    return none;
}

void leave_file::end() {
    if (file_) file_->settle(true, true); // usually done already
    disk_.end(file_ ? disk_ends_within : 0ms);
}

} // namespace baton::shell
