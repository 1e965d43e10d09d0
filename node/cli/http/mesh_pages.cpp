#include "http/mesh_pages.hpp"

#include "http/site.hpp"
#include "parse.hpp"

#include <baton/monitor.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <utility>

namespace baton::cli {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto state_every = 500ms;
constexpr auto ask_every = 5s; // members, which nodes they have in view
constexpr auto ask_within = 250ms;
constexpr auto round_within = 500ms; // of the node's I/O thread, for /livez

std::uint64_t wall_ms() {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                          std::chrono::system_clock::now().time_since_epoch())
                                          .count());
}

web_server::reply text_reply(unsigned status, std::string text,
                             std::string_view type = "text/plain; charset=utf-8") {
    return {.status = status, .type = type, .body = std::make_shared<const std::string>(std::move(text))};
}

error token_fault(const std::string& path, const std::string& why) {
    return {errc::bad_option, "--http-token-file " + cited(path) + ": " + why};
}

} // namespace

result<std::string> read_token(const std::string& path) {
    struct stat about {};
    std::ifstream file(path);
    if (!file || ::stat(path.c_str(), &about) != 0) return token_fault(path, std::strerror(errno));
    if ((about.st_mode & 077) != 0) return token_fault(path, "others can read it: chmod 600");
    std::string token(257, '\0');
    file.read(token.data(), static_cast<std::streamsize>(token.size()));
    token.resize(static_cast<std::size_t>(file.gcount()));
    token.resize(std::min(token.size(), token.find_first_of("\r\n")));
    const bool printable = std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 127; });
    if (token.size() < 16 || token.size() > 256 || !printable)
        return token_fault(
            path, "the token is its first line: 16 to 256 printable ASCII characters without blanks");
    return token;
}

mesh_pages::mesh_pages(const node& served, listener where, terms how)
    : node_(served)
    , how_(std::move(how)) {
    server_.emplace(
        std::move(where),
        web_server::terms{how_.hosts, [this](const auto& asked) { return answer(asked); },
                          [](std::string_view path) { return path == "/livez" || path == "/readyz"; }});
    thread_ = std::thread([this] { watch(); });
}

mesh_pages::~mesh_pages() {
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
    }
    changed_.notify_all();
    thread_.join();
    server_.reset();
}

void mesh_pages::note(const event& happened) {
    const std::lock_guard lock(mutex_);
    events_.push_back({++last_event_, wall_ms(), happened});
    if (events_.size() > events_max) events_.pop_front();
}

bool mesh_pages::shows_keys(const request_head& head) const {
    return how_.token.empty() ? how_.keys_are_open : has_token(head, how_.token);
}

web_server::reply mesh_pages::answer(const web_server::request& asked) {
    if (asked.path == "/livez") {
        return monitor{node_}.is_alive(round_within)
                   ? text_reply(200, "alive\n")
                   : text_reply(503, "the node's I/O thread does not answer, has failed or has left\n");
    }
    if (asked.path == "/readyz") return answer_ready();
    if (asked.path == "/metrics") {
        const auto now = node_.stats();
        if (!now) return text_reply(503, now.error().what + '\n');
        return text_reply(200, to_openmetrics(*now, node_.name()), openmetrics_content_type);
    }
    const auto which = shows_keys(asked.head) ? with_keys : without_keys;
    const bool wants_keys = asked.path == "/state" || asked.path == "/events";
    if (wants_keys && asked.head.authorization && which == without_keys) {
        auto refused = text_reply(401, how_.token.empty() ? "this node has no token: see --http-token-file\n"
                                                          : "that is not the token\n");
        refused.extra_header = "WWW-Authenticate";
        refused.extra_value = "Bearer";
        return refused;
    }
    if (asked.path == "/state") return text_reply(200, read_mesh(which, false), "application/json");
    if (asked.path == "/events") {
        {
            const std::lock_guard lock(mutex_);
            watched_ = came_ = true;
        }
        changed_.notify_all();
        web_server::reply made{.type = "text/event-stream", .stream = which};
        made.body = std::make_shared<const std::string>("data: " + read_mesh(which, false) + "\n\n");
        return made;
    }
    for (const auto& file : site_files()) {
        if (file.path == asked.path) return text_reply(200, std::string(file.text), file.type);
    }
    return text_reply(404, "there are /, /metrics, /livez, /readyz, /state and /events\n");
}

web_server::reply mesh_pages::answer_ready() {
    const monitor seen{node_};
    if (seen.is_ready()) return text_reply(200, "ready\n");
    const auto view = seen.view({.claims_max = 0});
    return text_reply(503, (view ? unready_reason(*view) : view.error().what) + '\n');
}

std::string mesh_pages::read_mesh(channel which, bool ask) {
    view_options how;
    how.claims_max = which == with_keys ? 100 : 0;
    if (ask) how.ask_within = ask_within;
    const auto view = monitor{node_}.view(how);
    const auto stats = node_.stats();
    if (!view || !stats) return "{}";
    std::deque<timed_event> events;
    {
        const std::lock_guard lock(mutex_);
        events = events_;
    }
    constexpr std::size_t frame_bytes = 16; // of an event of a stream
    return to_text({node_.name(), node_.id().to_string(), node_.endpoint(), *view, *stats, events,
                    which == with_keys, wall_ms()},
                   web_server::stream_bytes_max - frame_bytes);
}

void mesh_pages::watch() {
    std::unique_lock lock(mutex_);
    auto asked_at = steady_clock::time_point{};
    while (!over_) {
        if (!watched_) {
            changed_.wait(lock, [&] { return watched_ || over_; });
            continue;
        }
        lock.unlock();
        const auto now = steady_clock::now();
        bool found = false, ask = now - asked_at >= ask_every;
        for (const auto which : {without_keys, with_keys}) {
            if (server_->streams(which) == 0) continue;
            if (ask) asked_at = now;
            const auto text = "data: " + read_mesh(which, std::exchange(ask, false)) + "\n\n";
            server_->publish(which, std::make_shared<const std::string>(text));
            found = true;
        }
        lock.lock();
        watched_ = found || std::exchange(came_, false);
        changed_.wait_for(lock, state_every, [&] { return over_; });
    }
}

} // namespace baton::cli
