// pull_pace: when this node may ask one server for a session again. Each failed session with it doubles the
// wait, with jitter. Only a session that brings what the server has reported, or a new contact, makes the
// wait shorter.
//
// A plain value. Source: exponential backoff with jitter (as in Brooker, "Exponential Backoff And Jitter",
// 2015); the wait is per server, so that another one can be tried at once. The server may be a file
// (spills.hpp).
#pragma once

#include "core/io.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace baton::core {

class pull_pace {
  public:
    static constexpr mesh_clock::duration first = std::chrono::milliseconds(200);
    /// The longest wait while the reason may pass by itself: a busy server, a lossy link.
    static constexpr mesh_clock::duration longest = std::chrono::seconds(2);
    /// The longest wait if it will not: rows beyond a limit of this node, content beyond its memory, a server
    /// that does not hold what it reports.
    static constexpr mesh_clock::duration longest_hopeless = std::chrono::seconds(60);

    /// `chance`: any 64 random bits.
    void failed(instant now, bool hopeless, std::uint64_t chance) {
        const auto most = hopeless ? longest_hopeless : std::max(longest, wait_ / 2);
        wait_ = std::clamp(2 * wait_, first, std::max(first, most));
        not_before_ = now + wait_ * 3 / 4 + wait_ / 2 * static_cast<std::int64_t>(chance % 1024) / 1024;
    }
    void went_well() { *this = {}; }
    [[nodiscard]] bool is_due(instant now) const { return now >= not_before_; }
    /// When to look again.
    [[nodiscard]] instant due() const { return not_before_; }

  private:
    mesh_clock::duration wait_{};
    instant not_before_{};
};

} // namespace baton::core
