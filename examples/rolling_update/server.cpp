#include "server.hpp"

#include "estate.hpp"
#include "line.hpp"
#include "placement.hpp"
#include "tcp.hpp"
#include "timing.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace {

using namespace std::chrono_literals;

using actor::must, actor::say, actor::stop_asked;

/// Rung on any thread, polled by one.
class bell {
  public:
    bell()
        : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (fd_ < 0) throw std::runtime_error("no eventfd");
    }
    ~bell() { close(fd_); }
    bell(const bell&) = delete;
    bell& operator=(const bell&) = delete;
    void ring() const { (void)eventfd_write(fd_, 1); }
    void heard() const {
        eventfd_t count = 0;
        (void)eventfd_read(fd_, &count);
    }
    [[nodiscard]] int fd() const { return fd_; }

  private:
    int fd_;
};

class server {
  public:
    explicit server(baton::node node)
        : node_(std::move(node))
        , estate_(node_, [this] { bell_.ring(); }) {}

    int run() {
        if (!node_.wait_synced(5s * slowdown())) throw std::runtime_error("not synced in time");
        // All members know where we are before anybody relies on it.
        must(node_.stash(placement::key_of(node_.id()), clients_.address(),
                         {.ack = baton::ack_level::all_up(), .within = 5s * slowdown()}));
        say(line{"ready"}.with("address", clients_.address()));
        while (!stop_asked) {
            wait();
            hear_of_losses();
            hear_director();
            serve();
            estate_.settle();
        }
        return leave();
    }

  private:
    /// What a client is told, once what it rests on is proven.
    struct answer {
        std::size_t to = 0; ///< index of the connection
        std::size_t session = 0;
        std::string text;
    };

    void wait() {
        polled_.clear();
        for (const int fd : {STDIN_FILENO, clients_.fd(), bell_.fd(), events_})
            polled_.push_back({fd, POLLIN, 0});
        for (const auto& each : connections_)
            polled_.push_back({each.fd(), static_cast<short>(POLLIN | (each.has_unsent() ? POLLOUT : 0)), 0});
        (void)poll(polled_.data(), polled_.size(), estate_.is_unsettled() ? 5 : 100);
        bell_.heard();
    }

    void hear_of_losses() {
        while (const auto told = node_.next_event()) {
            if (told->kind != baton::event_kind::claim_lost || !told->key.starts_with(arena::prefix))
                continue;
            const auto session = arena::number_of(told->key);
            const auto* holding = estate_.find(session);
            if (holding != nullptr && holding->handle.lost()) estate_.give_up(session);
        }
    }

    // ------------------------------------------------------------ clients

