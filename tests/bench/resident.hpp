// Memory of this process as the kernel counts it.
//
// Any thread.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>

namespace baton::bench {

struct resident {
    std::uint64_t bytes = 0; ///< VmRSS
    std::uint64_t peak = 0;  ///< VmHWM
};

inline resident resident_now() {
    resident found;
    std::ifstream status{"/proc/self/status"};
    for (std::string line; std::getline(status, line);) {
        const auto kib = [&] { return std::stoull(line.substr(line.find(':') + 1)) * 1024; };
        if (line.starts_with("VmRSS:")) found.bytes = kib();
        if (line.starts_with("VmHWM:")) found.peak = kib();
    }
    return found;
}

} // namespace baton::bench
