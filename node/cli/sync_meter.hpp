// sync_meter: one line for people about a sync that this node receives: how much has come, and how long the
// rest will take.
//
// Pure: it is given what a node counts and the time. One thread.
#pragma once

#include "table.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace baton::cli {

/// What is known of the sync now.
struct sync_sample {
    bool open = false;                  ///< one is under way
    std::uint64_t records = 0;          ///< that have come
    std::uint64_t records_expected = 0; ///< about how many will come in all; 0: not known
    std::uint64_t bytes = 0;            ///< that this node has received of all syncs since its start
    std::uint64_t keys = 0;             ///< that this node holds
};

class sync_meter {
  public:
    using clock = std::chrono::steady_clock;

    /// What is to be shown now in one line that changes; empty: nothing any more. Nothing returned: no
    /// change. `closing` gets a line that stays, once a sync is over that was shown or was large.
    std::optional<std::string> look(const sync_sample& now, clock::time_point at,
                                    std::optional<std::string>& closing);

  private:
    struct sync {
        clock::time_point begin{};
        std::uint64_t bytes_before = 0;
        bool shown = false;
    };
    std::optional<sync> sync_;
    std::uint64_t bytes_seen_ = 0; ///< up to the last look without a sync
    clock::time_point seen_at_{};
};

} // namespace baton::cli
