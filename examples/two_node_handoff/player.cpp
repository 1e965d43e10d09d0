#include "player.hpp"

#include "game.hpp"
#include "line.hpp"
#include "timing.hpp"

#include <baton/typed.hpp>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

namespace {

using namespace std::chrono_literals;

constexpr auto round_length = 10ms;
constexpr std::size_t results_at_start = 400, results_a_round = 2;
constexpr std::uint64_t rounds_between_stashes = 25;

using actor::must, actor::say, actor::stop_asked;

class player {
  public:
    player(part role, baton::node node)
        : role_(role)
        , node_(std::move(node)) {}

    int run() {
        say(line{"started"}.with("id", node_.id().to_string()).with("endpoint", node_.endpoint()));
        role_ == part::start ? begin() : join();
        while (!stop_asked) {
            if (session_)
                play_round();
            else if (role_ == part::take_over)
                look_for_session();
            answer_until(session_ ? next_round_
                                  : steady::now() + (role_ == part::visit ? round_length : 0ms));
        }
        return leave();
    }

  private:
    void begin() {
        settle(results_at_start);
        session_ = game::new_session();
        next_round_ = steady::now();
        say(line{"begun"}.with("results", results_));
    }

    void join() {
        const auto began = stamp();
        if (!node_.wait_synced(5s * slowdown())) throw std::runtime_error("not synced in time");
        say(line{"synced"}.with("took", stamp() - began).with("keys", node_.keys()->size()));
        if (role_ != part::visit) return;
        const auto seen = must(baton::pickup<game::session>(node_, game::session_key(), {.within = 1s}));
        if (!seen) throw std::runtime_error("synced, but there is no session");
        say(line{"sees"}.with_object("session", *seen));
    }

    /// Waits a moment for somebody's session to arrive; plays on at once when it does.
    void look_for_session() {
        session_ = must(baton::pickup<game::session>(node_, game::session_key(), {.within = 20ms}));
        if (!session_) return;
        say(line{"picked"}.with_object("session", *session_));
        play_round();
        say(line{"resumed"}.with("at", stamp()).with_object("session", *session_));
    }

    void play_round() {
        session_->play_round();
        next_round_ = std::max(next_round_ + round_length, steady::now());
        if (role_ == part::start)
            settle(results_a_round);
        else if (session_->round % rounds_between_stashes == 0)
            stash_session();
    }

    void settle(std::size_t more) {
        const auto end = std::min(results_ + more, game::results_total);
        for (; results_ < end; ++results_)
            must(baton::stash(node_, game::result_key(results_), game::nth_result(results_)));
    }

    void stash_session() {
        must(baton::stash(node_, game::session_key(), *session_));
        stashed_round_ = session_->round;
    }

    /// Serves the director until `then`, or until told to stop.
    void answer_until(steady::time_point then) {
        do {
            const auto rest = std::chrono::ceil<std::chrono::milliseconds>(then - steady::now());
            pollfd input{STDIN_FILENO, POLLIN, 0};
            if (poll(&input, 1, static_cast<int>(std::max<std::int64_t>(0, rest.count()))) <= 0) continue;
            questions_.read([this](const std::string& question) { answer(question); });
        } while (!stop_asked && steady::now() < then);
    }

    void answer(const std::string& question) const {
        if (question == "state") {
            say(line{"state"}
                    .with("round", session_ ? session_->round : 0)
                    .with("stashed", stashed_round_)
                    .with("results", node_.keys(game::result_prefix)->size())
                    .with("digest", node_.digest().value_or("")));
        } else if (question == "audit") {
            line all{"audit"};
            for (const auto& key : *node_.keys(game::result_prefix))
                if (const auto found = must(baton::pickup<game::result>(node_, key)))
                    all = std::move(all).with_object(key, *found);
            say(all);
        }
    }

    int leave() {
        if (session_) {
            say(line{"leaving"}.with("at", stamp()).with_object("session", *session_));
            stash_session();
        }
        // Alone there is nobody to wait for, unless somebody comes just now.
        const auto report = must(node_.leave({.within = (alone() ? 200ms : 3s) * slowdown()}));
        say(line{"left"}
                .with("at", stamp())
                .with("outcome", std::string(to_string(report.outcome)))
                .with("copies", report.copies)
                .with("unsafe", report.unsafe)
                .with("took", static_cast<std::uint64_t>(report.took / 1us)));
        return actor::exit_status(report.outcome);
    }

    [[nodiscard]] bool alone() const {
        const auto others = must(node_.members());
        return std::none_of(others.begin(), others.end(),
                            [](const auto& other) { return other.state == baton::member_state::up; });
    }

    part role_;
    baton::node node_;
    std::optional<game::session> session_; ///< while it is played here
    steady::time_point next_round_{};
    std::uint64_t stashed_round_ = 0;
    std::size_t results_ = 0; ///< settled here
    actor::questions questions_;
};

} // namespace

int run_player(part role, const actor::settings& settings) try {
    return player(role, must(baton::node::start(actor::begin(settings)))).run();
} catch (const std::exception& failure) {
    return actor::failed(failure);
}
