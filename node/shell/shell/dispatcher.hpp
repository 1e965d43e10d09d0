// dispatcher: the thread that reports changes to watches. It gets the names of changed keys from the
// watch_board, reads their present values under the node's lock, a slice at a time, and calls the handlers
// without the lock, one watcher after the other. It reads the present state, so a key that changes faster
// than its handler returns is reported less often, and never with an older value than before.
//
// The memory of a watcher: names of changed keys that are not read yet, at most limits.watch_keys_max; one
// slice that has been read; and the names that it has reported, front-coded (crdt/ordered_keys.hpp), one for
// each key under its prefix. After it has lagged, these names show which keys have gone in the meantime.
//
// Thread contract: watch() and stop() from any thread, handlers included. The thread starts with the first
// watch. Owned by the node and by its own thread, as a handler may destroy the node.
#pragma once

#include "crdt/ordered_keys.hpp"
#include "shell/io_thread.hpp"
#include "shell/watch_board.hpp"

#include <baton/watch.hpp>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace baton::shell {

/// What handles and the dispatcher share; it outlives both.
struct watch_calls {
    std::mutex mutex;
    std::condition_variable idle;
    const watcher* running = nullptr; ///< whose handler is being called
    std::thread::id thread;           ///< the dispatcher's
    std::size_t count = 0;            ///< of watchers that have not ended
    bool stopped = false;
    int generation = 0; ///< of forks()
    std::shared_ptr<watch_bell> bell;
};

/// One watch, as its handle knows it.
struct watcher {
    std::shared_ptr<watch_calls> calls;
    std::string prefix;
    change_handler handler;    ///< the dispatcher's while it is running, else under calls->mutex
    bool ended = false;        ///< under calls->mutex
    bool ended_inside = false; ///< by its own handler; so too
};

class dispatcher : public std::enable_shared_from_this<dispatcher> {
  public:
    dispatcher(io_thread& engine, const limit_options& limits);
    result<watch_handle> watch(std::string prefix, change_handler handler);
    /// Ends the thread after the present call of a handler; if called by that handler: right after it.
    void stop();

  private:
    /// One watch, as its thread knows it.
    struct subscription : watch_backlog {
        std::shared_ptr<watcher> who;
        std::deque<change> ready; ///< read, not reported yet
        ordered_keys known;       ///< put, and not removed since, as far as `ready` goes
        bool walk_next = true;    ///< before the changed keys
        bool announces = true;    ///< report its end (initial_done)
        std::size_t portion = 16; ///< how many keys to read at a time: as many as one turn reports
    };
    /// The known keys that a walk has not reached.
    struct known_slice {
        std::vector<std::string> keys;
        bool more = false;
    };

    void run();
    bool adopt();
    [[nodiscard]] bool turn(subscription& s, std::chrono::steady_clock::duration share);
    [[nodiscard]] bool fill(subscription& s);
    void read_changed(store& state, subscription& s, std::vector<std::string>& read) const;
    void read_on(core::mesh& mesh, subscription& s, const known_slice& known,
                 std::vector<std::string>& read) const;
    static void read_key(store& state, subscription& s, const std::string& key, std::size_t& bytes);
    void distribute(const std::vector<changed_names>& news);
    [[nodiscard]] bool call(watcher& who, const change& what);

    io_thread& engine_; // not to be used once stopped
    const std::size_t names_max_, watches_max_;
    const std::shared_ptr<watch_calls> calls_;
    std::vector<std::shared_ptr<watcher>> inbox_; // under calls_->mutex
    std::thread thread_;                          // under calls_->mutex
    std::vector<std::unique_ptr<subscription>> all_;
};

} // namespace baton::shell
