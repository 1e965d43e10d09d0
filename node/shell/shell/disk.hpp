// disk: a thread for what a disk may keep waiting, and what was measured of that disk.
//
// disk_thread belongs to one thread, whose bell it rings; what is posted runs on its own thread, in order. A
// system call that does not return cannot be ended: then the thread is let go of, and what it works on lives
// as long as it does. So a task owns all that it uses.
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

/// The calls by which spills are written: write(2) and fsync(2). A test puts slow or failing ones in their
/// place; whoever writes takes a copy.
struct disk_calls {
    std::function<ssize_t(int, const void*, std::size_t)> write;
    std::function<int(int)> sync;
};
/// Any thread.
[[nodiscard]] disk_calls calls_of_disk();
/// Any thread; those that there were.
disk_calls replace_calls_of_disk(disk_calls by);

/// How fast a disk takes what is written to it. Any thread.
class disk_pace {
  public:
    /// From making so many bytes durable, or what is believed before that.
    [[nodiscard]] std::chrono::nanoseconds time_for(std::size_t bytes) const;
    /// Writes to a file in the folder, makes it durable twice, and removes it. Errors leave things as they
    /// are: the folder has been tried before. May take long.
    void measure(const std::string& file);

  private:
    [[nodiscard]] std::chrono::nanoseconds sync_time() const;
    std::atomic<std::int64_t> began_{0}; ///< of the measurement that is under way; 0: none
    std::atomic<std::int64_t> sync_{0};  ///< how long one fsync takes
    std::atomic<std::uint64_t> bytes_a_second_{0};
};

/// Rings the bell (an eventfd) of whoever waits for the disk; has a descriptor of its own.
class disk_bell {
  public:
    explicit disk_bell(int bell);
    void ring() const;

  private:
    descriptor copy_;
};

class disk_thread {
  public:
    /// Throws std::system_error when there is no thread to be had.
    disk_thread();
    disk_thread(const disk_thread&) = delete;
    ~disk_thread() { end(std::chrono::milliseconds{0}); }
    void post(std::function<void()> task);
    /// Nothing more is begun. A task that is under way may end within so long; then the thread is on its own.
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
