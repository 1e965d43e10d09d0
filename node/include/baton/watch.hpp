// watch: what there is under a prefix, and every change of it from then on, told to a handler.
//
// Handlers run one after another on the node's dispatcher thread, with no lock held: they may call any
// function of the node, watch() and leave() included, and destroy handles, their own too. They must not
// throw. A handler that takes its time delays the other handlers of the node by that, and nothing else. A
// watch_handle may be moved and destroyed on any thread, before or after its node.
#pragma once

#include <baton/node.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace baton {

namespace shell {
struct watcher;
}

enum class change_kind : std::uint8_t {
    put,          ///< the key holds this now
    removed,      ///< the key holds nothing any more, or its ttl is over; only after a put of it
    initial_done, ///< everything that was there when the watch began has been told
    lagged,       ///< this handler was too slow: `count` changes have been forgotten, and a new snapshot
                  ///< follows, in which what is gone is `removed`, up to another initial_done
};
[[nodiscard]] std::string_view to_string(change_kind kind);

/// What a key holds. Registers are what stash() writes.
enum class value_kind : std::uint8_t { reg, counter, set, map, flag };
/// "register", "counter", "set", "map", "flag".
[[nodiscard]] std::string_view to_string(value_kind type);

struct change {
    change_kind kind{};
    std::string key{};
    /// Of a put. A key that holds values of several types (see node.hpp) is told once for each, one after the
    /// other.
    value_kind type{};
    /// Of a register: what pickup() answers; if that is an object, unpack<T> (<baton/typed.hpp>) reads it.
    std::string value{};
    version written{};
    std::size_t siblings = 0;
    std::uint64_t epoch = 0; ///< of a register; see picked::epoch
    /// The node that owns the register; nobody: it is free. Claims and releases are told as a put.
    [[nodiscard]] std::optional<replica_id> owner() const {
        return epoch % 2 == 1 ? std::optional(written.id.replica) : std::nullopt;
    }
    std::int64_t sum = 0;    ///< of a counter
    std::uint64_t count = 0; ///< only with `lagged`
    // That something in a set or map, or a flag, has changed is told as a put of the key alone: ask for more.
};

/// Ends its watch when it is destroyed: after that the handler is not called, and is destroyed itself.
/// Waits for a call of it that is under way, unless it is that call that destroys it.
class watch_handle {
  public:
    watch_handle() = default;
    explicit watch_handle(std::shared_ptr<shell::watcher> of)
        : of_(std::move(of)) {}
    watch_handle(watch_handle&&) noexcept = default;
    watch_handle& operator=(watch_handle&& other) noexcept {
        unwatch();
        of_ = std::move(other.of_);
        return *this;
    }
    ~watch_handle() { unwatch(); }

    /// The same, now. Again: nothing.
    void unwatch() noexcept;
    [[nodiscard]] explicit operator bool() const { return of_ != nullptr; }

  private:
    std::shared_ptr<shell::watcher> of_;
};

} // namespace baton
