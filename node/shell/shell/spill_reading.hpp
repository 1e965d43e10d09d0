// spill_reading: brings the files of options::spill_dir into the mesh, one piece per round: checks one file
// after the other, announces it, and reads it as the mesh asks.
//
// Owned by the I/O thread, which alone calls it; it also posts tasks to the disk's thread. It reports what it
// finds by the hooks, within tend(). Call tend() in every round: at once while is_due(), else at next_look().
#pragma once

#include "core/io.hpp"
#include "shell/disk.hpp"
#include "shell/spill_shelf.hpp"

#include <baton/options.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace baton::shell {

class spill_reading {
  public:
    struct hooks {
        std::function<void(log_level, const std::string&)> log;
        std::function<void(const core::input&)> give; ///< may ask for more before it returns
        std::function<moment()> now;
        std::function<wire::spill_trust()> trusted; ///< which seals are accepted at the time of the call
    };
    /// `bell`: rung by the disk's thread when there is more to do.
    spill_reading(const options& settings, const replica_id& self, disk_thread& disk, int bell, hooks out);

    void begin(instant now);
    /// Does one check or read. Returns the moment to call again at the latest.
    instant tend();
    [[nodiscard]] bool is_due() const { return due_; }
    /// When to list the folder again; instant::max(): never by itself.
    [[nodiscard]] instant next_look() const { return scan_at_; }

    // --- what the mesh wants; may be called within hooks::give ---
    void ask(const core::read_spill& what);
    void drop(core::spill_id file);
    void keep_aside(core::spill_id file);

  private:
    [[nodiscard]] bool may_read() const { return !asked_.empty() && *syncs_ == 0; }
    void read();
    void look_through();
    void note_listed();

    const std::string dir_;
    const std::chrono::milliseconds skew_max_, alone_after_;
    disk_thread& disk_;
    const int bell_;
    const hooks out_;
    spill_shelf shelf_;
    std::deque<core::read_spill> asked_; ///< by the mesh, one at a time
    bool listed_ = false;                ///< all of them have been announced to the mesh
    bool awaited_ = false;               ///< that is in the log
    bool due_ = false;                   ///< there is more to read
    instant scan_at_ = instant::max();   ///< the folder is looked at again
    instant scanned_at_{};
    instant scan_until_{}; ///< as long as other processes may be about to begin a file
    std::shared_ptr<std::atomic<int>> syncs_ = std::make_shared<std::atomic<int>>(0); ///< awaited
};

} // namespace baton::shell
