#include "actions.hpp"
#include "session.hpp"
#include "shell/text.hpp"
#include "terminal.hpp"

#include <baton/node.hpp>

#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>

namespace baton::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto ends_within = 2s; // of the second signal

/// Prints membership events as they come, and on its destruction those that are left.
class event_printer {
  public:
    event_printer(node& served, stop_signals& stop, json_lines& out)
        : node_(served)
        , stop_(stop)
        , out_(out)
        , thread_([this] { print(); }) {}
    ~event_printer() {
        done_ = true;
        thread_.join();
    }
    event_printer(event_printer&&) = delete;
    /// The node is of no use any more.
    [[nodiscard]] bool failed() const { return failed_; }

  private:
    void print() {
        constexpr auto look_up = 50ms; // bounds how long the end waits for this thread
        for (;;) {
            const bool last = done_;
            const auto happened = node_.next_event(last ? 0ms : look_up);
            if (!happened && last) return;
            if (!happened) continue;
            out_.write(to_json(*happened));
            if (happened->kind == event_kind::failed) { // there is nothing more that the program could do
                failed_ = true;
                stop_.stop();
            }
        }
    }

    node& node_;
    stop_signals& stop_;
    json_lines& out_;
    std::atomic<bool> done_ = false, failed_ = false;
    std::thread thread_;
};

/// Answers commands until there is a reason to leave; the reply that tells what the leave reached.
json serve(session& commands, const stop_signals& stop, json_lines& out) {
    line_reader lines{stop};
    while (const auto line = lines.next()) {
        if (line->too_long) {
            out.write({{"reply", ""}, {"error", "usage"}, {"detail", "a line is at most 64 MiB long"}});
            continue;
        }
        auto reply = commands.answer(line->text);
        if (commands.left()) return reply;
        if (!reply.empty()) out.write(reply);
        commands.told();
    }
    return commands.answer("leave");
}

} // namespace

int run(const arguments& given) {
    auto stop = heed_signals();
    json_lines out{[&stop] { return stop.stopping(); }};
    auto started = node::start(given.node);
    if (!started) {
        out.write({{"event", "failed"},
                   {"error", to_string(started.error().code)},
                   {"detail", started.error().what}});
        out.finish();
        return 1;
    }
    auto& self = *started;
    out.write({{"event", "started"},
               {"name", shell::printable(self.name())},
               {"id", self.id().to_string()},
               {"endpoint", self.endpoint()}});
    // The second signal ends the leave with what it has reached, and, should that not end the program, all of
    // it.
    std::promise<void> over;
    stop.on_second([&, ended = over.get_future().share()] {
        self.end_leave_now();
        out.give_up();
        if (ended.wait_for(ends_within) == std::future_status::timeout)
            _exit(exit_status(leave_outcome::unsafe));
    });
    session commands{self, stop, out, {given.hex, given.leave_now, given.node.leave_within}};
    json farewell;
    bool failed = false;
    {
        const event_printer events{self, stop, out};
        farewell = serve(commands, stop, out);
        failed = events.failed();
    }
    out.write(farewell);
    out.finish();
    over.set_value();
    stop.on_second(nullptr);
    if (failed)
        return exit_status(leave_outcome::unsafe); // a file may have been written: it is not handed over
    return commands.left() ? exit_status(*commands.left()) : 1;
}

} // namespace baton::cli
