// pending: calls of the program that wait without a thread of their own: for room to write, for a key, for
// the answers of other members, for the end of a sync, or for the end of this node.
//
// A call (pending_call) is a small state machine. It is looked at when it begins, and again whenever what it
// waits for may have happened; each look says what it waits for next. pending_calls finds the calls to look
// at: by the name of a changed key, by the oldest question or write that is not answered yet, by the end of
// their time. So a look at nothing new costs O(members), however many calls wait.
//
// Owned by an io_thread. Under its lock, but any() from any thread, as a hint; finish() without it.
// Source: io_uring, whose calls complete in a queue (Axboe 2019).
#pragma once

#include "core/mesh.hpp"
#include "shell/watch_board.hpp"

#include <baton/leave.hpp>
#include <baton/result.hpp>
#include <baton/stats.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace baton::shell {

/// Why a call is looked at.
enum class occasion : std::uint8_t {
    news,     ///< it begins, or what it waits for may have happened
    answered, ///< every member has answered its question
    late,     ///< its time is over; it is looked at as late only once
    end,      ///< this node has left or failed: the call must end
};

class pending_calls;

/// What a call sees when it is looked at. Valid for that look.
struct pending_view {
    core::mesh& mesh;
    const moment& at;
    occasion why = occasion::news;
    bool first = false;                 ///< no other call has waited longer for room to write
    std::uint64_t question = 0;         ///< that the call has joined; 0: none
    const leave_report* left = nullptr; ///< how this node has left, with `end`
    pending_calls& others;

    /// As mesh::judge_absence() of its question; judged once for all calls that are looked at together.
    [[nodiscard]] const core::absence& absence() const;
};

/// What a call waits for next.
struct over {};
struct for_room {};
struct for_types {}; ///< typed values of a sync are being folded in
struct for_key {
    std::string_view key; ///< a change of it
    bool asks = false;    ///< every member is asked what it holds, while the call waits
    bool known = false;   ///< with `asks`: or that all have answered
};
struct for_holders {
    const core::proof* wanted; ///< kept by the call
};
struct for_sync {};
struct for_end {};
using waits_for = std::variant<over, for_room, for_types, for_key, for_holders, for_sync, for_end>;

class pending_call {
  public:
    virtual ~pending_call() = default;
    /// Under the node's lock. Must return `over` if `why` is `end`.
    /// A call waits for one key and one write only, whatever else it waits for in between.
    virtual waits_for look(const pending_view& now) = 0;
    /// Once, after it is over; without the lock, on the thread that looked at it last.
    virtual void finish() = 0;
};

/// A write may be made: not too much is unsent, and no member lags too far.
[[nodiscard]] inline bool has_room(const core::mesh& mesh) {
    return mesh.unsent_bytes() <= mesh.settings().limits.unsent_bytes_max && !mesh.is_crowded();
}

[[nodiscard]] error busy_error(); ///< there was no room for a write in time
[[nodiscard]] error left_error(); ///< the node makes no more writes

class pending_calls final : public key_listener {
  public:
    using call = std::unique_ptr<pending_call>;
    /// Calls looked at in one hold of the lock.
    static constexpr std::size_t slice = 256;

    /// Looks at it for the first time, and keeps it if it has to wait. Returns it if it is over: call
    /// finish() without the lock. `ended`: how this node has left, if it has.
    call begin(call what, instant until, core::mesh& mesh, const moment& at, const leave_report* ended);
    /// Looks at calls for which something may have happened, at most `slice` of them, and moves those that
    /// are over to `done`. True: call again.
    bool work(core::mesh& mesh, const moment& at, std::vector<call>& done);
    /// This node has ended: so do all calls.
    void end(core::mesh& mesh, const moment& at, const leave_report& how, std::vector<call>& done);

    [[nodiscard]] bool any() const { return some_.load(std::memory_order_relaxed); }
    /// work() is wanted now, since keys have changed.
    [[nodiscard]] bool has_ready() const { return !ready_.empty(); }
    /// work() is wanted when something has been sent.
    [[nodiscard]] bool wants_room() const { return !room_.empty(); }
    /// When work() is wanted without any news.
    [[nodiscard]] instant next() const;
    /// Members have reported something, or are gone, since the last call.
    void note_news() { news_ = true; }
    /// mesh::work() is wanted: a question has been put, or an acknowledgement is awaited.
    [[nodiscard]] bool take_asked() { return std::exchange(asked_, false); }

    /// How long calls waited for acknowledgements until their level was met; blocking calls, too.
    time_histogram met;

    // key_listener
    void note(std::string_view key) override;
    void note_all() override;
    [[nodiscard]] bool listens() const override { return !by_key_.empty(); }

  private:
    friend struct pending_view;
    using number = std::uint64_t; ///< of a call, in the order in which they began
    using keys = std::map<std::string, std::set<number>, std::less<>>;
    /// Of the calls of a line, an earlier one is never met after a later one: members acknowledge the writes
    /// of a node in order.
    struct line {
        replica_id writer{};
        ack_level::kind level{};
        std::size_t count = 0;
        std::vector<replica_id> all; ///< with all_up
        friend bool operator<(const line& a, const line& b) {
            return std::tie(a.writer, a.level, a.count, a.all) < std::tie(b.writer, b.level, b.count, b.all);
        }
    };
    using lines = std::map<line, std::set<std::pair<std::uint64_t, number>>>; ///< by the write's counter
    struct entry {
        call what;
        instant until{};
        std::uint64_t question = 0;
        std::optional<occasion> ready; ///< it is in ready_
        waits_for at{over{}};
        keys::iterator key{};
        lines::iterator awaits{};
    };
    struct question {
        std::size_t users = 0;
        std::set<number> waiting; ///< for its answers
    };
    struct pass {
        core::mesh& mesh;
        const moment& at;
        std::vector<call>& done;
        std::size_t looked = 0;
    };

    bool look(pass& now, number of, occasion why, const leave_report* left = nullptr);
    void place(number of, entry& e, core::mesh& mesh, const moment& at);
    void take_out(number of, entry& e);
    void make_ready(number of, occasion why);
    void join_question(number of, entry& e, core::mesh& mesh, const moment& at);
    void begin_question(core::mesh& mesh, const moment& at);
    void leave_question(number of, entry& e, core::mesh& mesh);
    void look_at_news(pass& now);
    void look_at_lines(pass& now);
    void look_at_answers(core::mesh& mesh);
    bool look_at_room(pass& now);

    number last_ = 0;
    std::unordered_map<number, entry> calls_;
    std::set<std::pair<instant, number>> ends_;
    std::set<number> room_;
    keys by_key_;
    lines lines_;
    std::map<std::uint64_t, question> questions_; ///< by number; those that some call has joined
    std::set<number> unasked_;                    ///< they join the next question
    std::set<number> held_up_;                    ///< all have answered, but a member hands the key over
    std::set<number> types_, syncs_;
    std::deque<number> ready_;
    instant ask_next_at_{}, held_up_at_{};
    bool news_ = false, news_for_held_up_ = false, asked_ = false;
    std::optional<std::pair<std::uint64_t, core::absence>> judged_; ///< in this hold of the lock
    std::atomic<bool> some_{false};
};

} // namespace baton::shell
