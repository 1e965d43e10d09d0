#include "shell/disk.hpp"

#include "shell/threads.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace baton::shell {

using namespace std::chrono_literals;

namespace {

// The estimate assumes that a disk is no faster than this, and needs this much time in addition.
constexpr std::uint64_t bytes_a_second_max = std::uint64_t{32} << 20;
constexpr std::chrono::nanoseconds beside = 100ms;
constexpr std::size_t measured_bytes = std::size_t{256} << 10;

std::int64_t now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

struct replaceable_calls {
    std::mutex guard;
    disk_calls calls{
        [](int file, const void* bytes, std::size_t count) { return ::write(file, bytes, count); },
        [](int file) { return ::fsync(file); }};
};

// Never destroyed: a thread that hangs in a system call may outlive main().
replaceable_calls& in_use() {
    static auto& all = *new replaceable_calls;
    return all;
}

} // namespace

disk_calls calls_of_disk() {
    const std::lock_guard lock(in_use().guard);
    return in_use().calls;
}

disk_calls replace_calls_of_disk(disk_calls by) {
    const std::lock_guard lock(in_use().guard);
    return std::exchange(in_use().calls, std::move(by));
}

// ---------------------------------------------------------------- its pace

std::chrono::nanoseconds disk_pace::sync_time() const {
    const auto began = began_.load(), measured = sync_.load();
    return std::chrono::nanoseconds{began == 0 ? measured : std::max(measured, now() - began)};
}

// Two syncs: of the file, then of its folder.
std::chrono::nanoseconds disk_pace::time_for(std::size_t bytes) const {
    const auto rate = bytes_a_second_.load();
    const auto believed = rate == 0 ? bytes_a_second_max : std::min(rate, bytes_a_second_max);
    const auto milliseconds = static_cast<double>(bytes) * 1000 / static_cast<double>(believed);
    return beside + 2 * sync_time() + std::chrono::milliseconds{static_cast<std::int64_t>(milliseconds)};
}

// Measures twice. A file with almost no bytes shows how long a sync takes at least; the additional time with
// more bytes is the cost of these bytes.
void disk_pace::measure(const std::string& path) {
    const auto calls = calls_of_disk();
    const descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.get() < 0) return;
    const auto timed = [&](std::size_t count) -> std::int64_t {
        const std::string bytes(count, 'b');
        const auto began = now();
        began_ = began;
        const auto written = calls.write(file.get(), bytes.data(), bytes.size());
        const bool synced = written == static_cast<ssize_t>(count) && calls.sync(file.get()) == 0;
        const auto took = std::max<std::int64_t>(now() - began, 1);
        began_ = 0;
        return synced ? took : 0;
    };
    const auto least = timed(1);
    if (least != 0) sync_ = least;
    const auto more = least == 0 ? 0 : timed(measured_bytes);
    if (more > least) {
        const auto seconds = static_cast<double>(more - least) / 1e9;
        bytes_a_second_ = std::max<std::uint64_t>(
            1, static_cast<std::uint64_t>(static_cast<double>(measured_bytes) / seconds));
    }
    ::unlink(path.c_str());
}

// ---------------------------------------------------------------- its thread

disk_bell::disk_bell(int bell)
    : copy_(::fcntl(bell, F_DUPFD_CLOEXEC, 0)) {}

void disk_bell::ring() const {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(copy_.get(), &one, sizeof one);
}

disk_thread::disk_thread() {
    thread_ = start_thread([all = shared_] {
        std::unique_lock lock(all->mutex);
        for (;;) {
            all->changed.wait(lock, [&] { return all->ending || !all->tasks.empty(); });
            if (all->ending) return;
            auto task = std::move(all->tasks.front());
            all->tasks.pop_front();
            all->busy = true;
            lock.unlock();
            task();
            task = nullptr; // destroys what the task owns
            lock.lock();
            all->busy = false;
            all->changed.notify_all();
        }
    });
}

void disk_thread::post(std::function<void()> task) {
    const std::lock_guard lock(shared_->mutex);
    shared_->tasks.push_back(std::move(task));
    shared_->changed.notify_all();
}

void disk_thread::end(std::chrono::milliseconds within) {
    if (!thread_.joinable()) return;
    bool idle = false;
    {
        std::unique_lock lock(shared_->mutex);
        shared_->ending = true;
        shared_->changed.notify_all();
        idle = shared_->changed.wait_for(lock, within, [this] { return !shared_->busy; });
    }
    idle ? thread_.join() : thread_.detach();
}

} // namespace baton::shell
