// processor_time: how long a thread has run, for tests of cost. Wall time would include the time that other
// processes ran.
#pragma once

#include <ctime>

namespace support {

/// Seconds in which the calling thread had a processor, from some moment on.
inline double processor_seconds() {
    timespec ran{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ran);
    return static_cast<double>(ran.tv_sec) + static_cast<double>(ran.tv_nsec) * 1e-9;
}

} // namespace support
