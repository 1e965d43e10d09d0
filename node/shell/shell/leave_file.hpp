// leave_file: the file beside a leave, for when nobody takes over in time: when it is begun, fed with what
// the mesh produces, tried again when it has failed, and what becomes of it in the end. The disk's thread
// writes it, so that nothing here waits for a write, and a leave ends in time whatever the disk does.
//
// Owned by the I/O thread, which alone calls it. It reaches the mesh by a hook that takes the node's lock.
#pragma once

#include "core/mesh.hpp"
#include "shell/disk.hpp"
#include "shell/spill_file.hpp"

#include <baton/options.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace baton::shell {

class leave_file {
  public:
    struct hooks {
        std::function<void(log_level, const std::string&)> log;
        std::function<void(const std::function<void(core::mesh&)>&)> with; ///< runs it under the lock
        std::function<moment()> now;
        std::function<void()> give_way; ///< to callers that wait for the lock
    };
    /// The leave as it is by now.
    struct leave {
        instant since{}, deadline{};
        bool urgent = false; ///< nobody is there to take over, or it is to end soon
    };
    struct outcome {
        std::string path;  ///< of a whole file that stays
        std::string error; ///< why there is none, where one was wanted
    };

    /// `bell`: rung by the disk's thread when there is more to do.
    leave_file(const options& settings, const replica_id& self, disk_thread& disk, int bell, hooks out);

    /// Has the disk measured, so that a file is begun early enough.
    void measure();
    /// Begins the file when it is time to, and gives it a few milliseconds of what is to be written. The
    /// moment to call again; instant::max(): when the bell rings, or at once where take_due() says so.
    instant tend(const moment& at, const leave& now_is);
    /// There was more to write than tend() had time for. Asked once.
    [[nodiscard]] bool take_due() { return std::exchange(due_, false); }
    /// Whatever waiting might bring: the file is whole, or has failed.
    [[nodiscard]] bool is_settled() const;
    /// Told to end at once: until when a file that is being written is worth waiting for; nullopt: no longer.
    [[nodiscard]] std::optional<instant> worth_until(instant now);
    /// The last word. `met`: enough others hold everything, so the file goes, but for a node that keeps one.
    outcome settle(bool met);
    /// What the disk is at has a moment more; a call that does not return is left to itself.
    void end();

  private:
    void begin(const moment& at);
    void feed(const moment& at);

    const std::string dir_, cluster_;
    const replica_id self_;
    const bool keeps_;
    disk_thread& disk_;
    const int bell_;
    const hooks out_;
    const std::shared_ptr<disk_pace> pace_ = std::make_shared<disk_pace>();
    std::shared_ptr<spill_net> file_;
    instant began_{}, again_at_{};
    bool complete_ = false; ///< everything has been given to it
    bool due_ = false;
    std::string fault_; ///< why there is none
    std::optional<instant> hurried_at_;
};

} // namespace baton::shell
