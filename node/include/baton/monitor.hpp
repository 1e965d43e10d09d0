// monitor: what an operator's tools ask of a node: does it live, is it ready, who hears whom, which syncs and
// claims are under way.
//
//     // One line for each sync, such as "from birch: 40 %".
//     std::vector<std::string> lines_of(const baton::node& node) {
//         std::vector<std::string> lines;
//         const auto now = baton::monitor{node}.view();
//         if (!now) return lines; // errc::forked
//         for (const auto& sync : now->syncs)
//             lines.push_back((sync.receives ? "from " : "to ") + sync.name + ": " +
//                             std::to_string(static_cast<int>(100 * sync.done())) + " %");
//         return lines;
//     }
//
// Thread contract: any thread; a monitor is used while its node object lives and is not moved from. Copyable;
// owns nothing. Each call takes the node's lock for a few short holds, and is_alive() for none.
#pragma once

#include <baton/api.hpp>
#include <baton/node.hpp>
#include <baton/result.hpp>
#include <baton/view.hpp>

#include <chrono>
#include <cstddef>
#include <optional>

namespace baton {

/// What monitor::view() reads.
struct view_options {
    std::size_t claims_max = 100; ///< names of claimed keys in the result
    /// Asks every member which nodes it has in view, and waits this long for the answers; nullopt: shows what
    /// they answered last. A frame to and from each member: ask every few seconds at most.
    std::optional<std::chrono::milliseconds> ask_within{};
};

/// Reads what people want to know of a running node.
class BATON_API monitor {
  public:
    /// Watches `watched`.
    explicit monitor(const node& watched)
        : watched_(&watched) {}

    /// True if the node's I/O thread completes a round of its loop `within` this time; false if it hangs, has
    /// failed or has left. For watchdogs: takes no lock. Blocks for as long as the round takes, usually less
    /// than 5 ms.
    [[nodiscard]] bool is_alive(std::chrono::milliseconds within = std::chrono::milliseconds{1000}) const;
    /// True while the node may be given work: it is not leaving, and it holds everything that every member
    /// in view held when it joined and has no unread spill; or it is alone (options::alone_after) or
    /// founding, so that nobody is there to be synced with. False in a forked child.
    [[nodiscard]] bool is_ready() const;
    /// The mesh as it is now. Errors: forked. Blocks for at most
    /// view_options::ask_within. O(members² + claims_max).
    [[nodiscard]] result<mesh_view> view(view_options how = {}) const;

  private:
    const node* watched_;
};

} // namespace baton
