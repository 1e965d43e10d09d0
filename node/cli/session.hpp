// session: carries out the commands of `baton run` on a node.
//
// One thread calls answer() and told(). A command that waits checks for a signal every `slice`. The node's
// dispatcher thread writes the changes of watches.
#pragma once

#include "parse.hpp"
#include "show.hpp"
#include "terminal.hpp"

#include <baton/node.hpp>
#include <baton/watch.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::cli {

class session {
  public:
    struct terms {
        bool hex = false;                         ///< values are hexadecimal digits
        bool leave_now = false;                   ///< `leave` means `leave now`
        std::chrono::milliseconds leave_within{}; ///< the node's own deadline of a leave
        /// On a terminal: ^C has been pressed since the command began, and ends it.
        std::function<bool()> interrupted{};
    };
    session(node& served, const stop_signals& stop, json_lines& out, terms how)
        : node_(served)
        , stop_(stop)
        , out_(out)
        , how_(std::move(how)) {}

    /// The reply to one line; an empty object for an empty line. A command that fails changes nothing.
    json answer(std::string_view line);
    /// The reply has been written: changes of a new watch may follow.
    void told();

    /// Set once a leave has been carried out; its reply is the last one.
    [[nodiscard]] std::optional<leave_outcome> left() const { return left_; }

    /// The commands, one a line with what it does, for --help.
    static std::string page();
    /// All that the last word of an unfinished line may become, as it is typed, sorted: a command, or a key
    /// or prefix of a key. Empty: nothing fits.
    [[nodiscard]] std::vector<std::string> completions(std::string_view line) const;

  private:
    struct command;
    static const command commands[];
    static constexpr std::chrono::milliseconds slice{50};

    json stash(std::string_view rest);
    json load(std::string_view rest);
    json pickup(std::string_view rest);
    json claim(std::string_view rest);
    json commit(std::string_view rest);
    json release(std::string_view rest);
    json drop(std::string_view rest);
    json add(std::string_view rest);
    json count(std::string_view rest);
    json insert(std::string_view rest);
    json erase(std::string_view rest);
    json elements(std::string_view rest);
    json set_field(std::string_view rest);
    json erase_field(std::string_view rest);
    json field(std::string_view rest);
    json fields(std::string_view rest);
    json enable(std::string_view rest);
    json disable(std::string_view rest);
    json enabled(std::string_view rest);
    json keys(std::string_view rest);
    json digest(std::string_view rest);
    json members(std::string_view rest);
    json stats(std::string_view rest);
    json wait_synced(std::string_view rest);
    json key_install(std::string_view rest);
    json key_use(std::string_view rest);
    json key_remove(std::string_view rest);
    json keys_installed(std::string_view rest);
    json leave(std::string_view rest);
    json help(std::string_view rest);
    json watch(std::string_view rest);
    json unwatch(std::string_view rest);

    /// A command that waits is to end now.
    [[nodiscard]] bool ends() const { return stop_.stopping() || (how_.interrupted && how_.interrupted()); }
    [[nodiscard]] json owned(const claim_handle& held) const;
    /// A message for a waiting person: for which members, how long, and how to end it.
    void explain_leave(std::chrono::milliseconds within) const;
    /// What every command of that type replies: the key and what it holds now.
    [[nodiscard]] json counted(const std::string& key) const;
    [[nodiscard]] json switched(const std::string& key) const;

    node& node_;
    const stop_signals& stop_;
    json_lines& out_;
    const terms how_;
    std::optional<leave_outcome> left_;
    std::vector<std::future<result<pickup_result>>> unfinished_; ///< waits that a signal has cut short
    std::atomic<bool> told_ = true;                              ///< or a reply is to be written first
    std::map<std::string, watch_handle> watches_;                ///< by prefix; end first
    std::map<std::string, claim_handle> claims_;
};

/// Of the program, by what its leave reached: 0 safe, 3 degraded or spilled, 4 unsafe.
int exit_status(leave_outcome outcome);

/// The value, or the refusal that names the error.
template <class T>
T need(result<T> got) {
    if (!got) throw refusal{std::string{to_string(got.error().code)}, got.error().what};
    return std::move(got).value();
}

} // namespace baton::cli