    /// Takes what has come from all clients, plays it, and answers when it is proven: one round trip to the
    /// other servers for as many moves as have come together.
    ///
    /// An acknowledged move must survive whatever becomes of one server, this one included. So it is
    /// acknowledged when the commit is held by two, not merely sent: if this server crashes, the other has
    /// it, and if this one leaves, the leave goes on until two others do. What has been read is as good as
    /// acknowledged, because the reader acts on it: it waits for the same proof.
    void serve() {
        while (auto made = clients_.accept()) connections_.push_back(std::move(*made));
        answers_.clear();
        std::vector<std::size_t> gone;
        for (std::size_t at = 0; at < connections_.size(); ++at) {
            requests_.clear();
            if (!connections_[at].receive(requests_)) gone.push_back(at);
            for (const auto& request : requests_) answers_.push_back(play(at, request));
        }
        if (!answers_.empty()) {
            const bool proven = prove();
            for (auto& each : answers_)
                connections_[each.to].say(proven ? checked(each) : wait_for(each.session));
        }
        for (std::size_t at = 0; at < connections_.size(); ++at)
            if (!connections_[at].flush() && !std::ranges::count(gone, at)) gone.push_back(at);
        std::ranges::sort(gone, std::greater{});
        for (const auto at : gone) connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(at));
    }

    answer play(std::size_t from, const std::string& request) {
        std::istringstream words(request);
        std::string verb;
        std::size_t session = 0, who = 0;
        std::uint64_t number = 0;
        words >> verb >> session >> who >> number;
        answer reply{from, session, {}};
        auto* const holding = estate_.find(session);
        if (holding == nullptr || who >= holding->state.players.size()) {
            reply.text = elsewhere(session);
            return reply;
        }
        auto& player = holding->state.players[who];
        const auto name = std::to_string(session) + ' ';
        if (verb == "look") {
            reply.text = "seen " + name + std::to_string(player.moves) + ' ' + std::to_string(player.trail);
        } else if (number == player.moves) { // again, because the answer has not arrived
            reply.text = "played " + name + std::to_string(number);
        } else if (number != player.moves + 1) {
            reply.text = "lost " + name + std::to_string(player.moves);
        } else {
            const auto before = player;
            player = {number, arena::after_move(before.trail, session, number)};
            if (const auto written = baton::commit(holding->handle, holding->state)) {
                last_written_ = written->written;
                reply.text = "played " + name + std::to_string(number);
            } else { // lost, or busy: it has not happened
                player = before;
                reply.text = wait_for(session);
            }
        }
        return reply;
    }

    /// True when all that has been committed here is held by two members. Whoever holds the last of a node's
    /// writes holds those before it.
    bool prove() {
        if (last_written_ == proven_) return true;
        const auto seen = node_.confirm(last_written_, baton::ack_level::copies(2), 1s * slowdown());
        if (!seen || !seen->met) return false;
        proven_ = last_written_;
        return true;
    }

    /// The answer, if the session is still ours after all that waiting.
    std::string checked(answer& reply) {
        const auto* const holding = estate_.find(reply.session);
        if (holding == nullptr || !holding->handle.lost()) return std::move(reply.text);
        estate_.give_up(reply.session);
        return wait_for(reply.session);
    }

    static std::string wait_for(std::size_t session) { return "wait " + std::to_string(session); }

    [[nodiscard]] std::string elsewhere(std::size_t session) const {
        const auto found = node_.pickup(arena::key_of(session));
        const auto owner = found && found->found() ? found->owner() : std::nullopt;
        if (!owner || *owner == node_.id()) return wait_for(session);
        const auto address = placement::address_of(node_, *owner);
        return address ? "at " + std::to_string(session) + ' ' + *address : wait_for(session);
    }

    // ------------------------------------------------------------ the director

    void hear_director() {
        if ((polled_.front().revents & (POLLIN | POLLHUP)) == 0) return;
        questions_.read([this](const std::string& question) { answer_director(line::parse(question)); });
    }

    void answer_director(const line& question) {
        if (question.word == "open") {
            open(question.number("sessions"));
        } else if (question.word == "state") {
            const auto others = must(node_.members());
            say(line{"state"}
                    .with("up", static_cast<std::uint64_t>(std::ranges::count(others, baton::member_state::up,
                                                                              &baton::member::state)))
                    .with("owned", estate_.owned()));
        } else if (question.word == "books") {
            say(line{"books_end"}.with("tenures", write_books()));
        }
    }

    /// New sessions belong to nobody: all servers see them and take their shares.
    void open(std::size_t sessions) {
        for (std::size_t number = 0; number < sessions; ++number)
            must(baton::stash(node_, arena::key_of(number), arena::new_session(number)));
    }

    /// How many lines that were.
    [[nodiscard]] std::uint64_t write_books() const {
        const auto all = estate_.all_tenures();
        for (const auto& each : all) std::cout << each.to_line().print() << '\n';
        return all.size();
    }

    // ------------------------------------------------------------ the end

    /// First out of the registry, then out of the sessions, so that whoever sees one of them free knows that
    /// it is not for us; then the node leaves, which ends when two others hold everything that is only here.
    int leave() {
        connections_.clear(); // clients ask another server
        must(node_.drop(placement::key_of(node_.id())));
        estate_.close();
        const auto report = must(node_.leave({.within = 5s * slowdown()}));
        const auto tenures = write_books();
        say(line{"left"}
                .with("tenures", tenures)
                .with("outcome", std::string(to_string(report.outcome)))
                .with("copies", report.copies)
                .with("took", static_cast<std::uint64_t>(report.took / 1us)));
        return actor::exit_status(report.outcome);
    }

    baton::node node_;
    bell bell_;
    listener clients_;
    estate estate_;
    const int events_ = must(node_.event_fd());
    std::vector<connection> connections_;
    std::vector<pollfd> polled_; ///< stdin is the first
    std::vector<answer> answers_;
    std::vector<std::string> requests_;
    baton::version last_written_{}, proven_{};
    actor::questions questions_;
};

} // namespace

int run_server(const actor::settings& settings) try {
    return server(must(baton::node::start(actor::begin(settings)))).run();
} catch (const std::exception& failure) {
    return actor::failed(failure);
}
