#include "client.hpp"

#include "actor.hpp"
#include "arena.hpp"
#include "line.hpp"
#include "tcp.hpp"
#include "timing.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <deque>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

constexpr std::size_t under_way_max = 64; // requests that wait for their answers
constexpr auto again_after = 3ms;         // where a session has no owner at this moment

class client {
  public:
    explicit client(const client_settings& settings)
        : settings_(settings)
        , seats_(settings.sessions)
        , known_{settings.server} {}

    int run() {
        next_at_ = steady::now();
        for (begin_requests(); part_ != part::over; begin_requests()) {
            repeat_requests();
            wait();
        }
        actor::say(line{"account"}
                       .with("acknowledged", acknowledged_)
                       .with("looks", looks_)
                       .with("sent_on", sent_on_)
                       .with("repeated", repeated_)
                       .with("lost", lost_)
                       .with("longest", longest_));
        return 0;
    }

  private:
    /// What is known of one session: what was acknowledged, and the request under way.
    struct seat {
        arena::player promised; ///< as of the last acknowledged move
        std::string owner{};    ///< whom to ask; empty: anybody
        bool under_way = false, looks = false;
        std::uint64_t began = 0; ///< stamp of the request's first sending
    };

    // ------------------------------------------------------------ what to ask

    void begin_requests() {
        if (part_ == part::playing && finishing_) part_ = part::ending;
        if (part_ == part::playing) play_on();
        if (part_ == part::ending && under_way_ == 0) {
            part_ = part::auditing;
            turn_ = 0;
        }
        if (part_ != part::auditing) return;
        for (; under_way_ < under_way_max && turn_ < seats_.size(); ++turn_) begin(turn_, true);
        if (turn_ == seats_.size() && under_way_ == 0) part_ = part::over;
    }

    /// In every session by turns two moves, then a look.
    void play_on() {
        for (; under_way_ < under_way_max && steady::now() >= next_at_; ++turn_) {
            next_at_ = std::max(next_at_ + between_, steady::now() - 100ms);
            if (turn_ == seats_.size()) {
                turn_ = 0;
                if (round_++ == 0) actor::say(line{"begun"});
            }
            if (!seats_[turn_].under_way) begin(turn_, (round_ + turn_) % 3 == 2);
        }
    }

    void begin(std::size_t session, bool looks) {
        auto& its = seats_[session];
        its.under_way = true;
        its.looks = looks;
        its.began = stamp();
        ++under_way_;
        ask(session);
    }

    void repeat_requests() {
        while (!again_.empty() && again_.front().first <= steady::now()) {
            const auto session = again_.front().second;
            again_.pop_front();
            ++repeated_;
            ask(session);
        }
    }

    void repeat_later(std::size_t session) { again_.emplace_back(steady::now() + again_after, session); }

    void ask(std::size_t session) {
        auto& its = seats_[session];
        const auto to = connect(its.owner);
        if (to == connections_.end()) {
            its.owner.clear();
            return repeat_later(session);
        }
        its.owner = to->first;
        const auto whose = std::to_string(session) + ' ' + std::to_string(settings_.player);
        to->second.say(its.looks ? "look " + whose
                                 : "play " + whose + ' ' + std::to_string(its.promised.moves + 1));
    }

    // ------------------------------------------------------------ whom to ask

    using connections = std::map<std::string, connection>;

    /// The connection to that server, or to any that answers.
    connections::iterator connect(const std::string& wanted) {
        if (!wanted.empty()) {
            if (const auto open = reach(wanted); open != connections_.end()) return open;
        }
        const auto all = known_; // which changes when somebody does not answer
        for (const auto& each : all)
            if (const auto open = reach(each); open != connections_.end()) return open;
        return connections_.end();
    }

    connections::iterator reach(const std::string& address) {
        const auto open = connections_.find(address);
        if (open != connections_.end()) return open;
        auto made = connection::to(address);
        if (!made) {
            if (known_.size() > 1) known_.erase(address);
            return connections_.end();
        }
        known_.insert(address);
        return connections_.emplace(address, std::move(*made)).first;
    }

