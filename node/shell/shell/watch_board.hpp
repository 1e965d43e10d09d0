// watch_board: passes the names of changed keys from the threads that change them to the dispatcher, by
// watched prefix. A prefix keeps each name once, in the order of the first change, and at most `names_max`
// names; beyond that it only counts.
//
// Under the node's lock. A note costs a look-up for each length that a watched prefix has.
#pragma once

#include "crdt/key_notes.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace baton::shell {

/// Wakes the dispatcher. Any thread.
class watch_bell {
  public:
    void ring() {
        count_.fetch_add(1, std::memory_order_release);
        count_.notify_one();
    }
    [[nodiscard]] std::uint32_t heard() const { return count_.load(std::memory_order_acquire); }
    /// Waits until there is a ring that was not yet heard().
    void wait(std::uint32_t heard) const { count_.wait(heard, std::memory_order_acquire); }

  private:
    std::atomic<std::uint32_t> count_{0};
};

/// Names, each once, first in, first out. Used by its owner's thread.
class name_queue {
  public:
    name_queue() = default;
    name_queue(name_queue&&) = default;
    name_queue& operator=(name_queue&&) = default;
    name_queue(const name_queue&) = delete; // its views would be of the other one's names
    /// False: it contains the name already.
    bool push(std::string_view name);
    std::optional<std::string> pop();
    void take_out(std::string_view name);
    void clear();
    [[nodiscard]] std::size_t size() const { return known_.size(); }
    template <class Visit>
    void each(Visit visit) const {
        for (const auto& name : names_) {
            if (!is_stale(name)) visit(name);
        }
    }

  private:
    [[nodiscard]] bool is_stale(const std::string& name) const;
    std::deque<std::string> names_;              // in order; those taken out stay for a while
    std::unordered_set<std::string_view> known_; // views of names_, which do not move
};

/// The changes under a prefix.
struct changed_names {
    std::string prefix;
    name_queue names;
    std::uint64_t lost = 0; ///< if not 0: the number of changes; `names` has only the first ones
    bool all = false;       ///< any key may have changed, although the reader was not slow: a sync came
};

/// What a watch has yet to read.
struct watch_backlog {
    name_queue changed;               ///< keys to be read
    std::optional<std::string> walks; ///< under way: every key from this one on is yet to be read
    bool again = false;               ///< any key may have changed: once more from the start
    std::uint64_t lost = 0;           ///< changes that were dropped, and are not reported yet
    /// Keeps at most `names_max` names.
    void add(const changed_names& news, std::size_t names_max);
};

/// Gets the names of changed keys as the board does. Under the node's lock.
class key_listener {
  public:
    virtual ~key_listener() = default;
    virtual void note(std::string_view key) = 0;
    virtual void note_all() = 0; ///< any key may have changed
    [[nodiscard]] virtual bool listens() const = 0;
};

class watch_board final : public key_listener {
  public:
    explicit watch_board(std::size_t names_max)
        : names_max_(names_max) {}
    /// As often as it is watched.
    void add(const std::string& prefix);
    /// Returns what is left there; destroy it without the lock.
    changed_names remove(const std::string& prefix);
    [[nodiscard]] bool empty() const { return prefixes_.empty(); }
    /// Passes all notes on to `other`, too, until stop_passing_to().
    void pass_to(key_listener& other) { others_.push_back(&other); }
    void stop_passing_to(key_listener& other) { std::erase(others_, &other); }
    /// The store should note changed keys: there is a prefix, or another one listens.
    [[nodiscard]] bool wants_notes() const;
    /// Takes all notes. True if take() has something.
    bool collect(key_notes& notes);
    [[nodiscard]] bool has_news() const { return !news_.empty(); }
    /// The changes since the last call.
    [[nodiscard]] std::vector<changed_names> take();

    // key_listener
    void note(std::string_view key) override;
    void note_all() override;
    [[nodiscard]] bool listens() const override { return !prefixes_.empty(); }

  private:
    struct watched {
        std::size_t times = 0;
        changed_names changed;
        bool listed = false; ///< in news_
    };
    using by_prefix = std::map<std::string, watched, std::less<>>;
    void list(watched& of);
    const std::size_t names_max_;
    std::vector<key_listener*> others_;
    by_prefix prefixes_;
    std::map<std::size_t, std::size_t> lengths_; ///< of prefixes_, and how many have it
    std::vector<watched*> news_;
};

/// The board of a node, and the bell that rings when the board has something.
class watch_post {
  public:
    explicit watch_post(std::size_t names_max)
        : board_(names_max) {}
    // Under the node's lock.
    [[nodiscard]] watch_board& board() { return board_; }
    /// Takes all notes.
    void collect(key_notes& notes) {
        if (!notes.empty() && board_.collect(notes)) news_ = true;
    }
    // Any thread.
    [[nodiscard]] const std::shared_ptr<watch_bell>& bell() const { return bell_; }
    /// Call without the lock, soon after collect(): rings if the board has something for its reader.
    void ring() {
        if (news_.load(std::memory_order_relaxed) && news_.exchange(false)) bell_->ring();
    }

  private:
    watch_board board_;
    std::atomic<bool> news_{false};
    const std::shared_ptr<watch_bell> bell_ = std::make_shared<watch_bell>();
};

} // namespace baton::shell
