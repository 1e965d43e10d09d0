// leave_file: the spill that a leave writes while it waits, in case no member takes over in time. This class
// decides when to begin the file, passes frames of the mesh to it, repeats a failed attempt, and decides what
// happens to the file at the end. The disk's thread writes it. So nothing here waits for a write, and a leave
// ends in time whatever the disk does.
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
    /// The present state of the leave.
    struct leave {
        instant since{}, deadline{};
        bool urgent = false; ///< no member can take over, or the leave must end soon
    };
    struct outcome {
        std::string path;  ///< of a complete file that stays
        std::string error; ///< why there is no complete file, if one was wanted
    };

    /// `bell`: the disk's thread rings it when there is more to do.
    leave_file(const options& settings, const replica_id& self, disk_thread& disk, int bell, hooks out);

    /// Measures the disk, so that the file is begun early enough.
    void measure();
    /// Begins the file when it is time, and passes frames to it for a few milliseconds. Returns the moment to
    /// call again; instant::max(): when the bell rings, or at once if take_due() is true.
    instant tend(const moment& at, const leave& now_is);
    /// tend() had no time for everything. Resets the flag.
    [[nodiscard]] bool take_due() { return std::exchange(due_, false); }
    /// Further waiting changes nothing: the file is complete, or has failed.
    [[nodiscard]] bool is_settled() const;
    /// The leave must end at once: returns until when to wait for a file that is being written; nullopt: not
    /// at all.
    [[nodiscard]] std::optional<instant> worth_until(instant now);
    /// The last call for the file. `met`: enough members hold everything, so the file is removed, unless the
    /// node keeps spills.
    outcome settle(bool met);
    /// Gives the disk a moment to finish; a call that does not return is left behind.
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
