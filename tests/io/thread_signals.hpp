// Sends a signal to the threads of this process, as a profiler does.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace io {

/// Sends the signal to each thread except the calling one and, unless `to_main`, the main thread.
inline void signal_threads(int signal, bool to_main) {
    const auto self = syscall(SYS_gettid);
    std::error_code ended; // a thread may end while they are listed
    for (auto each = std::filesystem::directory_iterator("/proc/self/task", ended);
         !ended && each != std::filesystem::directory_iterator(); each.increment(ended)) {
        const long other = std::atol(each->path().filename().c_str());
        if (other != self && (to_main || other != getpid())) syscall(SYS_tgkill, getpid(), other, signal);
    }
}

} // namespace io
