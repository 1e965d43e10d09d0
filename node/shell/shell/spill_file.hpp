// spill_file: a spill on its way to the disk: one file that is there whole or not at all, made by the disk's
// thread while the I/O thread goes on. What its bytes mean is wire/spill.hpp's, what lies in the folder
// spill_shelf.hpp's.
//
// spill_file: one thread, which waits for the disk. spill_net: the I/O thread gives, the disk's thread
// writes. Source: the order of write, fsync, rename, fsync of the folder is that of Pillai et al., "All File
// Systems Are Not Created Equal", 2014.
#pragma once

#include "shell/descriptor.hpp"
#include "shell/disk.hpp"
#include "wire/spill.hpp"

#include <baton/key.hpp>
#include <baton/result.hpp>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace baton::shell {

/// Names in the folder: "baton-<32 hexadecimal digits>.spill", while it is written with ".tmp" behind that.
/// Before it is locked, and where the folder is tried out, with a dot in front.
constexpr std::string_view spill_prefix = "baton-", spill_suffix = ".spill", unfinished_suffix = ".tmp",
                           trial_suffix = ".trial";

/// The folder is there, or has been made, and a locked file can be written in it. Errors: bad_option, with
/// the folder and what the system says.
[[nodiscard]] result<void> try_spill_dir(const std::string& dir, const replica_id& self);
/// A warning, where the folder is not only its owner's to write in.
[[nodiscard]] std::optional<std::string> doubt_about(const std::string& dir);
/// A path in the folder for disk_pace::measure.
[[nodiscard]] std::string trial_path(const std::string& dir, const replica_id& self);
/// What files are sealed with under that key of the mesh.
[[nodiscard]] wire::spill_seal seal_of(const mesh_key& key);
/// Makes what has been renamed in the folder last.
bool sync_folder(const std::string& dir, const disk_calls& calls = calls_of_disk());

class spill_file {
  public:
    /// Begins "<dir>/baton-<id>.spill.tmp", of this user alone, where nothing of that name is followed or
    /// used. Errors: network, with what the system says of the path.
    static result<spill_file> open(const std::string& dir, wire::spill_head head,
                                   std::optional<wire::spill_seal> seal);
    /// One frame. After an error nothing is left of the file.
    result<void> add(std::string_view frame);
    /// The tail; then everything is on the disk, under its name, which is returned. Locked until its object
    /// goes, or is abandoned.
    result<std::string> finish();
    /// Gives it up, finished or not. `keep`: what has been written stays, and is salvaged like a damaged
    /// file.
    void abandon(bool keep);
    spill_file(spill_file&&) = default;

  private:
    spill_file(std::string dir, std::string name, descriptor file, wire::spill_writer writer)
        : dir_(std::move(dir))
        , name_(std::move(name))
        , path_(dir_ + '/' + name_ + std::string(unfinished_suffix))
        , file_(std::move(file))
        , writer_(std::move(writer)) {}
    result<void> put(std::string_view bytes);

    std::string dir_, name_, path_; ///< as of now
    descriptor file_;
    wire::spill_writer writer_;
    disk_calls calls_ = calls_of_disk();
};

/// The file beside a leave. Made by the I/O thread; run() is the disk's thread's.
class spill_net {
  public:
    spill_net(std::string dir, wire::spill_head head, std::optional<wire::spill_seal> seal, int bell);

    // --- the I/O thread ---
    /// Frames are wanted: at most so many bytes of them wait for the disk. The bell rings when that has
    /// become true again, and when state() has changed.
    [[nodiscard]] bool has_room() const;
    void add(std::string frame);
    /// All have been added.
    void close();

    enum class state : std::uint8_t { writing, whole, failed };
    struct standing {
        state is = state::writing;
        std::string path;  ///< of the whole file
        std::string fault; ///< why it failed
    };
    [[nodiscard]] standing look() const;
    /// The last word: what has become of it by now. A whole file stays, or goes, and so does what there is
    /// of one that is not finished: `keep`, `keep_part`. A file whose bytes are all with the disk becomes
    /// whole even after this.
    standing settle(bool keep, bool keep_part);

    // --- the disk's thread ---
    /// Writes what comes, then waits for settle().
    void run();

  private:
    [[nodiscard]] std::optional<std::string> next_frame(bool& last);
    void become(state is, std::string text);
    void wait_for_word(spill_file& file);

    const std::string dir_;
    wire::spill_head head_;
    std::optional<wire::spill_seal> seal_;
    const disk_bell bell_;

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::string> frames_;
    std::size_t bytes_ = 0; ///< of them
    bool closed_ = false, settled_ = false, keep_ = false, keep_part_ = false;
    standing standing_;
};

} // namespace baton::shell
