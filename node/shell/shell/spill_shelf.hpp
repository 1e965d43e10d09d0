// spill_shelf: finds the spills in the folder, checks them, and then reads them chunk by chunk. It accepts a
// file only if no other user can use it, and in a mesh with a key only if one of the keys has sealed it.
// Another process still writes a locked file: the shelf looks at it again until it is unlocked.
//
// Owned by the I/O thread, which alone calls it. Every call reads one piece. Between two calls at most two
// descriptors are open: that of the file being checked, and that of the file being read.
#pragma once

#include "core/io.hpp"
#include "shell/descriptor.hpp"
#include "wire/spill.hpp"

#include <sys/stat.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace baton::shell {

class spill_shelf {
  public:
    /// `trusted` returns which seals are accepted at the time of the call; files of `self` are ignored.
    spill_shelf(std::string dir, std::string cluster, const replica_id& self,
                std::function<wire::spill_trust()> trusted)
        : dir_(std::move(dir))
        , cluster_(std::move(cluster))
        , self_(self)
        , trusted_(std::move(trusted)) {}

    /// Lists the folder: new files, and those that were not ready last time, will be checked.
    void scan(instant now);
    /// What went wrong since the last call, one line each.
    [[nodiscard]] std::vector<std::string> complaints() { return std::exchange(complaints_, {}); }
    /// Files that have not been checked yet.
    [[nodiscard]] bool is_looking() const { return looking_ || !unseen_.empty(); }
    /// Some files could not be checked so far: call scan() again.
    [[nodiscard]] bool has_more() const {
        return !later_.empty() || !fresh_.empty() || too_many_ || unlisted_;
    }

    struct found {
        core::spill_id file{};
        std::string path;
        bool whole = false;
        timestamp clock{};
        std::uint64_t written_ms = 0;
        replica_id writer{};
        std::string commit;   ///< the last chunk
        std::string refused;  ///< why the file is not read; empty: it is a spill to merge
        bool foreign = false; ///< refused without a fault: it belongs to another cluster
    };
    /// Does one step of checking the next file; returns the result when it is done. Precondition:
    /// is_looking().
    std::optional<found> look();
    /// The next readable chunk, empty at the end; nullopt: call again, a little later if is_stuck().
    std::optional<std::string> read(core::spill_id file, bool from_start);
    /// No descriptor is free for the file to read.
    [[nodiscard]] bool is_stuck() const { return stuck_; }
    void remove(core::spill_id file);
    /// Renames it to end in ".damaged"; it can still be read. The caller must sync the folder then.
    void keep_aside(core::spill_id file);
    /// Its path as of now; empty if there is no such file.
    [[nodiscard]] std::string path(core::spill_id file) const;

  private:
    /// An open file and how far it has been read; stays where it is.
    struct opened {
        descriptor file{};
        struct stat about {};
        std::unique_ptr<wire::spill_reader> reader;
    };
    struct spill {
        std::string path;
        replica_id named{};
        struct stat about {}; ///< as it was looked through
    };
    enum class fault : std::uint8_t { none, gone, later, refused };
    fault open(const std::string& path, const replica_id& named, opened& into, std::string& why) const;
    void note_fresh(const std::string& name, instant now);

    const std::string dir_, cluster_;
    const replica_id self_;
    const std::function<wire::spill_trust()> trusted_;
    std::vector<std::string> complaints_;
    std::set<std::string> known_, later_;  ///< names: done with, for good and for now
    std::map<std::string, instant> fresh_; ///< names of files that are about to be locked, and since when
    std::deque<std::string> unseen_;
    bool too_many_ = false, stuck_ = false, unreadable_ = false, unlisted_ = false;

    std::optional<opened> looking_; ///< the front of unseen_
    std::string last_;              ///< the last chunk of it
    std::vector<spill> all_;        ///< by spill_id
    std::optional<opened> reading_;
    core::spill_id reads_{};
};

} // namespace baton::shell
