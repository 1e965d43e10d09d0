// spills: files that hold a whole store. If no member takes over at a leave, this node writes the session
// that a newcomer would get. A later start merges such a file as a repair from a peer with its cut. If the
// file is damaged, it reads the values that no member has. The shell reads and writes the files and passes
// chunks; this class decides what is staged, believed and dropped.
//
// Pure; owned by a mesh, same thread contract. A merge is a session of `receiver`: the caller reports its
// end. Bounded by 1024 files, one of them at a time. When to call again: tend() at take_deadline(), and on
// every round of timers; work() while it returns true.
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
    /// Writes a slice of the store as for a newcomer. `into`: the next frame, or empty. False with the last
    /// frame; after that, or after end_writing(), the next call begins again. Precondition: the cut is
    /// frozen.
    bool write(const moment& at, std::string& into);
    void end_writing() { writing_.reset(); }
    [[nodiscard]] bool is_writing() const { return writing_ != nullptr; }
    /// The written file is safe on its disk: drops the files whose contents are in it.
    void kept(outbox& out);

    // --- files that were found ---
    /// The caller counts a refusal.
    verdict on_found(const spill_found& in, const moment& at);
    void on_listed(const spills_listed& in, const moment& at);
    /// True: the chunk belongs to the damaged file that is being read. False: it is for the receiver.
    bool on_read(const spill_read& in, const moment& at, outbox& out);
    /// The receiver's session with a file has ended. True: the file is faulty, and this is its first failure:
    /// the caller counts a refusal.
    bool on_end(session_end how, spill_id id, const moment& at, outbox& out);
    /// The number of files that are neither merged nor given up yet.
    [[nodiscard]] std::size_t waiting() const;
    /// A file is unread: it may hold any key.
    [[nodiscard]] bool has_unread() const { return settings_.spills && (!listed_ || waiting() != 0); }

    // --- work ---
    /// Drops files whose contents other members hold by now. Opens the next file if `may_begin`: this node
    /// accepts writes, and no deltas wait to be applied. O(files × members × origins).
    void tend(bool may_begin, const moment& at, outbox& out);
    /// Reads a slice of the damaged file; true while there is more of its chunk.
    bool work(bool takes_writes, const moment& at, outbox& out);
    /// Gives up the rest of the damaged file.
    void end_salvage(const moment& at, outbox& out);
    /// When tend() is wanted, by what has happened since the last call of this function.
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
        bool refused = false;              ///< its refusal has been counted
    };
    /// The damaged file that is being read.
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
    std::vector<file> files_; ///< in the order in which they were found
    bool listed_ = false;     ///< every existing file has been looked at
    std::optional<salvage> open_;
    /// For lost shares of counters: what has already been added, in case another file has them, too.
    std::map<std::pair<std::string, replica_id>, std::pair<std::uint64_t, std::int64_t>> shares_;
    std::unique_ptr<outbound_session> writing_;
    instant due_ = instant::max();
};

} // namespace baton::core
