// client_watches: the watches of a client, and the thread that calls their handlers. Each watch asks its
// member for one page after another, of which the next one comes while the handler is called with the last
// one. It knows which keys it has reported, and as what: so it goes on at another member, which names all
// keys, by the differences.
//
// Thread contract: watch(), end() and stop() from any thread, handlers included. Owned by the client and by
// its own thread, as a handler may destroy the client.
#pragma once

#include "crdt/cut.hpp"
#include "shell/client/client_engine.hpp"
#include "wire/client_watch.hpp"

#include <baton/change.hpp>
#include <baton/result.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace baton::shell {

class client_watches;

/// One watch. What its handle and the thread share is under client_watches' mutex.
struct client_watcher {
    using clock = std::chrono::steady_clock;
    std::shared_ptr<client_watches> of;
    std::uint64_t number = 0;
    std::string prefix;
    change_handler handler; ///< the thread's while it is running, else under the mutex

    // under the mutex
    bool ended = false;
    bool ended_inside = false; ///< by its own handler
    bool is_known = false;     ///< the member has begun it
    bool is_new = true;        ///< its first page has not come yet
    bool is_asking = false;    ///< a call is under way
    clock::time_point ask_at{};
    std::optional<error> trouble;
    std::optional<result<kept_reply>> answer; ///< which the thread has not looked at yet

    // of the thread
    struct told {
        std::uint64_t head = 0; ///< hash of wire::client::head_of(): as what the key was reported last
        std::uint64_t walk = 0; ///< in which it was last named
    };
    std::unordered_map<std::string, told> known;
    std::uint64_t walk = 0; ///< the number of the present one
    bool announces = true;  ///< its end is reported (initial_done)
    crdt::cut has;          ///< everything up to here is reported
};

class client_watches : public std::enable_shared_from_this<client_watches> {
  public:
    /// How the thread uses its client. They fail at once when that is closed.
    struct line {
        std::function<void(client_op)> submit;
        std::function<result<kept_reply>(kept_call)> ask;
    };
    explicit client_watches(line to_member);
    ~client_watches();
    client_watches(const client_watches&) = delete;

    /// Waits until the member has begun it.
    result<std::shared_ptr<client_watcher>> watch(std::string prefix, change_handler handler);
    void end(const std::shared_ptr<client_watcher>& who) noexcept;
    /// nullopt: none.
    [[nodiscard]] std::optional<error> trouble_of(const client_watcher& who) const;
    /// Ends the thread after the present call of a handler; if called by that handler: right after it.
    void stop();
    /// This process is a child of the one that made it.
    [[nodiscard]] bool forked() const;

  private:
    using clock = client_watcher::clock;
    using watcher = std::shared_ptr<client_watcher>;

    void run();
    [[nodiscard]] watcher next(std::unique_lock<std::mutex>& lock);
    void ask(const watcher& who, bool anew);
    void take(const watcher& who, result<kept_reply> got);
    void retry(client_watcher& who, const error& why);
    void report(const watcher& who, const kept_reply& got);
    result<void> complete(const client_watcher& who, wire::client::watched_key& key,
                          std::string& value) const;
    [[nodiscard]] bool tell(client_watcher& who, const wire::client::watched_key& key);
    [[nodiscard]] bool tell_gone(client_watcher& who);
    [[nodiscard]] bool call(client_watcher& who, const change& what);

    const line line_;
    const int generation_; ///< of forks()
    mutable std::mutex mutex_;
    std::condition_variable wake_, changed_; ///< of the thread; of those who wait for it
    std::vector<watcher> all_;
    const client_watcher* running_ = nullptr; ///< whose handler is being called
    std::thread::id thread_id_;
    std::uint64_t last_number_ = 0;
    bool stopped_ = false;
    std::thread thread_;
};

} // namespace baton::shell
