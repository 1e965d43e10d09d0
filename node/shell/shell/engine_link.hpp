// engine_link: connects an object of the program, such as a claim handle, to the node's io_thread. The object
// may outlive the node.
//
// Thread contract: with() from any thread; cut() once, by the node's destructor, after the engine has stopped
// writing, so that no caller stays inside for long. In a forked child it locks and touches nothing.
#pragma once

#include "shell/io_thread.hpp"
#include "shell/threads.hpp"

#include <mutex>
#include <shared_mutex>

namespace baton::shell {

class engine_link {
  public:
    explicit engine_link(io_thread& engine)
        : engine_(&engine)
        , generation_(forks()) {}

    /// Calls `use(io_thread&)`. Errors: leaving, if the node no longer exists; forked.
    template <class Use>
    auto with(Use use) -> decltype(use(std::declval<io_thread&>())) {
        if (forks() != generation_)
            return error{errc::forked, "the node belongs to the parent process: start one here after fork()"};
        const std::shared_lock lock(mutex_);
        if (engine_ == nullptr) return error{errc::leaving, "the node no longer exists"};
        return use(*engine_);
    }
    /// Waits for callers that are inside.
    void cut() {
        const std::unique_lock lock(mutex_);
        engine_ = nullptr;
    }

  private:
    std::shared_mutex mutex_;
    io_thread* engine_;
    const int generation_;
};

} // namespace baton::shell
