// leave: how a node leaves, and who holds what it held when it is gone.
//
// Plain values; any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton {

enum class leave_outcome : std::uint8_t {
    safe,          ///< `copies` staying members acknowledged everything; or nothing was held
    safe_degraded, ///< fewer, but at least one did
    spilled,       ///< as unsafe, but the whole state is in a file of options::spill_dir
    unsafe,        ///< no staying member acknowledged everything: `unsafe_keys` may be lost
};
[[nodiscard]] std::string_view to_string(leave_outcome outcome);

struct leave_report {
    leave_outcome outcome{};
    std::size_t copies = 0; ///< staying members that acknowledged everything after the leaving was announced
    std::size_t unsafe = 0; ///< how many keys no staying member is known to hold in full
    std::vector<std::string> unsafe_keys; ///< the first 1,000 of them, sorted
    std::string path{};                   ///< of the file that was written to options::spill_dir; empty: none
    std::string spill_error{};            ///< why there is no whole file, where there is a folder and nobody
                                          ///< else is known to hold enough; what was written may be salvaged
    std::chrono::nanoseconds took{};
};

struct leave_options {
    std::optional<std::chrono::milliseconds> within{}; ///< default: options::leave_within
    std::size_t copies = 2;                            ///< wanted holders; fewer where fewer members stay
    /// The whole mesh is being stopped: as soon as no member is left that stays, the leave ends (with a
    /// spill, where there is a folder for it), and does not wait for somebody to come. Members that stay are
    /// handed everything as usual.
    bool nobody_stays = false;
};

} // namespace baton
