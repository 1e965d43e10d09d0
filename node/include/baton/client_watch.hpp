// client_watch: reports what exists under a prefix, and then every change of it, to a client's handler.
//
//     #include <baton/client.hpp>
//
//     // Reports who plays, then who comes and goes, until the handle is destroyed.
//     using report = std::function<void(const std::string& player, bool is_there)>;
//     auto follow(baton::client& client, report changed) {
//         return client.watch("player/", [changed](const baton::change& now) {
//             if (now.kind == baton::change_kind::put) changed(now.key, true);
//             if (now.kind == baton::change_kind::removed) changed(now.key, false);
//         });
//     }
//
// The handler gets what the handler of node::watch gets: every key as a `put`, then `initial_done`, then the
// changes. No change is lost, and no version of a key is reported after one that replaced it, also when the
// client moves to another member: the watch goes on there, and reports what has changed in the meantime, and
// nothing twice. A set, a map or a flag may be reported once more, since its report has no contents. A key
// that changes again before it was reported is reported once, with its present value.
//
// If the handler is slower than the changes, the member drops them above its limits.watch_keys_max (shared by
// all watches of clients); then the watch reports `lagged`, what has changed, and `initial_done`.
//
// While no member can be reached (within client_options::reach_within), or the member lacks what the client
// has seen, nothing is reported; trouble() says why, and the watch goes on by itself as soon as it can. After
// client::accept_loss() it reports what the member holds.
//
// Cost: the client keeps the name of each key under the prefix and about 90 bytes. The member keeps the names
// of changed keys that the client has not asked for yet. After a move the member names all keys under the
// prefix once, and sends only values that the client has not seen.
//
// Thread contract: as watch_handle, on a thread that the client's watches share. The client may be moved or
// destroyed first; then nothing more is reported. In a forked child the handle has no effect.
#pragma once

#include <baton/api.hpp>
#include <baton/result.hpp>

#include <memory>
#include <optional>

namespace baton {

namespace shell {
class client_watches;
struct client_watcher;
} // namespace shell

/// Owns a watch of a client; client::watch returns it. The destructor ends it. It blocks until a running
/// handler returns, except when that handler itself destroys the handle.
class BATON_API client_watch {
  public:
    client_watch() = default;              ///< owns no watch
    client_watch(client_watch&&) noexcept; ///< takes the watch over; the other handle owns none
    /// Ends the present watch, and takes the other one over.
    client_watch& operator=(client_watch&&) noexcept;
    ~client_watch();

    /// Ends the watch now, as the destructor does. Has no effect if the handle owns none.
    void unwatch() noexcept;
    /// True if the handle owns a watch.
    [[nodiscard]] explicit operator bool() const { return of_ != nullptr; }
    /// Why nothing is reported at present; nullopt while the watch goes on. Errors: unreachable, behind,
    /// lost, refused, busy, too_many_watches (at the member that the client has moved to), forked.
    [[nodiscard]] std::optional<error> trouble() const;

  private:
    friend class client;
    explicit client_watch(std::shared_ptr<shell::client_watcher> of);
    std::shared_ptr<shell::client_watcher> of_;
};

} // namespace baton
