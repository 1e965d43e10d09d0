// Connects the mesh with the files of options::spill_dir: the found ones (spill_reading.hpp), and the one
// that a leave writes (leave_file.hpp).
#include "shell/io_thread.hpp"

namespace baton::shell {

void io_thread::make_spills() {
    if (settings_.spill_dir.empty()) return;
    disk_ = std::make_unique<disk_thread>();
    const auto& self = mesh_.settings().self;
    const auto to_log = [this](log_level level, const std::string& line) { log(level, line); };
    leave_file_.emplace(settings_, self, *disk_, bell_,
                        leave_file::hooks{.log = to_log,
                                          .with =
                                              [this](const std::function<void(core::mesh&)>& use) {
                                                  const std::lock_guard lock(mutex_);
                                                  use(mesh_);
                                              },
                                          .now = now,
                                          .give_way = [this] { give_way(); }});
    const auto trusted = [this] {
        const auto keys = with([](core::mesh& mesh) { return mesh.keys().keys(); });
        wire::spill_trust whom;
        for (const auto& key : keys) whom.seals.push_back(seal_of(key));
        whom.keyless = keys.empty() || settings_.accept_keyless_spills;
        return whom;
    };
    found_spills_.emplace(settings_, self, *disk_, bell_,
                          spill_reading::hooks{.log = to_log,
                                               .give = [this](const core::input& in) { give(in, {}); },
                                               .now = now,
                                               .trusted = trusted});
}

// ---------------------------------------------------------------- found files

void io_thread::begin_spills() {
    if (!found_spills_) return;
    found_spills_->begin(now().now);
    leave_file_->measure();
}

void io_thread::tend_spills() {
    if (!found_spills_) return;
    const auto again_at = found_spills_->tend();
    wake_at_ = std::min(wake_at_, again_at);
}

// ---------------------------------------------------------------- the file beside a leave

instant io_thread::tend_leave_file(const moment& at, bool urgent) {
    if (!leave_file_) return instant::max();
    return leave_file_->tend(at, {leaving_->since, leaving_->deadline, urgent || hurry_});
}

bool io_thread::is_leave_file_settled() const { return !leave_file_ || leave_file_->is_settled(); }

bool io_thread::may_end(const moment& at) {
    const auto until = leave_file_ ? leave_file_->worth_until(at.now) : std::nullopt;
    if (until) wake_at_ = std::min(wake_at_, *until);
    return !until;
}

void io_thread::settle_leave_file(bool met, const moment& at, leave_report& report) {
    if (!leave_file_) return;
    auto outcome = leave_file_->settle(met);
    if (!outcome.error.empty()) report.spill_error = std::move(outcome.error);
    if (outcome.path.empty()) return;
    report.path = std::move(outcome.path);
    const std::lock_guard lock(mutex_);
    mesh_.spill_kept(at, out_);
    publish(out_);
}

} // namespace baton::shell
