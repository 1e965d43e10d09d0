// stability: what every member has seen is forgotten. Removal records go, origins that are closed are
// archived, what is left of removed counters goes; a member that is far behind is left behind, and holds back
// none of it. When it is back, it is compared with by ranges (I8).
//
// Pure; owned by a mesh, same thread contract. When to call again: judge_lag(), then tend(), with every
// heartbeat; work() while it says true.
#pragma once

#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "core/publisher.hpp"
#include "core/session_server.hpp"
#include "core/writer.hpp"
#include "crdt/store.hpp"

#include <cstdint>
#include <map>

namespace baton::core {

class stability {
  public:
    stability(const mesh_options& settings, store& here, membership& members, const session_server& server,
              writer& write, publisher& out)
        : settings_(settings)
        , store_(here)
        , members_(members)
        , server_(server)
        , writer_(write)
        , publisher_(out) {}

    /// Leaves behind who stays more than limits.lag_max events behind, or limits.lag_bytes_max of what was
    /// written here, without catching up. Where this node is full, any lag is too much: what is kept for that
    /// member may be all that fills it, and then nothing is written any more that would let the lag grow.
    void judge_lag(bool is_full, instant now, outbox& out);
    /// What may be forgotten by now. O(origins × members). `takes_writes`: this node is neither full nor
    /// leaving. Not while a commit is being folded in, or a spill is being written.
    void tend(bool takes_writes, const moment& at, outbox& out);
    /// A slice of dropping removal records; true while there are more.
    bool work();
    /// What every member has told that it has applied, and no session under way has yet to carry.
    [[nodiscard]] cut stable_cut() const;
    /// Writers wait for a member that had kept up and now falls behind, until it is left behind.
    [[nodiscard]] bool is_crowded() const;
    [[nodiscard]] std::uint64_t evictions() const { return evictions_; }

  private:
    /// An origin that nobody here accounts for.
    struct silence {
        std::uint64_t counter;
        instant since;
    };
    [[nodiscard]] bool holds_back(const peer& p) const;
    [[nodiscard]] std::uint64_t bytes_behind(const peer& p) const;
    void settle_residues();
    void archive_closed(bool takes_writes, const moment& at, outbox& out);
    void close_for_good(const moment& at, outbox& out);
    void forget_archived();
    void rewrite(const replica_id& origin, std::uint64_t wall_ms);

    const mesh_options& settings_;
    store& store_;
    membership& members_;
    const session_server& server_;
    writer& writer_;
    publisher& publisher_;
    cut stable_;           ///< removal records under it are being dropped
    bool garbage_ = false; ///< some may be left under stable_
    std::map<replica_id, silence> quiet_;
    mutable std::uint64_t uncrowded_at_ = 0, uncrowded_bytes_ = 0; ///< own, when is_crowded() was false
    std::uint64_t evictions_ = 0;
};

} // namespace baton::core
