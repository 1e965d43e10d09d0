#include "actions.hpp"
#include "http/mesh_pages.hpp"
#include "people.hpp"
#include "progress.hpp"
#include "prompt.hpp"
#include "service.hpp"
#include "session.hpp"
#include "shell/text.hpp"
#include "terminal.hpp"

#include <baton/node.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <future>
#include <optional>
#include <thread>

namespace baton::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto ends_within = 2s; // of the second signal
constexpr std::size_t name_cells_max = 24;

/// Prints membership events as they come, and on its destruction those that are left. Shows how far a sync
/// is.
class event_printer {
  public:
    /// `pages`: show the events, too; nullptr: there are none. `line`: the prompt, if there is one.
    event_printer(node& served, stop_signals& stop, json_lines& out, mesh_pages* pages, prompt* line)
        : node_(served)
        , stop_(stop)
        , out_(out)
        , pages_(pages)
        , line_(line)
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
        progress syncs{node_, line_};
        for (;;) {
            syncs.look();
            const bool last = done_;
            const auto happened = node_.next_event(last ? 0ms : look_up);
            if (!happened && last) return;
            if (!happened) continue;
            if (pages_ != nullptr) pages_->note(*happened);
            out_.write(to_json(*happened));
            if (happened->kind == event_kind::failed) { // there is nothing more that the program could do
                failed_ = true;
                stop_.stop();
            }
            if (happened->kind == event_kind::leaving && happened->id == node_.id()) stop_.stop();
        }
    }

    node& node_;
    stop_signals& stop_;
    json_lines& out_;
    mesh_pages* const pages_;
    prompt* const line_;
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

/// The same at a prompt.
json serve(session& commands, prompt& line, terminal_signals& keys, json_lines& out) {
    while (const auto text = line.next()) {
        keys.forget();
        auto reply = commands.answer(*text);
        if (commands.left()) return reply;
        if (!reply.empty()) out.write(reply);
        commands.told();
    }
    keys.forget();
    return commands.answer("leave");
}

std::string history_file() {
    const char* const home = std::getenv("HOME");
    return home == nullptr || *home == '\0' ? std::string{} : std::string(home) + "/.baton_history";
}

/// What the node logs appears above the line that is edited, while this object lives.
class messages_above {
  public:
    explicit messages_above(prompt& line) {
        if (isatty(STDERR_FILENO) != 1) return;
        divert_messages([&line](const std::string& text) { return line.offer(text); });
    }
    ~messages_above() { divert_messages({}); }
    messages_above(const messages_above&) = delete;
};

/// What the pages need, made before the node starts: a port in use is no reason to join and leave.
struct pages_to_be {
    std::optional<listener> where;
    mesh_pages::terms how;
};

result<pages_to_be> prepare_pages(const arguments& given) {
    pages_to_be made;
    if (given.http.listen.empty()) return made;
    made.how.hosts = given.http.hosts;
    made.how.keys_are_open = given.node.security.key_file.empty() && given.node.security.keys.empty();
    if (!given.http.token_file.empty()) {
        auto token = read_token(given.http.token_file);
        if (!token) return token.error();
        made.how.token = std::move(*token);
    }
    auto opened = listener::open(given.http.listen);
    if (!opened) return opened.error();
    made.where.emplace(std::move(*opened));
    return made;
}

/// The node has taken its share of descriptors; the pages get one of their own, as far as the hard limit
/// allows.
void raise_descriptor_limit() {
    constexpr rlim_t share = web_server::connections_max + 16;
    rlimit now{};
    if (getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur >= now.rlim_max) return;
    now.rlim_cur = now.rlim_max - now.rlim_cur < share ? now.rlim_max : now.rlim_cur + share;
    setrlimit(RLIMIT_NOFILE, &now);
}

int refuse(json_lines& out, const error& why) {
    out.write({{"event", "failed"}, {"error", to_string(why.code)}, {"detail", why.what}});
    out.finish();
    return 1;
}

} // namespace

int run(const arguments& given) {
    auto manager = service_manager::take();
    const bool for_people = isatty(STDOUT_FILENO) == 1 && !given.json;
    const bool has_prompt = for_people && isatty(STDIN_FILENO) == 1 && !given.no_input;
    if (for_people) use_utf8();
    std::optional<terminal_signals> keys; // before any thread
    if (has_prompt) keys.emplace();
    auto stop = heed_signals(has_prompt);
    json_lines out{[&stop] { return stop.stopping(); }};
    std::optional<prompt> line;
    if (for_people) {
        out.show_by([&](const json& object) {
            auto text = text_of(object, screen_of(STDOUT_FILENO));
            if (line) return line->print(text);
            return out.channel().put(std::move(text));
        });
    }
    auto prepared = prepare_pages(given);
    if (!prepared) return refuse(out, prepared.error());
    auto started = node::start(given.node);
    if (!started) return refuse(out, started.error());
    auto& self = *started;
    json first{{"event", "started"},
               {"name", shell::printable(self.name())},
               {"id", self.id().to_string()},
               {"endpoint", self.endpoint()}};
    std::optional<mesh_pages> pages;
    if (prepared->where) {
        first["http"] = prepared->where->url();
        raise_descriptor_limit();
        pages.emplace(self, std::move(*prepared->where), std::move(prepared->how));
    }
    out.write(first);
    const service reporter{self, std::move(manager), given.ready_within};
    // The second signal ends the leave with what it has reached, and, should that not end the program, all of
    // it.
    std::promise<void> over;
    stop.on_second([&, ended = over.get_future().share()] {
        self.end_leave_now();
        out.give_up();
        if (ended.wait_for(ends_within) == std::future_status::timeout)
            _exit(exit_status(leave_outcome::unsafe));
    });
    session::terms how{given.hex, given.leave_now, given.node.leave_within};
    if (keys) how.interrupted = [&keys] { return keys->interrupted(); };
    session commands{self, stop, out, how};
    json farewell;
    bool failed = false;
    if (has_prompt) {
        out.channel().put("`help` lists the commands, Tab completes commands and keys, ^D leaves\n");
        line.emplace(prompt::terms{fitted(visible(self.name()), name_cells_max) + "> ",
                                   [&](std::string_view typed) { return commands.completions(typed); },
                                   history_file()},
                     stop, *keys, out.channel());
    }
    {
        std::optional<messages_above> above;
        if (line) above.emplace(*line);
        const event_printer events{self, stop, out, pages ? &*pages : nullptr, line ? &*line : nullptr};
        if (given.no_input) stop.wait();
        farewell = given.no_input ? commands.answer("leave")
                   : line         ? serve(commands, *line, *keys, out)
                                  : serve(commands, stop, out);
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
