// objects: what the handles of the C ABI stand for.
//
// Any thread, as the classes of the API inside.
#pragma once

#include "crew.hpp"
#include "handles.hpp"
#include "shell/ready_descriptor.hpp"

#include <baton/async.hpp>
#include <baton/client.hpp>
#include <baton/client_watch.hpp>
#include <baton/node.hpp>
#include <baton/options.hpp>
#include <baton/watch.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace baton::c {

class node_object final : public object {
  public:
    static constexpr kind its_kind = kind::node;
    node_object(baton::node started, std::chrono::milliseconds leave_within)
        : of(std::move(started))
        , leave_within_(leave_within) {}
    void wake() override { (void)of.leave({.within = leave_within_}); }
    baton::node of;

  private:
    std::chrono::milliseconds leave_within_;
};

class client_object final : public object {
  public:
    static constexpr kind its_kind = kind::client;
    explicit client_object(client connected)
        : of(std::move(connected)) {}
    void wake() override { of.close(); }
    client of;
    crew calls; ///< last: its threads use the client
};

class queue_object final : public object {
  public:
    static constexpr kind its_kind = kind::queue;
    explicit queue_object(std::size_t calls_max)
        : of(calls_max) {}
    void wake() override { of.close(); }
    /// For calls of clients, which outlive the queue as those of nodes do.
    [[nodiscard]] const std::shared_ptr<shell::completion_channel>& channel() const { return of.channel_; }
    completion_queue of;
};

class claim_object final : public object {
  public:
    static constexpr kind its_kind = kind::claim;
    explicit claim_object(claim_handle granted)
        : of(std::move(granted)) {}
    void wake() override {}
    claim_handle of;
};

class client_claim_object final : public object {
  public:
    static constexpr kind its_kind = kind::client_claim;
    explicit client_claim_object(client_claim granted)
        : of(std::move(granted)) {}
    void wake() override {}
    client_claim of;
};

/// Changes that nobody has read yet. Of a key whether it was removed, and then its latest value of each type;
/// so a key that changes faster than it is read takes no more room. Beyond value_bytes_max values are left
/// out, and the reader reads them from the node or by the client.
class watch_object final : public object {
  public:
    static constexpr kind its_kind = kind::watch;
    static constexpr std::size_t value_bytes_max = std::size_t{16} << 20;

    explicit watch_object(std::uint64_t node_or_client)
        : watched(node_or_client) {}
    const std::uint64_t watched; ///< the handle of the node or client
    template <class Handle>      // watch_handle or client_watch
    void watch(Handle begun) {
        handle_ = std::move(begun);
    }
    /// On the thread of the node's or client's handlers.
    void put(const change& told);
    /// nullopt: none came in time, or the watch is closed. A register without a version: its value was left
    /// out.
    std::optional<change> next(std::chrono::milliseconds within);
    [[nodiscard]] bool closed() const;
    result<int> fd();
    void wake() override;

  private:
    struct waiting {
        std::deque<change> puts; ///< or initial_done or lagged, alone
        std::optional<change> removed;
    };
    [[nodiscard]] bool is_readable() const { return !changes_.empty() || closed_; }
    void note(waiting& of, const change& told);

    mutable std::mutex mutex_;
    std::condition_variable news_;
    std::deque<waiting> changes_;
    std::uint64_t taken_ = 0;                     ///< entries of changes_ taken out in front
    std::map<std::string, std::uint64_t> unread_; ///< by key: its place, counted with taken_
    std::size_t value_bytes_ = 0;
    shell::ready_descriptor readable_;
    bool closed_ = false;
    std::variant<std::monostate, watch_handle, client_watch> handle_; ///< last: no handler runs after it
};

} // namespace baton::c
