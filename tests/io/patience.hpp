// patience: how long a test waits, and how it measures. A deadline for something that should happen is
// generous: it costs time only if the test fails. An upper bound on how long something may take is compared
// with the time that has passed, less the time in which the threads of the test waited for a processor, so
// that it means the same on a busy machine. Choose it far above the usual time, and make what must not be
// waited for far longer still. How fast something usually is belongs to tests/bench.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <system_error>

namespace io {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// How many times slower than usual a program is here; one under a sanitizer has that much more memory, too.
inline double slowdown() {
    static const double factor = [] {
        const char* set = std::getenv("BATON_TEST_SLOWDOWN");
        return set != nullptr ? std::max(1.0, std::strtod(set, nullptr)) : 1.0;
    }();
    return factor;
}

/// The most that may take here what takes up to `usual` elsewhere. For bounds; see stopwatch.
inline milliseconds at_most(milliseconds usual) {
    return std::chrono::duration_cast<milliseconds>(usual * slowdown());
}

/// How long to wait for what should come within `usual`.
inline milliseconds patience(milliseconds usual) {
    constexpr int on_a_busy_machine = 6;
    return on_a_busy_machine * at_most(usual);
}

/// Waits until `holds()`; false when `within` has passed several times. Between two looks a short time
/// passes.
template <class Condition>
[[nodiscard]] bool eventually(milliseconds within, Condition holds) {
    const auto until = clock::now() + patience(within);
    while (!holds()) {
        if (clock::now() >= until) return false;
        poll(nullptr, 0, 5);
    }
    return true;
}

/// Processes whose threads a stopwatch looks at: this one and those that it has started and not reaped.
class watched_processes {
  public:
    static void add(pid_t pid) {
        with([&](auto& all) { all.insert(pid); });
    }
    static void remove(pid_t pid) {
        with([&](auto& all) { all.erase(pid); });
    }
    static std::set<pid_t> all() {
        std::set<pid_t> copy;
        with([&](auto& all) { copy = all; });
        copy.insert(getpid());
        return copy;
    }

  private:
    template <class Use>
    static void with(Use use) {
        static std::mutex mutex;
        static std::set<pid_t> all;
        const std::scoped_lock lock{mutex};
        use(all);
    }
};

/// Starts when it is made. Any thread.
class stopwatch {
  public:
    /// The time that has passed.
    [[nodiscard]] milliseconds elapsed() const {
        return std::chrono::ceil<milliseconds>(clock::now() - start_);
    }
    /// How long others had the processors that these threads were ready to use: the sum over all threads, or
    /// the time in which the kernel saw anybody wait for a processor (PSI), if that is longer. The sum lacks
    /// threads that have ended, such as those of a node that is gone. Nearly nothing on an idle machine.
    [[nodiscard]] milliseconds held_up() const {
        std::chrono::nanoseconds sum{};
        for (const auto& [thread, waited] : waits()) {
            const auto before = waited_.find(thread);
            sum += waited - (before != waited_.end() ? before->second : std::chrono::nanoseconds{});
        }
        return std::chrono::duration_cast<milliseconds>(
            std::max<std::chrono::nanoseconds>(sum, stalled() - stalled_));
    }
    /// How long it would have taken on a machine that does nothing else.
    [[nodiscard]] milliseconds unhindered() const {
        const auto passed = elapsed();
        return std::max(passed - held_up(), milliseconds{});
    }

  private:
    using thread_waits = std::map<std::string, std::chrono::nanoseconds>;

    /// Per thread, how long it has waited for a processor (the second number in its schedstat).
    static thread_waits waits() {
        thread_waits all;
        for (const auto pid : watched_processes::all()) {
            std::error_code ended;
            const auto tasks = "/proc/" + std::to_string(pid) + "/task";
            for (auto at = std::filesystem::directory_iterator(tasks, ended);
                 !ended && at != std::filesystem::directory_iterator(); at.increment(ended)) {
                std::ifstream file(at->path() / "schedstat");
                std::int64_t ran = 0, waited = 0;
                if (file >> ran >> waited) all[at->path().string()] = std::chrono::nanoseconds{waited};
            }
        }
        return all;
    }

    /// Since the machine was started; 0 if the kernel does not report it.
    static std::chrono::microseconds stalled() {
        std::ifstream file("/proc/pressure/cpu"); // some avg10=… avg60=… avg300=… total=…
        std::string word;
        while (file >> word) {
            if (word.starts_with("total="))
                return std::chrono::microseconds{std::strtoll(word.c_str() + 6, nullptr, 10)};
        }
        return {};
    }

    clock::time_point start_ = clock::now();
    thread_waits waited_ = waits();
    std::chrono::microseconds stalled_ = stalled();
};

} // namespace io
