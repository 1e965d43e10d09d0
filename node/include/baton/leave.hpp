// leave: how a node leaves, and who holds what it held when it is gone.
//
//     // The exit status of a service that leaves.
//     int exit_status(const baton::leave_report& report) {
//         switch (report.outcome) {
//         case baton::leave_outcome::safe: return 0;
//         case baton::leave_outcome::safe_degraded: return 3; // report.copies members hold everything
//         case baton::leave_outcome::spilled: return 3;       // the file is *report.path
//         case baton::leave_outcome::unsafe: return 4;        // report.unsafe_keys may be lost
//         }
//         return 4;
//     }
//
// Plain values; any thread.
#pragma once

#include <baton/api.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton {

/// How safe the state is after a leave.
enum class leave_outcome : std::uint8_t {
    safe,          ///< `copies` staying members acknowledged everything, or there was nothing to hand over
    safe_degraded, ///< fewer members acknowledged everything, but at least one
    spilled,       ///< as unsafe, but a file in options::spill_dir holds the whole state
    unsafe,        ///< no staying member acknowledged everything: `unsafe_keys` may be lost
};
/// The name of the outcome as scripts see it, for example "safe". Valid for ever.
[[nodiscard]] BATON_API std::string_view to_string(leave_outcome outcome);

/// What a leave achieved.
struct leave_report {
    leave_outcome outcome{}; ///< how safe the state is
    std::size_t copies = 0;  ///< staying members that acknowledged everything after the leaving was announced
    std::size_t unsafe = 0;  ///< how many keys no staying member is known to hold completely
    std::vector<std::string> unsafe_keys; ///< the first 1,000 of them, sorted
    std::optional<std::string> path{};    ///< the file in options::spill_dir; nullopt: none was written

    /// Why a needed file is not complete; the next start salvages what was written. nullopt: none is missing.
    std::optional<std::string> spill_error{};
    std::chrono::nanoseconds took{}; ///< from the call to the end of the leave
};

/// How a node leaves.
struct leave_options {
    std::optional<std::chrono::milliseconds> within{}; ///< default: options::leave_within
    std::size_t copies = 2;                            ///< wanted holders; fewer if fewer members stay

    /// The whole mesh stops: the leave ends as soon as no other member stays (with a spill if there is a
    /// folder), and does not wait for a successor. Members that stay receive everything as usual.
    bool nobody_stays = false;
};

} // namespace baton
