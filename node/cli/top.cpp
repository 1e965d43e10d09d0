// top: shows the mesh live. It looks through a node that joins, so the mesh has one member and one copy more
// while it runs: its name begins with "top-" unless --name is given.
#include "actions.hpp"
#include "prompt.hpp"
#include "session.hpp"
#include "terminal.hpp"
#include "top_picture.hpp"

#include <baton/node.hpp>

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <deque>
#include <random>
#include <utility>

namespace baton::cli {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto slice = 100ms; // how often keys, events and the size of the terminal are looked at

/// The mesh as a node sees it.
class seen_by_node : public mesh_source {
  public:
    seen_by_node(node& served, std::string cluster)
        : node_(served)
        , cluster_(std::move(cluster)) {}

    result<mesh_sample> look() override {
        read_events();
        auto stats = node_.stats();
        if (!stats) return stats.error();
        mesh_sample now;
        now.at = steady_clock::now();
        now.date = std::chrono::system_clock::now();
        now.cluster = cluster_;
        now.seen_from = node_.name();
        now.is_member = true;
        now.synced = node_.wait_synced(0ms).has_value();
        now.self = {node_.id(), node_.name(), member_state::up, node_.endpoint(), now.synced};
        now.members = std::move(stats->members);
        now.keys = stats->keys;
        now.key_value_bytes = stats->key_value_bytes;
        now.store_bytes = stats->store_bytes;
        now.writes = stats->events_applied;
        now.frames = stats->deltas_received;
        now.sync_bytes = stats->state_bytes_received + stats->state_bytes_sent;
        now.events.assign(events_.begin(), events_.end());
        return now;
    }
    void read_events() {
        while (auto happened = node_.next_event()) {
            events_.push_back({std::chrono::system_clock::now(), *std::move(happened)});
            if (events_.size() > events_kept) events_.pop_front();
        }
    }

  private:
    node& node_;
    const std::string cluster_;
    std::deque<dated_event> events_;
};

/// The whole terminal, without echo, until its end. Does nothing unless `wanted`.
class whole_terminal {
  public:
    whole_terminal(output& out, bool wanted)
        : out_(out)
        , taken_(wanted) {
        if (!taken_) return;
        out_.put("\x1b[?1049h\x1b[?25l"); // the other page, no cursor
        keys_ = tcgetattr(STDIN_FILENO, &before_) == 0;
        if (!keys_) return;
        auto raw = before_;
        raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        raw.c_cc[VSUSP] = _POSIX_VDISABLE; // others would take a node that is stopped for crashed
        tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    }
    ~whole_terminal() {
        if (!taken_) return;
        if (keys_) tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
        out_.put("\x1b[?25h\x1b[?1049l");
    }
    whole_terminal(const whole_terminal&) = delete;

    void draw(const std::string& picture) {
        std::string text = "\x1b[H";
        for (const char c : picture) text += c == '\n' ? "\x1b[K\r\n" : std::string(1, c);
        out_.offer(text + "\x1b[J"); // a picture that a stopped terminal does not take is old soon
    }

  private:
    output& out_;
    const bool taken_;
    bool keys_ = false;
    termios before_{};
};

/// What the node logs waits while the terminal shows pictures.
class messages_later {
  public:
    messages_later() {
        divert_messages([this](const std::string& text) {
            if (kept_.size() + text.size() > bytes_max) return false;
            kept_ += text;
            return true;
        });
    }
    ~messages_later() {
        divert_messages({});
        standard_error().offer(std::move(kept_));
    }
    messages_later(const messages_later&) = delete;

  private:
    static constexpr std::size_t bytes_max = std::size_t{64} << 10;
    std::string kept_; ///< under the lock of divert_messages()
};

/// Waits; false once a signal or the key q asks for the end.
bool wait_for(std::chrono::milliseconds within, const stop_signals& stop, bool has_keys, screen drawn_on) {
    for (const auto until = steady_clock::now() + within;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now());
        if (left <= 0ms) return true;
        std::array<pollfd, 2> either{{{stop.fd(), POLLIN, 0}, {has_keys ? STDIN_FILENO : -1, POLLIN, 0}}};
        const auto most = std::min<std::chrono::milliseconds>(left, slice);
        if (poll(either.data(), either.size(), static_cast<int>(most.count())) < 0) continue;
        if (either[0].revents != 0) return false;
        if (either[1].revents != 0) {
            char key = 0;
            return read(STDIN_FILENO, &key, 1) > 0 && key != 'q' && key != 'Q'; // another key draws at once
        }
        if (!has_keys) continue;
        const auto now = screen_of(STDOUT_FILENO);
        if (now.width != drawn_on.width || now.height != drawn_on.height) return true;
    }
}

bool synced(const node& self, std::chrono::milliseconds within, const stop_signals& stop) {
    for (const auto until = steady_clock::now() + within; !stop.stopping();) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now());
        if (self.wait_synced(std::clamp<std::chrono::milliseconds>(left, 0ms, slice))) return true;
        if (left <= slice) return false;
    }
    return false;
}

std::string fresh_name() {
    std::array<char, 16> name{};
    std::snprintf(name.data(), name.size(), "top-%08x", std::random_device{}());
    return name.data();
}

/// What was here alone is lost, or in a file.
int leave(node& self, std::chrono::milliseconds within) {
    const auto report = self.leave({.within = within});
    if (!report || report->unsafe == 0) return 0;
    complain(std::to_string(report->unsafe) +
             " keys were on no other member any more: " + std::string{to_string(report->outcome)});
    return exit_status(report->outcome);
}

int show_until_end(node& self, const arguments& given, const stop_signals& stop, json_lines& out) {
    const bool for_people = isatty(STDOUT_FILENO) == 1 && !given.json;
    const bool live = for_people && !given.once && screen_of(STDOUT_FILENO).moves;
    seen_by_node source{self, given.node.cluster};
    std::optional<mesh_sample> before;
    const bool has_keys = live && isatty(STDIN_FILENO) == 1;
    std::optional<messages_later> later; // after the terminal is given back
    if (live) later.emplace();
    whole_terminal terminal{out.channel(), live};
    for (std::uint64_t shown = 0;;) {
        auto now = source.look();
        if (!now) return 4;
        const auto on = screen_of(STDOUT_FILENO);
        if (live) {
            terminal.draw(picture_of(*now, before, on));
        } else if (for_people) {
            auto all = on;
            all.height = now->members.size() + now->events.size() + 16; // it may scroll
            out.channel().put(picture_of(*now, before, all));
        } else {
            out.write(to_json(*now, before));
        }
        before = *std::move(now);
        if (given.once || ++shown == given.iterations) return 0;
        if (out.fault() != 0 || !wait_for(given.every, stop, has_keys, on)) return 0;
    }
}

} // namespace

int top(const arguments& given) {
    use_utf8();
    const auto stop = heed_signals();
    json_lines out{[&stop] { return stop.stopping(); }};
    auto settings = given.node;
    if (settings.name.empty()) settings.name = fresh_name();
    auto started = node::start(std::move(settings));
    if (!started) {
        complain(started.error().what);
        return 1;
    }
    int status = 0;
    if (given.once && !synced(*started, given.within, stop)) {
        complain("not in sync with any member of cluster '" + given.node.cluster + "' within " +
                 std::to_string(given.within.count()) + " ms");
        status = 1;
    } else {
        status = show_until_end(*started, given, stop, out);
    }
    out.finish();
    const int left = leave(*started, given.within);
    return left != 0 ? left : status;
}

} // namespace baton::cli
