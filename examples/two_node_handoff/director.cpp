#include "director.hpp"

#include "child.hpp"
#include "free_port.hpp"
#include "game.hpp"
#include "timing.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <memory>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace {

using namespace std::chrono_literals;
using game::session;

void require(bool holds, const std::string& why) {
    if (!holds) throw std::runtime_error(why);
}

bool is_set(const char* variable) {
    const char* value = std::getenv(variable);
    return value && *value;
}

/// Microseconds as people read them.
std::string ms(std::uint64_t microseconds) {
    std::ostringstream text;
    text << std::fixed << std::setprecision(microseconds < 10'000 ? 1 : 0)
         << static_cast<double>(microseconds) / 1000.0 << " ms";
    return text.str();
}

class director {
  public:
    explicit director(bool verbose)
        : verbose_(verbose) {
        std::random_device random;
        cluster_ = "demo-" + std::to_string(random());
        beacon_port_ = std::to_string(free_beacon_port(random));
    }

    void run() {
        a_game_begins();
        a_newcomer_joins();
        the_first_is_stopped();
        the_newcomer_plays_on();
        the_first_returns();
        both_end();
        require(lost_ == 0, "lost=" + std::to_string(lost_));
    }
    [[nodiscard]] std::uint64_t last_round() const { return last_round_; }

  private:
    void a_game_begins() {
        const auto game = game::new_session();
        std::cout << "Two processes, one running game: " << game.id << " in the " << game.world << ", "
                  << game.players.size() << " players, " << game.actions.size()
                  << " registered actions, 100 rounds a second.\n\n";
        alder_ = start("alder", "start");
        const auto started = alder_->hear("started", soon());
        first_id_ = started.text("id");
        const auto begun = alder_->hear("begun", soon());
        story("alder", "begins the game; it also keeps " + begun.text("results") +
                           " results of earlier games, and settles more");
    }

    void a_newcomer_joins() {
        birch_ = start("birch", "take_over");
        const auto synced = birch_->hear("synced", soon());
        story("birch", "joins as a newcomer and has the full state " + ms(synced.number("took")) +
                           " after its start: " + synced.text("keys") + " keys");
        const auto until = soon();
        for (;;) {
            const auto alders = alder_->ask("state", soon()), birchs = birch_->ask("state", soon());
            if (alders.number("results") == game::results_total && !alders.text("digest").empty() &&
                alders.text("digest") == birchs.text("digest")) {
                story("both", "hold " + birchs.text("results") + " results, digest " +
                                  alders.text("digest").substr(0, 8) + " here and there; alder is in round " +
                                  alders.text("round"));
                return;
            }
            require(steady::now() < until, "alder holds " + alders.text("results") + " results, birch " +
                                               birchs.text("results") + ", digests " + alders.text("digest") +
                                               " and " + birchs.text("digest"));
            std::this_thread::sleep_for(10ms);
        }
    }

    void the_first_is_stopped() {
        alder_->terminate();
        const auto leaving = alder_->hear("leaving", soon());
        stopped_at_ = leaving.number("at");
        const auto left = leaving.object<session>("session");
        handed_round_ = left.round;
        require(left == game::session_at(left.round), "alder has played something else than the game");
        story("alder", "gets SIGTERM in round " + std::to_string(left.round) + ", stashes the session");
        the_end_of("alder", *alder_, {0, 3});
    }

    void the_newcomer_plays_on() {
        const auto picked = birch_->hear("picked", soon()).object<session>("session");
        const auto resumed = birch_->hear("resumed", soon());
        const auto next = resumed.object<session>("session");
        lost_ += game::fields_lost(game::session_at(handed_round_), picked);
        lost_ += game::fields_lost(game::session_at(handed_round_ + 1), next);
        story("birch", "picks up round " + std::to_string(picked.round) + " and plays round " +
                           std::to_string(next.round) + "; the game stood still for " +
                           ms(resumed.number("at") - stopped_at_));
        require(picked.round == handed_round_ && next.round == handed_round_ + 1,
                "alder left in round " + std::to_string(handed_round_) + ", birch picked up round " +
                    std::to_string(picked.round));
        lost_ += results_lost(birch_->ask("audit", soon()));
    }

    void the_first_returns() {
        const auto until = soon();
        std::uint64_t stashed = 0;
        while ((stashed = birch_->ask("state", soon()).number("stashed")) == 0) {
            require(steady::now() < until, "birch does not stash what it plays");
            std::this_thread::sleep_for(10ms);
        }
        alder_ = start("alder", "visit");
        const auto id = alder_->hear("started", soon()).text("id");
        require(id != first_id_, "alder came back under its old id");
        const auto synced = alder_->hear("synced", soon());
        const auto seen = alder_->hear("sees", soon()).object<session>("session");
        story("alder", "comes back as a new incarnation, synced after " + ms(synced.number("took")) +
                           ", and sees round " + std::to_string(seen.round));
        require(seen.round >= stashed, "birch had stashed round " + std::to_string(stashed) +
                                           ", alder sees round " + std::to_string(seen.round));
        lost_ += game::fields_lost(game::session_at(seen.round), seen);
        lost_ += results_lost(alder_->ask("audit", soon()));
    }

    void both_end() {
        alder_->terminate();
        the_end_of("alder", *alder_, {0, 3});
        birch_->terminate();
        const auto last = birch_->hear("leaving", soon()).object<session>("session");
        last_round_ = last.round;
        lost_ += game::fields_lost(game::session_at(last.round), last);
        story("birch", "ends the game in round " + std::to_string(last.round));
        the_end_of("birch", *birch_, {4}); // the last one has nobody to hand to, and says so
    }

    /// Hears the report of a leave and the exit status, which must be one of `fine`.
    void the_end_of(const std::string& name, child& who, const std::vector<int>& fine) {
        const auto left = who.hear("left", soon());
        const int status = who.wait(soon());
        const auto reached = left.text("outcome") == "unsafe"
                                 ? left.text("unsafe") + " keys with nobody left to hand them to"
                                 : left.text("copies") + " staying copy";
        story(name, "leaves: " + left.text("outcome") + ", " + reached + ", " + ms(left.number("took")) +
                        "; exit status " + std::to_string(status));
        require(std::find(fine.begin(), fine.end(), status) != fine.end(),
                name + " left " + left.text("outcome") + ", exit status " + std::to_string(status));
    }

    static std::size_t results_lost(const line& audit) {
        std::size_t lost = 0;
        for (std::size_t number = 0; number < game::results_total; ++number) {
            const auto key = game::result_key(number);
            lost +=
                !audit.values.contains(key) || audit.object<game::result>(key) != game::nth_result(number);
        }
        return lost;
    }

    std::unique_ptr<child> start(const std::string& name, const std::string& role) const {
        std::vector<std::string> arguments{"--play", role, name, cluster_, beacon_port_};
        if (verbose_) arguments.emplace_back("-v");
        return std::make_unique<child>(name, arguments);
    }

    /// When the step under way must be over.
    [[nodiscard]] steady::time_point soon() const {
        return std::min(steady::now() + 5s * slowdown(), began_ + 15s * slowdown());
    }

    void story(const std::string& who, const std::string& what) const {
        const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - began_);
        const char* colour = who == "alder" ? "\033[1;32m" : who == "birch" ? "\033[1;36m" : "\033[1m";
        std::cout << std::setw(6) << since.count() << " ms  " << (coloured_ ? colour : "") << std::left
                  << std::setw(6) << who << std::right << (coloured_ ? "\033[0m" : "") << ' ' << what
                  << std::endl;
    }

    const bool verbose_;
    const bool coloured_ = isatty(STDOUT_FILENO) && !is_set("NO_COLOR");
    const steady::time_point began_ = steady::now();
    std::string cluster_, beacon_port_, first_id_;
    std::unique_ptr<child> alder_, birch_;
    std::uint64_t handed_round_ = 0, last_round_ = 0;
    std::uint64_t stopped_at_ = 0; ///< stamp() of alder's last moment of play
    std::size_t lost_ = 0;         ///< results and fields of the session, wherever they should have been
};

} // namespace

int run_director(bool verbose) try {
    std::signal(SIGPIPE, SIG_IGN); // a dead child is noticed where it is told something
    director show(verbose);
    show.run();
    std::cout << "\nhandoff: OK round=" << show.last_round() << " lost=0\n";
    return 0;
} catch (const std::exception& failure) {
    std::cout << "\nhandoff: FAILED " << failure.what() << '\n';
    return 1;
}
