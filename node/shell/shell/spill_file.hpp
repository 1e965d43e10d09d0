// spill_file: writes a spill to the disk: one file that becomes visible as a whole or not at all. The disk's
// thread writes it while the I/O thread continues. wire/spill.hpp defines its bytes; spill_shelf.hpp reads
// the files of the folder.
//
// spill_file: one thread, which waits for the disk. spill_net: the I/O thread passes frames, the disk's
// thread writes them.
// Source: the order of write, fsync, rename, fsync of the folder is that of Pillai et al., "All File Systems
// Are Not Created Equal", 2014.
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

/// Names in the folder: "baton-<32 hexadecimal digits>.spill", followed by ".tmp" while it is written. With a
/// dot in front before it is locked, and for a test of the folder.
constexpr std::string_view spill_prefix = "baton-", spill_suffix = ".spill", unfinished_suffix = ".tmp",
                           trial_suffix = ".trial";

/// Makes the folder if necessary, and checks that a locked file can be written in it. Errors: bad_option,
/// with the folder and the system's message.
[[nodiscard]] result<void> try_spill_dir(const std::string& dir, const replica_id& self);
/// A warning, if other users can write to the folder.
[[nodiscard]] std::optional<std::string> doubt_about(const std::string& dir);
/// A path in the folder for disk_pace::measure.
[[nodiscard]] std::string trial_path(const std::string& dir, const replica_id& self);
/// The secret that seals files under that key of the mesh.
[[nodiscard]] wire::spill_seal seal_of(const mesh_key& key);
/// Makes renames in the folder durable.
bool sync_folder(const std::string& dir, const disk_calls& calls = calls_of_disk());

class spill_file {
  public:
    /// Begins "<dir>/baton-<id>.spill.tmp", for this user alone; does not follow or reuse anything of that
    /// name. Errors: network, with the path and the system's message.
    static result<spill_file> open(const std::string& dir, wire::spill_head head,
                                   std::optional<wire::spill_seal> seal);
    /// Writes one frame. After an error nothing of the file is left.
    result<void> add(std::string_view frame);
    /// Writes the tail. Then the whole file is on the disk under its final name, which is returned. It stays
    /// locked until the object is destroyed or abandoned.
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

/// The spill of a leave. The I/O thread makes it; the disk's thread calls run().
class spill_net {
  public:
    spill_net(std::string dir, wire::spill_head head, std::optional<wire::spill_seal> seal, int bell);

    // --- the I/O thread ---
    /// More frames are wanted: the bytes that wait for the disk are bounded. The bell rings when this becomes
    /// true again, and when state() has changed.
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
    /// The last call: returns the present state. `keep`: whether a complete file stays; `keep_part`: whether
    /// an incomplete one stays. A file whose bytes have all reached the disk becomes complete even after
    /// this.
    standing settle(bool keep, bool keep_part);

    // --- the disk's thread ---
    /// Writes the frames that come, then waits for settle().
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
