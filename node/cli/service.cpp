#include "service.hpp"

#include "http/mesh_text.hpp"
#include "shell/text.hpp"

#include <baton/monitor.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace baton::cli {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto look_every = 200ms;
constexpr auto round_within = 500ms; // of the I/O thread, for the watchdog
constexpr auto status_every = 1s;

std::string take_variable(const char* name) {
    const char* const found = std::getenv(name); // NOLINT: no other thread changes it
    std::string value = found == nullptr ? "" : found;
    ::unsetenv(name); // NOLINT
    return value;
}

/// WATCHDOG_USEC, if it is meant for this process.
std::chrono::microseconds take_watchdog() {
    const auto text = take_variable("WATCHDOG_USEC"), process = take_variable("WATCHDOG_PID");
    if (!process.empty() && process != std::to_string(::getpid())) return 0us;
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return std::chrono::microseconds(std::max<std::int64_t>(number, 0));
}

} // namespace

service_manager service_manager::take() { return {take_variable("NOTIFY_SOCKET"), take_watchdog()}; }

service::service(const node& served, service_manager manager, std::chrono::milliseconds ready_within)
    : node_(served)
    , ready_by_(steady_clock::now() +
                std::min<std::chrono::milliseconds>(ready_within, std::chrono::hours{24 * 365}))
    , manager_(std::move(manager)) {
    if (!manager_.socket.empty()) thread_ = std::thread([this] { run(); });
}

service::~service() {
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

// A reader that is gone or slow must not hold up the node: what cannot be sent at once is lost, and the next
// look repeats what matters.
bool service::report(const std::string& lines) const {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    if (manager_.socket.size() >= sizeof to.sun_path) return true; // no look will mend that
    std::memcpy(to.sun_path, manager_.socket.data(), manager_.socket.size());
    if (to.sun_path[0] == '@') to.sun_path[0] = '\0'; // an abstract socket
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + manager_.socket.size());
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    const auto sent = ::sendto(fd, lines.data(), lines.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                               reinterpret_cast<const sockaddr*>(&to), // NOLINT
                               size);
    ::close(fd);
    return sent >= 0;
}

void service::report_status(const std::string& sentence) {
    if (sentence != status_ && report("STATUS=" + sentence)) status_ = sentence;
}

std::string service::status(bool ready) const {
    const auto view = monitor{node_}.view({.claims_max = 0});
    const auto stats = node_.stats();
    if (!view || !stats) return {};
    if (!ready) return unready_reason(*view);
    std::string sentence =
        std::to_string(stats->keys) + " keys, " + std::to_string(stats->members_up + 1) + " nodes";
    for (const auto& sync : view->syncs) {
        sentence += (sync.receives ? "; syncs from " : "; sends its state to ") +
                    (sync.name.empty() ? "a spill" : shell::printable(sync.name)) + ", " +
                    std::to_string(static_cast<int>(100 * sync.done())) + " %";
        break;
    }
    return sentence;
}

void service::run() {
    const monitor seen{node_};
    const auto watchdog = manager_.watchdog;
    bool ready = false, stopping = false;
    auto status_at = steady_clock::time_point{}, dog_at = status_at;
    std::unique_lock lock(mutex_);
    while (!over_) {
        lock.unlock();
        const auto now = steady_clock::now();
        const auto view = seen.view({.claims_max = 0});
        const bool leaving = view && view->leaving;
        if (leaving && !stopping) stopping = report("STOPPING=1");
        const bool is_ready = view && view->ready;
        if (!ready && !leaving && (is_ready || now >= ready_by_)) ready = report("READY=1");
        if (now - status_at >= status_every) {
            status_at = now;
            report_status(status(is_ready));
            // Three more seconds each time: a leave that goes on is not killed, and one that hangs is.
            if (leaving) static_cast<void>(report("EXTEND_TIMEOUT_USEC=3000000"));
        }
        // A third of the time and not half: one late look must not end the process.
        if (watchdog != 0us && now - dog_at >= watchdog / 3 && seen.is_alive(round_within) &&
            report("WATCHDOG=1"))
            dog_at = now;
        lock.lock();
        const auto pause =
            watchdog == 0us ? look_every : std::min<steady_clock::duration>(look_every, watchdog / 4);
        changed_.wait_for(lock, pause, [this] { return over_; });
    }
    if (!stopping) static_cast<void>(report("STOPPING=1"));
}

} // namespace baton::cli
