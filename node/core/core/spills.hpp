// spills: files that hold a whole store. A leave that nobody took over is
// written as the session that a newcomer would get. At a later start such a
// file is merged as a repair from a peer with its cut, or, if it is damaged,
// looked through for what nobody else has. The shell has the files and hands
// over chunks; here is what is staged, believed and forgotten.
//
// Pure; owned by a mesh, same thread contract. A merge is a session of
// `receiver`: the caller reports its end. Bounded by 1024 files, and one of
// them at a time. When to call again: tend() at take_deadline(), and on every
// round of timers; work() while it says true.
#pragma once

#include "core/inbound_session.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "core/pull_pace.hpp"
#include "core/session_receiver.hpp"
#include "core/session_server.hpp"
#include "core/writer.hpp"
#include "crdt/store.hpp"
#include "wire/rows.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::core {

class spills {
  public:
    /// `started`: when this node began to look for others.
    spills(const mesh_options& settings, store& here, membership& members, session_server& server,
           session_receiver& receiver, writer& write, instant started)
        : settings_(settings)
        , store_(here)
        , members_(members)
        , server_(server)
        , receiver_(receiver)
        , writer_(write)
        , started_(started) {}

    // --- writing, while this node leaves ---
    /// A slice of the store as for a newcomer. `into`: the next frame, or empty.
    /// False with the last; then, and after end_writing(), it begins anew.
    /// Precondition: the cut is frozen.
    bool write(const moment& at, std::string& into);
    void end_writing() { writing_.reset(); }
    [[nodiscard]] bool is_writing() const { return writing_ != nullptr; }
    /// What was written is safe on its disk: files whose contents are in it are
    /// dropped.
    void kept(outbox& out);

    // --- files that were found ---
    /// A refusal is for the caller to count.
    verdict on_found(const spill_found& in, const moment& at);
    void on_listed(const spills_listed& in, const moment& at);
    /// True: it is of the damaged file that is being looked through. If not, it
    /// is the receiver's.
    bool on_read(const spill_read& in, const moment& at, outbox& out);
    /// The receiver's session with a file is over. True: the file is at fault, for the first time: the caller
    /// counts a refusal.
    bool on_end(session_end how, spill_id id, const moment& at, outbox& out);
    /// Files that are neither merged nor given up yet.
    [[nodiscard]] std::size_t waiting() const;
    /// What a file holds may be any key.
    [[nodiscard]] bool has_unread() const { return settings_.spills && (!listed_ || waiting() != 0); }

    // --- work ---
    /// Drops what others hold by now. Opens the next file, if `may_begin`: this
    /// node takes writes, and no deltas wait to be applied. O(files × members ×
    /// origins).
    void tend(bool may_begin, const moment& at, outbox& out);
    /// A slice of the damaged file; true while there is more of its chunk.
    bool work(bool takes_writes, const moment& at, outbox& out);
    /// Gives up the rest of the damaged file.
    void end_salvage(const moment& at, outbox& out);
    /// When tend() is wanted, as far as it is known since this was last asked.
    [[nodiscard]] instant take_deadline() { return std::exchange(due_, instant::max()); }

  private:
    struct file {
        spill_id id{};
        replica_id writer{};
        bool whole = false;
        bool merged = false;
        bool tried = false;
        timestamp clock{};
        std::uint64_t written_ms = 0;
        cut claims;                        ///< of its COMMIT, without the archive
        pull_pace pace;                    ///< not before this
        std::optional<session_end> failed; ///< how the last session with it ended
        bool refused = false;              ///< it has been counted
    };
    /// The damaged file that is being looked through.
    struct salvage {
        explicit salvage(const file& of)
            : id(of.id)
            , writer(of.writer)
            , written_ms(of.written_ms) {}
        spill_id id;
        replica_id writer;
        std::uint64_t written_ms = 0;
        std::optional<state_job> job;
        std::map<std::pair<std::string, dot>, std::string> parts; ///< of one slot
        std::size_t recovered = 0;
    };
    void wake_by(instant when) { due_ = std::min(due_, when); }
    [[nodiscard]] file* find(spill_id id);
    [[nodiscard]] bool waits_for_report(const file& which) const;
    void open(file& next, const moment& at, outbox& out);
    void merged(spill_id id, const moment& at, outbox& out);
    void release(outbox& out);
    // spill_salvage.cpp
    bool salvage_row(const wire::state_row& row, std::uint64_t wall_ms, outbox& out);
    [[nodiscard]] std::int64_t lost_share(std::string_view key, const staged_view& lost);
    [[nodiscard]] bool is_lost(const dot& id) const;

    const mesh_options& settings_;
    store& store_;
    membership& members_;
    session_server& server_;
    session_receiver& receiver_;
    writer& writer_;
    instant started_;
    std::vector<file> files_; ///< in the order of their being found
    bool listed_ = false;     ///< every file there is has been looked at
    std::optional<salvage> open_;
    /// Of counters' lost shares: what has been added already, should another file
    /// have them too.
    std::map<std::pair<std::string, replica_id>, std::pair<std::uint64_t, std::int64_t>> shares_;
    std::unique_ptr<outbound_session> writing_;
    instant due_ = instant::max();
};

} // namespace baton::core
