// crew: the threads on which the calls wait that a client of the C ABI has begun. A thread starts when a call
// finds none that is idle, and ends when it has had nothing to do for a second.
//
// Any thread; one destroys it, which waits for the calls. Source: the completions of <baton/client.hpp> are
// futures, which say to no one that they are ready.
#pragma once

#include "handles.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

namespace baton::c {

class crew {
  public:
    /// As many as a client has calls under way at its member.
    static constexpr std::size_t threads_max = 512;
    static constexpr std::chrono::seconds idle_for{1};

    crew() = default;
    crew(const crew&) = delete;
    /// Does what has been given, and ends the threads.
    ~crew();

    /// Has `work` done, which throws nothing; in the order of the calls, as far as threads are free. Fault:
    /// network, if there is no thread and none can be started; then `work` is not done. Throws
    /// std::bad_alloc.
    [[nodiscard]] fault give(std::function<void()> work);

  private:
    [[nodiscard]] fault start_thread();
    void work(std::list<std::thread>::iterator self);

    std::mutex mutex_;
    std::condition_variable news_;
    std::deque<std::function<void()>> given_;
    std::list<std::thread> threads_;
    std::vector<std::list<std::thread>::iterator> ended_; ///< of threads_: the next call joins them
    std::size_t idle_ = 0;
    bool ending_ = false;
};

} // namespace baton::c
