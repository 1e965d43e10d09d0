#include "director.hpp"

#include "arena.hpp"
#include "child.hpp"
#include "free_port.hpp"
#include "ownership.hpp"
#include "timing.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <iomanip>
#include <iostream>
#include <memory>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

constexpr std::array<const char*, 5> slots{"alder", "birch", "cedar", "dogwood", "elder"};
constexpr auto pace = 500ms; // of play between two replacements

void require(bool holds, const std::string& why) {
    if (!holds) throw std::runtime_error(why);
}

std::string ms(std::uint64_t microseconds) {
    std::ostringstream text;
    text << std::fixed << std::setprecision(1) << static_cast<double>(microseconds) / 1000.0;
    return text.str();
}

enum class way : std::uint8_t {
    start_first, ///< the successor is up before the old one is told to end: six serve for a moment
    stop_first,  ///< the old one has ended before the successor starts: four do
};
const char* name_of(way which) { return which == way::start_first ? "start-first" : "stop-first"; }

struct running_server {
    std::string name, address;
    std::unique_ptr<child> process;
};

struct leave {
    std::string name;
    way which{};
    line said;
};

class director {
  public:
    explicit director(const director_settings& settings)
        : settings_(settings) {
        std::random_device random;
        cluster_ = "rolling-" + std::to_string(random());
        beacon_port_ = std::to_string(free_beacon_port(random));
    }

    void run() {
        servers_open();
        clients_begin();
        const auto began = steady::now();
        for (const auto which : {way::start_first, way::stop_first}) update(which);
        const auto took = steady::now() - began;
        clients_finish();
        collect_books();
        print_table(took);
    }

    void judge() const {
        const auto tentative = books_.tentative_overlaps();
        if (tentative != 0)
            std::cout << "sessions with two owners of which one knew that it may not be alone: " << tentative
                      << '\n';
        const auto bare = books_.without_owner(settings_.sessions, ended_at_);
        require(bare == 0, "sessions without an owner in the end: " + std::to_string(bare) + ' ' + figures());
        require(lost_ == 0 && books_.duplicated_owners() == 0, figures());
    }
    [[nodiscard]] std::string figures() const {
        return "lost=" + std::to_string(lost_) +
               " duplicated_owners=" + std::to_string(books_.duplicated_owners());
    }

  private:
    void servers_open() {
        std::cout << slots.size() << " servers, " << settings_.sessions << " sessions, "
                  << arena::players_a_session << " clients with " << settings_.rate
                  << " requests a second each; " << std::thread::hardware_concurrency() << " processors.\n\n";
        for (const auto* slot : slots) servers_.push_back(launch(slot));
        for (auto& each : servers_) await_ready(each);
        await_settled(0);
        servers_.front().process->tell(line{"open"}.with("sessions", settings_.sessions).print());
        await_settled(settings_.sessions);
        story("all", "sessions are owned: " + shares());
    }

    void clients_begin() {
        for (std::size_t player = 0; player < arena::players_a_session; ++player) {
            const std::vector<std::string> arguments{
                "--play", std::to_string(player), std::to_string(settings_.sessions),
                std::to_string(settings_.rate), servers_[player].address};
            clients_.push_back(std::make_unique<child>("client " + std::to_string(player), arguments));
        }
        for (auto& each : clients_) each->hear("begun", soon());
        story("all", "sessions are being played");
    }

    // ------------------------------------------------------------ the update

    void update(way which) {
        std::cout << '\n';
        ++generation_;
        for (std::size_t slot = 0; slot < slots.size(); ++slot) {
            std::this_thread::sleep_for(pace);
            replace(slot, which);
        }
    }

    void replace(std::size_t slot, way which) {
        const auto name = std::string(slots[slot]) + '-' + std::to_string(generation_);
        auto old = std::move(servers_[slot]);
        if (which == way::start_first) {
            servers_[slot] = launch(name);
            await_ready(servers_[slot]);
            servers_.push_back(std::move(old)); // both are there
            await_settled(settings_.sessions);
            old = std::move(servers_.back());
            servers_.pop_back();
            end(old, which);
        } else {
            servers_.erase(servers_.begin() + static_cast<std::ptrdiff_t>(slot));
            end(old, which);
            await_settled(settings_.sessions);
            servers_.insert(servers_.begin() + static_cast<std::ptrdiff_t>(slot), launch(name));
            await_ready(servers_[slot]);
        }
        await_settled(settings_.sessions);
        story(name, "has replaced " + old.name + "; sessions: " + shares());
    }

    void end(running_server& old, way which) {
        old.process->terminate();
        auto left = old.process->hear("left", soon());
        read_books(old, left.number("tenures"));
        const int status = old.process->wait(soon());
        require(status == 0,
                old.name + " left " + left.text("outcome") + ", exit status " + std::to_string(status));
        leaves_.push_back({old.name, which, std::move(left)});
    }

    // ------------------------------------------------------------ the account

