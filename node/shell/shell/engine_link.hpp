// engine_link: how an object that a program holds, and may hold for longer than the node, reaches the node's
// engine room.
//
// Thread contract: with() from any thread; cut() once, by the node's destructor, after the engine has stopped
// writing, so that nobody who is inside stays there for long. In a forked child nothing is locked or touched.
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

    /// `use(io_thread&)`, or its error where there is no node any more: leaving, forked.
    template <class Use>
    auto with(Use use) -> decltype(use(std::declval<io_thread&>())) {
        if (forks() != generation_)
            return error{errc::forked, "the node belongs to the parent process: start one here after fork()"};
        const std::shared_lock lock(mutex_);
        if (engine_ == nullptr) return error{errc::leaving, "the node no longer exists"};
        return use(*engine_);
    }
    /// Waits for whoever is inside.
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