    void lose(connections::iterator which) {
        const auto address = which->first;
        connections_.erase(which);
        if (known_.size() > 1) known_.erase(address);
        std::set<std::size_t> waiting;
        for (const auto& each : again_) waiting.insert(each.second);
        for (std::size_t session = 0; session < seats_.size(); ++session) {
            auto& its = seats_[session];
            if (its.owner != address) continue;
            its.owner.clear();
            if (its.under_way && !waiting.contains(session)) repeat_later(session);
        }
    }

    // ------------------------------------------------------------ answers

    void wait() {
        std::vector<pollfd> polled{{STDIN_FILENO, POLLIN, 0}};
        for (auto at = connections_.begin(); at != connections_.end();) {
            const auto here = at++;
            if (!here->second.flush()) {
                lose(here);
                continue;
            }
            polled.push_back({here->second.fd(),
                              static_cast<short>(POLLIN | (here->second.has_unsent() ? POLLOUT : 0)), 0});
        }
        (void)poll(polled.data(), polled.size(), 1);
        if ((polled.front().revents & (POLLIN | POLLHUP)) != 0) hear_director();
        for (auto at = connections_.begin(); at != connections_.end();) {
            const auto here = at++;
            std::vector<std::string> lines;
            const bool open = here->second.receive(lines);
            for (const auto& each : lines) hear(each);
            if (!open) lose(here);
        }
    }

    void hear_director() {
        std::array<char, 64> bytes{};
        const auto count = read(STDIN_FILENO, bytes.data(), bytes.size());
        if (count == 0) throw std::runtime_error("the director is gone");
        if (count > 0) finishing_ = true; // the one thing that it says
    }

    void hear(const std::string& answer) {
        std::istringstream words(answer);
        std::string verb;
        std::size_t session = 0;
        words >> verb >> session;
        if (session >= seats_.size() || !seats_[session].under_way) return;
        auto& its = seats_[session];
        if (verb == "wait") {
            its.owner.clear();
            return repeat_later(session);
        }
        if (verb == "at") {
            words >> its.owner;
            known_.insert(its.owner);
            ++sent_on_;
            return ask(session);
        }
        if (verb == "lost") { // to be looked at more closely
            its.looks = true;
            return ask(session);
        }
        std::uint64_t number = 0, trail = 0;
        words >> number >> trail;
        if (verb == "played")
            played(its, session, number);
        else
            looked(its, number, trail);
        its.under_way = false;
        --under_way_;
        longest_ = std::max(longest_, stamp() - its.began);
    }

    void played(seat& its, std::size_t session, std::uint64_t number) {
        if (number != its.promised.moves + 1) throw std::runtime_error("an answer to another move");
        its.promised = {number, arena::after_move(its.promised.trail, session, number)};
        ++acknowledged_;
    }

    /// What was acknowledged and is not there is lost; so is a session that has come to another state than
    /// its moves lead to. It is counted once and played on from what is there.
    void looked(seat& its, std::uint64_t moves, std::uint64_t trail) {
        ++looks_;
        if (moves < its.promised.moves)
            lost_ += its.promised.moves - moves;
        else if (moves != its.promised.moves || trail != its.promised.trail)
            ++lost_;
        its.promised = {moves, trail};
    }

    const client_settings settings_;
    std::vector<seat> seats_;
    std::set<std::string> known_; ///< servers that have not turned out to be gone
    connections connections_;
    std::deque<std::pair<steady::time_point, std::size_t>> again_;
    const std::chrono::microseconds between_{1'000'000 / settings_.rate};
    steady::time_point next_at_{};
    /// `ending` is waiting for the answers of what was begun; `auditing` is one look in each session.
    enum class part : std::uint8_t { playing, ending, auditing, over };
    part part_ = part::playing;
    bool finishing_ = false;
    std::size_t turn_ = 0, under_way_ = 0;
    std::uint64_t round_ = 0;
    std::uint64_t acknowledged_ = 0, looks_ = 0, sent_on_ = 0, repeated_ = 0, lost_ = 0;
    std::uint64_t longest_ = 0; ///< microseconds from the first sending of a request to its answer
};

} // namespace

int run_client(const client_settings& settings) try {
    std::signal(SIGPIPE, SIG_IGN);
    return client(settings).run();
} catch (const std::exception& failure) {
    return actor::failed(failure);
}
