#include "terminal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace baton::cli {
namespace {

/// Waits until one of two descriptors is readable (or closed); true if it is the first.
bool first_is_readable(int first, int second) {
    std::array<pollfd, 2> wait{{{first, POLLIN, 0}, {second, POLLIN, 0}}};
    while (poll(wait.data(), wait.size(), -1) < 0 && errno == EINTR) {
    }
    return wait[1].revents == 0;
}

} // namespace

void occupy_terminal() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) { // each open() takes the lowest number
        const int other_way = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", other_way) < 0) return;
    }
}

stop_signals heed_signals(bool has_prompt) {
    std::signal(SIGPIPE, SIG_IGN);
    auto heard =
        has_prompt ? stop_signals::block({SIGTERM, SIGHUP}) : stop_signals::block({SIGTERM, SIGINT, SIGHUP});
    if (!heard) throw std::runtime_error{heard.error().what};
    return std::move(heard).value();
}

std::optional<line_reader::line> line_reader::next() {
    bool too_long = false;
    while (!stop_.stopping()) {
        auto end = buffered_.find('\n', searched_);
        const bool last = end == buffered_.npos && ended_;
        if (last && taken_ == buffered_.size()) return std::nullopt;
        if (last) end = buffered_.size();
        if (end != buffered_.npos) {
            line found{too_long ? std::string{} : buffered_.substr(taken_, end - taken_), too_long};
            taken_ = searched_ = std::min(end + 1, buffered_.size());
            return found;
        }
        searched_ = buffered_.size();
        if (buffered_.size() - taken_ > line_bytes_max) {
            too_long = true;
            buffered_.clear();
            taken_ = searched_ = 0;
        }
        if (!fill()) return std::nullopt;
    }
    return std::nullopt;
}

bool line_reader::fill() {
    if (!first_is_readable(STDIN_FILENO, stop_.fd())) return false;
    buffered_.erase(0, taken_);
    if (buffered_.capacity() > kept_bytes_max && buffered_.size() < kept_bytes_max / 2)
        buffered_.shrink_to_fit();
    searched_ -= taken_;
    taken_ = 0;
    std::array<char, std::size_t{64} << 10> piece;
    const auto got = read(STDIN_FILENO, piece.data(), piece.size());
    if (got > 0)
        buffered_.append(piece.data(), static_cast<std::size_t>(got));
    else if (got == 0 || (errno != EINTR && errno != EAGAIN))
        ended_ = true;
    return true;
}

std::string to_line(const json& object) {
    return object.dump(-1, ' ', false, json::error_handler_t::replace) + '\n';
}

json_lines::json_lines(std::function<bool()> ends, std::function<void()> on_fault)
    : out_({.fd = STDOUT_FILENO, .ends = std::move(ends), .on_fault = std::move(on_fault)}) {}

bool json_lines::write(const json& object) { return show_ ? show_(object) : out_.put(to_line(object)); }

void json_lines::finish() {
    if (out_.flush() || out_.fault() != 0) return;
    if (const auto lost = out_.take_dropped(); lost != 0)
        complain("standard output has no reader: " + std::to_string(lost) + " lines were dropped");
}

output& standard_error() {
    static auto& there = *new output({.fd = STDERR_FILENO}); // whoever logs last may be later than any end
    return there;
}

namespace {
struct diversion {
    std::mutex mutex;
    std::function<bool(const std::string&)> offer;
};
diversion& diverted() {
    static auto& there = *new diversion; // as standard_error()
    return there;
}
bool say(std::string text) {
    const std::scoped_lock lock{diverted().mutex};
    return diverted().offer ? diverted().offer(text) : standard_error().offer(std::move(text));
}
} // namespace

void divert_messages(std::function<bool(const std::string&)> offer) {
    const std::scoped_lock lock{diverted().mutex};
    diverted().offer = std::move(offer);
}

void complain(const std::string& sentence) { say("baton: " + sentence + '\n'); }

log_sink log_to_stderr(bool verbose, bool is_guest) {
    return [verbose, is_guest](log_level level, std::string_view line) {
        constexpr std::array<std::string_view, 4> names{"debug", "info", "warning", "error"};
        if (!verbose && (level < log_level::warning || (is_guest && line.starts_with("event=open_mesh "))))
            return;
        auto& out = standard_error();
        if (const auto lost = out.take_dropped(); lost != 0)
            out.offer("warning event=log_dropped count=" + std::to_string(lost) +
                      " reason=\"standard error had no reader\"\n");
        std::string text{names[static_cast<std::size_t>(level)]};
        text.append(" ").append(line).append("\n");
        say(std::move(text));
    };
}

} // namespace baton::cli
