// disk: a thread for calls that a disk may delay, and the measured speed of that disk.
//
// disk_thread belongs to one thread, whose bell it rings; posted tasks run on its own thread, in order. A
// system call that does not return cannot be ended. Then the thread is detached, and its data live as long as
// it does. So a task owns everything that it uses.
#pragma once

#include "shell/descriptor.hpp"

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace baton::shell {

/// The calls by which spills are written: write(2) and fsync(2). A test replaces them by slow or failing
/// ones; each writer takes a copy.
struct disk_calls {
    std::function<ssize_t(int, const void*, std::size_t)> write;
    std::function<int(int)> sync;
};
/// Any thread.
[[nodiscard]] disk_calls calls_of_disk();
/// Any thread; returns the former calls.
disk_calls replace_calls_of_disk(disk_calls by);

/// How fast a disk accepts writes. Any thread.
class disk_pace {
  public:
    /// As measured by making so many bytes durable, or an assumption before that.
    [[nodiscard]] std::chrono::nanoseconds time_for(std::size_t bytes) const;
    /// Writes to a file in the folder, makes it durable twice, and removes it. Errors change nothing: the
    /// folder has been tested before. May take long.
    void measure(const std::string& file);

  private:
    [[nodiscard]] std::chrono::nanoseconds sync_time() const;
    std::atomic<std::int64_t> began_{0}; ///< of the measurement that is under way; 0: none
    std::atomic<std::int64_t> sync_{0};  ///< how long one fsync takes
    std::atomic<std::uint64_t> bytes_a_second_{0};
};

/// Rings the bell (an eventfd) of the thread that waits for the disk; has a descriptor of its own.
class disk_bell {
  public:
    explicit disk_bell(int bell);
    void ring() const;

  private:
    descriptor copy_;
};

class disk_thread {
  public:
    /// Throws std::system_error if no thread can be started.
    disk_thread();
    disk_thread(const disk_thread&) = delete;
    ~disk_thread() { end(std::chrono::milliseconds{0}); }
    void post(std::function<void()> task);
    /// Begins no more tasks. Waits at most so long for the present task; then detaches the thread.
    void end(std::chrono::milliseconds within);

  private:
    struct shared {
        std::mutex mutex;
        std::condition_variable changed;
        std::deque<std::function<void()>> tasks;
        bool ending = false, busy = false;
    };
    std::shared_ptr<shared> shared_ = std::make_shared<shared>();
    std::thread thread_;
};

} // namespace baton::shell
