// spilling: what the tests of spills share: nodes with a folder, the files in it, and a disk that can be
// delayed.
#pragma once

#include "folder.hpp"
#include "nodes.hpp"
#include "shell/disk.hpp"

#include <sys/file.h>
#include <sys/stat.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace io {

namespace fs = std::filesystem;

inline baton::options spilling(const mesh& net, const std::string& name, const fs::path& dir,
                               const baton::log_sink& log = {}) {
    auto settings = net.options(name);
    settings.spill_dir = dir.string();
    settings.alone_after = 300ms;
    settings.destructor_leave_within = 1ms;
    settings.log = log;
    return settings;
}
/// Without beacons: it meets no other node of the mesh, and knows only what is in its folder.
inline baton::options secluded(const mesh& net, const std::string& name, const fs::path& dir,
                               const baton::log_sink& log = {}, std::vector<baton::mesh_key> keys = {}) {
    auto settings = spilling(net, name, dir, log);
    settings.beacon.enabled = false;
    settings.security.keys = std::move(keys);
    return settings;
}

inline void fill(baton::node& into, std::size_t keys, std::size_t value_bytes = 50) {
    for (std::size_t i = 0; i < keys; ++i)
        REQUIRE(into.stash("key-" + std::to_string(i), std::string(value_bytes, 'v')));
}

inline baton::leave_report left(baton::node& leaver, milliseconds within = 400ms) {
    auto report = leaver.leave({.within = within});
    REQUIRE(report);
    return *report;
}

inline std::string read_all(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
/// Writes a file that only this user can read and write, as a spill is.
inline void write_all(const fs::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary) << bytes;
    REQUIRE(chmod(file.c_str(), 0600) == 0);
}

/// Damages the tail of a spill, as if its writer had been killed at the end.
inline void cut_tail(const fs::path& spill) {
    auto bytes = read_all(spill);
    bytes.resize(bytes.size() - 10);
    write_all(spill, bytes);
}

inline bool holds(const baton::node& who, std::size_t keys, milliseconds within = 10s) {
    return eventually(within, [&] { return who.keys()->size() == keys; });
}

/// The spill of a node that held `keys` keys and left alone.
inline fs::path spill_of(const mesh& net, const fs::path& dir, std::size_t keys,
                         std::vector<baton::mesh_key> keyed = {}) {
    auto last = started(secluded(net, "writer", dir, {}, std::move(keyed)));
    fill(last, keys);
    const auto report = left(last);
    REQUIRE(report.outcome == baton::leave_outcome::spilled);
    return report.path.value();
}

/// While it lives, every write to a spill, and every sync, takes a given time. A delayed call returns when
/// go_on() is called, at the latest when the object goes.
class slow_disk {
  public:
    slow_disk()
        : before_(baton::shell::calls_of_disk()) {
        baton::shell::replace_calls_of_disk({[all = state_](int file, const void* bytes, std::size_t count) {
                                                 all->wait(all->writes_held);
                                                 if (all->fault != 0) return errno = all->fault, ssize_t{-1};
                                                 std::this_thread::sleep_for(count * all->write_byte.load());
                                                 return ::write(file, bytes, count);
                                             },
                                             [all = state_](int file) {
                                                 ++all->syncs;
                                                 all->wait(all->syncs_held);
                                                 std::this_thread::sleep_for(all->sync.load());
                                                 return ::fsync(file);
                                             }});
    }
    slow_disk(const slow_disk&) = delete;
    ~slow_disk() {
        baton::shell::replace_calls_of_disk(before_);
        go_on();
    }
    void hold_syncs() { state_->syncs_held = true; }
    void hold_writes() { state_->writes_held = true; }
    void fail_writes(int number) { state_->fault = number; }
    void pace(std::chrono::nanoseconds a_byte, std::chrono::nanoseconds a_sync) {
        state_->write_byte = a_byte, state_->sync = a_sync;
    }
    void go_on() {
        const std::scoped_lock lock{state_->mutex};
        state_->syncs_held = state_->writes_held = false;
        state_->changed.notify_all();
    }
    /// How often one has begun.
    [[nodiscard]] std::size_t syncs() const { return state_->syncs; }

  private:
    struct state {
        void wait(const std::atomic<bool>& held) {
            std::unique_lock lock{mutex};
            changed.wait(lock, [&] { return !held; });
        }
        std::mutex mutex;
        std::condition_variable changed;
        std::atomic<bool> syncs_held = false, writes_held = false;
        std::atomic<std::size_t> syncs = 0;
        std::atomic<int> fault = 0;
        std::atomic<std::chrono::nanoseconds> write_byte{}, sync{};
    };
    std::shared_ptr<state> state_ = std::make_shared<state>();
    baton::shell::disk_calls before_;
};

} // namespace io
