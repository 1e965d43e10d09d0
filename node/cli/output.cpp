#include "output.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace baton::cli {

namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr auto woken_every = 50ms;
constexpr auto patience = 2s;      // with a reader that takes nothing, once the program is to end
constexpr auto patience_max = 10s; // with one that takes a little
constexpr std::chrono::milliseconds moment{300}, moment_max{1000}; // the same once nobody is to wait
constexpr std::size_t piece_bytes = std::size_t{16} << 10;

} // namespace

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0 && errno == EAGAIN) { // somebody else's terminal mode
            pollfd wait{fd, POLLOUT, 0};
            poll(&wait, 1, -1);
            continue;
        }
        if (written < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

struct output::state : std::enable_shared_from_this<state> {
    explicit state(terms given)
        : how(std::move(given)) {}

    [[nodiscard]] bool fits(std::size_t more) const {
        return waiting == 0 || waiting + more <= how.bytes_max;
    }

    /// Under the lock. False: it is of no use to wait any longer.
    bool wait_a_little(std::unique_lock<std::mutex>& lock, steady_clock::time_point since) {
        hurried = hurried || given_up || how.ends();
        const auto start = steady_clock::now();
        if (hurried) {
            const auto most = given_up ? moment_max : patience_max;
            if (waited >= most || (stuck_at && taken_at <= *stuck_at)) return false;
            if (start - std::max(since, taken_at) >= (given_up ? moment : patience)) {
                stuck_at = start;
                return false;
            }
        }
        changed.wait_for(lock, woken_every);
        if (hurried) waited += steady_clock::now() - start;
        return true;
    }
    /// Under the lock.
    bool push(std::string text) {
        if (fault != 0) return false;
        if (!started) {
            try {
                std::thread([self = shared_from_this()] { self->run(); }).detach();
                started = true;
            } catch (const std::system_error&) {
                ++dropped;
                return false;
            }
        }
        waiting += text.size();
        texts.push_back(std::move(text));
        changed.notify_all();
        return true;
    }

    void run() {
        std::unique_lock lock(mutex);
        while (fault == 0) {
            changed.wait(lock, [this] { return ended || !texts.empty(); });
            if (texts.empty()) return;
            const auto text = std::move(texts.front());
            texts.pop_front();
            for (std::size_t at = 0; at < text.size() && fault == 0; at += piece_bytes) {
                const auto part = std::string_view{text}.substr(at, piece_bytes);
                lock.unlock();
                const int failed = write_all(how.fd, part) ? 0 : errno;
                lock.lock();
                fault = failed;
                waiting -= part.size();
                taken_at = steady_clock::now();
                changed.notify_all();
            }
        }
        texts.clear();
        waiting = 0;
        const auto tell = std::exchange(how.on_fault, nullptr);
        changed.notify_all();
        lock.unlock();
        if (tell) tell();
    }

    terms how;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::string> texts;
    std::size_t waiting = 0; ///< bytes, those that are being written included
    std::uint64_t dropped = 0;
    int fault = 0;
    bool started = false, ended = false, given_up = false;
    bool hurried = false;            ///< the program is to end
    steady_clock::duration waited{}; ///< since then, by all together
    steady_clock::time_point taken_at = steady_clock::now();
    std::optional<steady_clock::time_point> stuck_at; ///< when the patience with the reader was last over
};

output::output(terms how)
    : state_(std::make_shared<state>(std::move(how))) {}

output::~output() {
    const std::scoped_lock lock{state_->mutex};
    state_->ended = true;
    state_->how.ends = [] { return true; }; // what they refer to is of the past
    state_->how.on_fault = nullptr;
    state_->changed.notify_all();
}

bool output::offer(std::string text) {
    const std::scoped_lock lock{state_->mutex};
    if (state_->fits(text.size())) return state_->push(std::move(text));
    ++state_->dropped;
    return false;
}

bool output::put(std::string text) {
    const auto since = steady_clock::now();
    std::unique_lock lock{state_->mutex};
    while (state_->fault == 0 && !state_->fits(text.size())) {
        if (state_->wait_a_little(lock, since)) continue;
        ++state_->dropped;
        return false;
    }
    return state_->push(std::move(text));
}

bool output::flush() {
    const auto since = steady_clock::now();
    std::unique_lock lock{state_->mutex};
    state_->hurried = true;
    while (state_->fault == 0 && state_->waiting != 0) {
        if (state_->wait_a_little(lock, since)) continue;
        state_->dropped += state_->texts.size() + 1; // with the one that is being written
        return false;
    }
    return state_->fault == 0;
}

void output::hurry() {
    const std::scoped_lock lock{state_->mutex};
    state_->hurried = true;
}

void output::give_up() {
    const std::scoped_lock lock{state_->mutex};
    state_->given_up = true;
    state_->waited = {};
    state_->changed.notify_all();
}

int output::fault() const {
    const std::scoped_lock lock{state_->mutex};
    return state_->fault;
}

std::uint64_t output::take_dropped() {
    const std::scoped_lock lock{state_->mutex};
    return std::exchange(state_->dropped, 0);
}

} // namespace baton::cli
