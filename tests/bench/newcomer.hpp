// A newcomer: a process that joins a node which holds everything, and says when it held everything too.
//
// Used by the parent's one thread.
#pragma once

#include "remote_node.hpp"

namespace baton::bench {

struct arrival {
    std::int64_t start = 0, joined = 0, synced = 0; ///< instants of now_ns()
    std::uint64_t rss = 0, peak = 0;                ///< bytes, when it was synced
    [[nodiscard]] double ms() const { return static_cast<double>(synced - joined) / 1e6; }
};

/// A node that holds `keys` keys, and what its newcomers are told.
struct holder {
    explicit holder(std::uint64_t keys);
    /// A new process joins, is timed until it holds all with an equal digest, and leaves.
    arrival welcome();
    remote_node node;
    json told;
};

} // namespace baton::bench
