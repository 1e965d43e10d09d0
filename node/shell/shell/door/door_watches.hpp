// door_watches: the watches of clients: what has changed under their prefixes since they last asked. A client
// asks for one page after another and gets the next one as soon as there is something to report, so nothing
// is read or kept for a client that does not ask, but names: those of keys that have changed, each once.
// Above its share of limits.watch_keys_max they are dropped, and the watch names all keys once more.
//
// The client has the names that it was told, and finds out by itself which of them are gone; so a watch also
// goes on at another member, which names all keys, and sends the values that are new to the client.
//
// Thread contract: the desk's thread; the key_listener under the node's lock.
#pragma once

#include "crdt/cut.hpp"
#include "shell/door/guest.hpp"
#include "shell/door/mailbox.hpp"
#include "shell/io_thread.hpp"
#include "shell/watch_board.hpp"

#include <baton/dot.hpp>

#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace baton::shell {

class door_watches final : public key_listener {
  public:
    /// A watch: its client, and the number that the client has given it.
    struct name {
        replica_id client{};
        std::uint64_t number = 0;
        friend auto operator<=>(const name&, const name&) = default;
    };
    /// The reply to the call in which a watch asks.
    struct page {
        name of;
        kept_reply reply;
    };

    door_watches(io_thread& engine, std::size_t names_max, std::shared_ptr<mailbox> bell);
    ~door_watches() override;
    door_watches(const door_watches&) = delete;

    /// Begins from the start, also if it exists. `has`: the client has been told all of that.
    void begin(const name& of, std::string prefix, cut has);
    void end(const name& of);
    /// Returns the calls that its watches waited with.
    std::vector<std::uint64_t> end_all(const replica_id& client);
    [[nodiscard]] bool has(const name& of) const { return all_.contains(of); }
    [[nodiscard]] std::size_t size() const { return all_.size(); }
    [[nodiscard]] std::size_t size_of(const replica_id& client) const;
    /// About how many bytes all watches hold. O(watches).
    [[nodiscard]] std::size_t bytes() const;
    [[nodiscard]] static std::size_t bytes(const cut& has) { return has.size() * sizeof(dot); }
    /// The watch waits for a page from now on, which answers the call of that number. Returns the call that
    /// it waited with so far, or 0.
    std::uint64_t ask(const name& of, std::uint64_t call);
    /// The pages that are ready, of a few watches at a time.
    [[nodiscard]] std::vector<page> look();
    /// look() has more to do at once.
    [[nodiscard]] bool is_busy() const { return !due_.empty(); }

    // key_listener
    void note(std::string_view key) override;
    void note_all() override;
    [[nodiscard]] bool listens() const override { return board_.listens(); }

  private:
    struct watch : watch_backlog {
        std::string prefix;
        cut has;                       ///< the client has been told all of that
        bool begins = true;            ///< no page of the walk has gone out yet
        std::uint64_t lost_before = 0; ///< before the walk began; reported with its first page
        std::uint64_t asked = 0;       ///< the call that waits; 0: none
        [[nodiscard]] bool is_due() const {
            return asked != 0 && (walks || again || lost != 0 || changed.size() != 0);
        }
    };
    /// What one hold of the lock has read.
    struct slice {
        std::vector<std::string> keys;
        bool moved = false; ///< something was read, be it that nothing is left
        bool more = false;  ///< there is more, and room for it in the page
    };

    void distribute(const std::vector<changed_names>& news);
    [[nodiscard]] bool fill(watch& of, kept_reply& into);
    [[nodiscard]] static slice read_slice(core::mesh& mesh, watch& of, std::string& into);

    io_thread& engine_;
    const std::size_t names_max_;
    const std::shared_ptr<mailbox> bell_;
    watch_board board_; ///< under the node's lock
    std::atomic<bool> news_{false};
    std::map<name, watch> all_;
    std::map<std::string, std::set<name>, std::less<>> by_prefix_;
    std::set<name> due_; ///< those that have asked, and have something to report
    name last_{};        ///< whose turn was last
};

} // namespace baton::shell