    void clients_finish() {
        std::uint64_t acknowledged = 0, looks = 0, longest = 0, sent_on = 0, repeated = 0;
        for (auto& each : clients_) each->tell("finish");
        for (auto& each : clients_) {
            const auto account = each->hear("account", soon());
            acknowledged += account.number("acknowledged");
            looks += account.number("looks");
            sent_on += account.number("sent_on");
            repeated += account.number("repeated");
            longest = std::max(longest, account.number("longest"));
            lost_ += account.number("lost");
        }
        std::cout << '\n';
        story("clients", std::to_string(acknowledged) + " moves acknowledged, " + std::to_string(looks) +
                             " looks, " + std::to_string(sent_on) + " times sent on to the owner, " +
                             std::to_string(repeated) + " times asked again; longest wait for an answer " +
                             ms(longest) + " ms");
    }

    void collect_books() {
        ended_at_ = stamp();
        for (auto& each : servers_) {
            each.process->tell("books");
            read_books(each, each.process->hear("books_end", soon()).number("tenures"));
        }
    }

    /// The tenures that a server has written before the line that says how many.
    void read_books(running_server& of, std::uint64_t tenures) {
        for (; tenures != 0; --tenures)
            books_.add(tenure::from_line(of.process->hear("owned", soon()), of.name));
    }

    void print_table(steady::duration took) const {
        std::cout << '\n'
                  << std::left << std::setw(11) << "leave" << std::setw(13) << "way" << std::setw(9)
                  << "outcome" << std::right << std::setw(7) << "copies" << std::setw(10) << "took ms"
                  << std::setw(13) << "handed over" << std::setw(23) << "longest standstill ms" << '\n';
        for (const auto& each : leaves_) {
            const auto handed = books_.handed_over_by(each.name);
            std::cout << std::left << std::setw(11) << each.name << std::setw(13) << name_of(each.which)
                      << std::setw(9) << each.said.text("outcome") << std::right << std::setw(7)
                      << each.said.text("copies") << std::setw(10) << ms(each.said.number("took"))
                      << std::setw(13) << handed.sessions << std::setw(23) << ms(handed.longest) << '\n';
        }
        std::cout << "\nthe whole update, " << leaves_.size() << " servers replaced: " << std::fixed
                  << std::setprecision(1) << std::chrono::duration<double>(took).count() << " s\n";
    }

    // ------------------------------------------------------------ servers

    [[nodiscard]] running_server launch(const std::string& name) const {
        std::vector<std::string> arguments{"--serve", name, cluster_, beacon_port_};
        if (settings_.verbose) arguments.emplace_back("-v");
        return {name, {}, std::make_unique<child>(name, arguments)};
    }

    static void await_ready(running_server& one) {
        one.address = one.process->hear("ready", soon()).text("address");
    }

    /// Until every server that runs sees all the others, and `sessions` are owned: what is asked before the
    /// next one may go, as a readiness check of an orchestrator does.
    void await_settled(std::size_t sessions) {
        const auto until = soon();
        for (;;) {
            shares_.clear();
            std::size_t owned = 0;
            bool meshed = true;
            for (auto& each : servers_) {
                const auto state = each.process->ask("state", until);
                meshed = meshed && state.number("up") == servers_.size() - 1;
                shares_.emplace_back(state.number("owned"));
                owned += shares_.back();
            }
            if (meshed && owned == sessions) return;
            require(steady::now() < until, "not settled: " + std::to_string(owned) + " sessions owned, " +
                                               (meshed ? "all" : "not all") + " servers see each other");
            std::this_thread::sleep_for(5ms);
        }
    }

    [[nodiscard]] std::string shares() const {
        std::string text;
        for (const auto each : shares_) text += (text.empty() ? "" : " + ") + std::to_string(each);
        return text;
    }

    /// When the step under way must be over.
    static steady::time_point soon() { return steady::now() + 10s * slowdown(); }

    void story(const std::string& who, const std::string& what) const {
        const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - began_);
        std::cout << std::setw(6) << since.count() << " ms  " << std::left << std::setw(10) << who
                  << std::right << ' ' << what << std::endl;
    }

    const director_settings settings_;
    const steady::time_point began_ = steady::now();
    std::string cluster_, beacon_port_;
    std::vector<running_server> servers_; ///< those that are to own sessions
    std::vector<std::unique_ptr<child>> clients_;
    std::vector<std::size_t> shares_; ///< sessions owned by each server, when last asked
    std::vector<leave> leaves_;
    books books_;
    std::size_t generation_ = 1;
    std::uint64_t lost_ = 0, ended_at_ = 0;
};

} // namespace

int run_director(const director_settings& settings) try {
    std::signal(SIGPIPE, SIG_IGN); // a dead child is noticed where it is told something
    director show(settings);
    show.run();
    show.judge();
    std::cout << "\nrolling update: OK " << show.figures() << '\n';
    return 0;
} catch (const std::exception& failure) {
    std::cout << "\nrolling update: FAILED " << failure.what() << '\n';
    return 1;
}
