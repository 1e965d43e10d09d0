// watch: reports what exists under a prefix, and then every change of it, to a handler.
//
//     // Reports who plays, then who comes and goes, until the handle is destroyed.
//     auto follow(baton::node& node, std::function<void(const std::string& player, bool is_there)> changed) {
//         return node.watch("player/", [changed](const baton::change& now) {
//             switch (now.kind) {
//             case baton::change_kind::put: return changed(now.key, true);
//             case baton::change_kind::removed: return changed(now.key, false);
//             case baton::change_kind::initial_done:
//             case baton::change_kind::lagged: return; // a new snapshot follows
//             }
//         });
//     }
//
// No change between the snapshot and the changes is lost, and no version of a key is reported after one that
// replaced it. A key that changes again before it was reported is reported once, with its present value. If
// more than limits.watch_keys_max such keys wait, the watch reports `lagged` and then everything again. After
// leave() nothing changes any more. The snapshot takes O(keys under the prefix) by the index of
// node::keys(prefix), and a watch keeps the names of those keys.
//
// Thread contract: the node calls handlers one after another on its dispatcher thread and holds no lock. A
// handler may call any function of the node, watch() and leave() included, and may destroy handles, its own
// included. It must not throw. A slow handler delays the other handlers of the node and nothing else. A
// watch_handle may be moved and destroyed on any thread, before or after its node.
#pragma once

#include <baton/api.hpp>
#include <baton/node.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace baton {

namespace shell {
class dispatcher;
struct watcher;
} // namespace shell

/// What a change reports.
enum class change_kind : std::uint8_t {
    put,          ///< the key holds this value now
    removed,      ///< the key holds nothing any more, or its ttl has passed; only after a `put` of the key
    initial_done, ///< the snapshot is complete: everything that existed when the watch began is reported
    lagged, ///< this handler was too slow, and the node dropped `count` changes. A new snapshot follows. It
            ///< reports keys that are gone as `removed`, and ends with another initial_done
};
/// The name of the kind as scripts see it, for example "initial_done". Valid for ever.
[[nodiscard]] BATON_API std::string_view to_string(change_kind kind);

/// The type of the value that a key holds.
enum class value_kind : std::uint8_t {
    reg,     ///< a register, which node::stash writes
    counter, ///< a sum, which node::add changes
    set,     ///< a set of elements, which node::insert and node::erase change
    map,     ///< a map of fields, which node::set_field and node::erase_field change
    flag,    ///< a switch, which node::enable and node::disable change
};
/// The name of the type: "register", "counter", "set", "map" or "flag". Valid for ever.
[[nodiscard]] BATON_API std::string_view to_string(value_kind type);

/// One report to a handler.
struct change {
    change_kind kind{}; ///< what happened; it decides which other members mean something
    std::string key{};  ///< the key; empty with initial_done and lagged

    /// Of a put: the type of the value. A key that holds values of several types (see node.hpp) is reported
    /// once for each type. For a set, a map or a flag the report has no contents: read the key.
    value_kind type{};
    /// Of a register: the value that pickup() reads. If it is an object, unpack<T> of <baton/typed.hpp> reads
    /// it.
    std::string value{};
    version written{};                  ///< of a register: the version of the value
    std::size_t siblings = 0;           ///< of a register: how many other concurrent values there are
    std::optional<owner_epoch> epoch{}; ///< of a register: see stored_value::epoch

    /// The node that owns the register; nullopt if it is free. A claim and a release are reported as a put.
    [[nodiscard]] std::optional<replica_id> owner() const {
        return epoch && epoch->is_owned() ? std::optional(written.id.replica) : std::nullopt;
    }
    std::int64_t sum = 0;    ///< of a counter: its value
    std::uint64_t count = 0; ///< with `lagged`: how many changes were dropped
};

/// Owns a watch. The destructor ends it: the node no longer calls the handler, and destroys it. It blocks
/// until a running handler returns, except when that handler itself destroys the handle.
class BATON_API watch_handle {
  public:
    watch_handle() = default;                        ///< owns no watch; node::watch returns one that does
    watch_handle(watch_handle&&) noexcept = default; ///< takes the watch over; the other handle owns none

    /// Ends the present watch, as the destructor does, and takes the other one over.
    watch_handle& operator=(watch_handle&& other) noexcept {
        unwatch();
        of_ = std::move(other.of_);
        return *this;
    }
    ~watch_handle() { unwatch(); }

    /// Ends the watch now, as the destructor does. Has no effect if the handle owns none.
    void unwatch() noexcept;
    /// True if the handle owns a watch.
    [[nodiscard]] explicit operator bool() const { return of_ != nullptr; }

  private:
    friend class shell::dispatcher;
    explicit watch_handle(std::shared_ptr<shell::watcher> of)
        : of_(std::move(of)) {}
    std::shared_ptr<shell::watcher> of_;
};

} // namespace baton
