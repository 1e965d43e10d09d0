// stability: forgets what every member has seen. It drops removal records and residues of counters, and
// archives closed origins. A member that is too far behind is left behind and delays none of this. When that
// member returns, it is compared by ranges (I8).
//
// Pure; owned by a mesh, same thread contract. When to call again: judge_lag(), then tend(), with every
// heartbeat; work() while it returns true.
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
    stability(const mesh_options& settings, store& here, membership& members, session_server& server,
              writer& write, publisher& out)
        : settings_(settings)
        , store_(here)
        , members_(members)
        , server_(server)
        , writer_(write)
        , publisher_(out) {}

    /// Leaves a member behind that stays more than limits.lag_max events, or limits.lag_bytes_max of own
    /// writes, behind without catching up. While this node is full, any lag is too much: the removal records
    /// that it keeps for that member may be all that fills it, and without writes the lag would never grow to
    /// the bound.
    void judge_lag(bool is_full, instant now, outbox& out);
    /// Finds what may be forgotten by now. O(origins × members). `takes_writes`: this node is neither full
    /// nor leaving. Do not call while a commit is being folded in or a spill is being written.
    void tend(bool takes_writes, const moment& at, outbox& out);
    /// Drops a slice of removal records; true while there are more.
    bool work();
    /// The cut that every member has reported as applied, and that no session under way still has to carry.
    [[nodiscard]] cut stable_cut() const;
    /// Writers wait for a member that had kept up and now falls behind, until it is left behind.
    [[nodiscard]] bool is_crowded() const;
    [[nodiscard]] std::uint64_t evictions() const { return evictions_; }

  private:
    /// An origin that belongs to no node that is known here.
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
    session_server& server_;
    writer& writer_;
    publisher& publisher_;
    cut stable_;           ///< removal records under it are being dropped
    bool garbage_ = false; ///< some may be left under stable_
    std::map<replica_id, silence> quiet_;
    mutable std::uint64_t uncrowded_at_ = 0, uncrowded_bytes_ = 0; ///< own, when is_crowded() was false
    std::uint64_t evictions_ = 0;
};

} // namespace baton::core
