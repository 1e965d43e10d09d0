// spill_file: spills on a disk. A writer makes one file that is there whole or not at all; a shelf is the
// folder of those found at the start, read chunk by chunk. What their bytes mean is wire/spill.hpp's.
//
// Owned by the I/O thread, which alone calls it. Every call reads or writes one piece; the last one of a
// writer waits for the disk. Source: the order of write, fsync, rename, fsync of the folder is that of
// Pillai et al., "All File Systems Are Not Created Equal", 2014.
#pragma once

#include "core/io.hpp"
#include "shell/descriptor.hpp"
#include "wire/spill.hpp"

#include <baton/result.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace baton::shell {

class spill_writer_file {
  public:
    /// Begins "<dir>/baton-<id>.spill.tmp". Errors: network, with what the system says of the path.
    static result<spill_writer_file> open(const std::string& dir, wire::spill_head head);
    /// One frame. After an error nothing is left of the file.
    result<void> add(std::string_view frame);
    /// The tail; then everything is on the disk, under its name, which is returned.
    result<std::string> finish();
    /// Gives up. `keep`: what has been written stays, and is salvaged like a damaged file.
    void abandon(bool keep);
    spill_writer_file(spill_writer_file&&) = default;

  private:
    spill_writer_file(std::string dir, std::string name, descriptor file, wire::spill_head head)
        : dir_(std::move(dir))
        , name_(std::move(name))
        , file_(std::move(file))
        , writer_(std::move(head)) {}
    result<void> put(std::string_view bytes);

    std::string dir_, name_;
    descriptor file_;
    wire::spill_writer writer_;
};

class spill_shelf {
  public:
    /// Lists the folder, making it if need be. A file that somebody is still writing is none.
    spill_shelf(std::string dir, std::string cluster);
    /// What was wrong with the folder; empty: nothing.
    [[nodiscard]] const std::string& complaint() const { return complaint_; }
    /// Files that have not been looked through yet.
    [[nodiscard]] bool is_looking() const { return !unseen_.empty(); }

    struct found {
        core::spill_id file{};
        std::string name;
        bool ours = false, whole = false;
        timestamp clock{};
        std::string commit; ///< the last chunk
    };
    /// One step of looking through the next file; what it is when it is done. Precondition: is_looking().
    std::optional<found> look();
    /// The next readable chunk, empty at the end; nothing: call again.
    std::optional<std::string> read(core::spill_id file, bool from_start);
    void remove(core::spill_id file);
    /// Renames it to end in ".damaged"; it can still be read.
    void keep_aside(core::spill_id file);
    /// Its path as of now; empty if there is no such file.
    [[nodiscard]] std::string path(core::spill_id file) const;

  private:
    struct spill {
        std::string path;
        descriptor file;
        std::unique_ptr<wire::spill_reader> reader;
        std::string last;
    };
    std::string dir_, cluster_, complaint_;
    std::vector<spill> all_; ///< by spill_id
    std::deque<std::uint32_t> unseen_;
};

} // namespace baton::shell
