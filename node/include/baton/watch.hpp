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
#include <baton/change.hpp>
#include <baton/node.hpp>

#include <memory>
#include <utility>

namespace baton {

namespace shell {
class dispatcher;
struct watcher;
} // namespace shell

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
