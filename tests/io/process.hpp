// process: the program `baton` as a child, spoken to by lines. Header-only harness of the tests in this
// folder.
//
// One thread. Nothing sleeps: every wait is for a line, for the end of a process or for a condition, and has
// a deadline (patience.hpp), which BATON_TEST_SLOWDOWN (default 1) multiplies for sanitizer builds. A missed
// deadline throws an exception with everything that the child wrote. The child is killed and reaped with its
// object; if the test itself is killed, the input of the child ends and it leaves by itself.
#pragma once

#include "patience.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace io {

using json = nlohmann::json;

class process {
  public:
    /// Starts `baton` with these arguments, or another program.
    explicit process(const std::vector<std::string>& arguments, const char* program = BATON_PROGRAM) {
        std::signal(SIGPIPE, SIG_IGN); // a child that is gone shows as a missing reply
        std::array<int, 2> in{}, out{};
        if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0)
            throw std::runtime_error("pipe2");
        to_ = in[1];
        from_ = out[0];
        log_ = memfd_create("log", MFD_CLOEXEC);
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_adddup2(&files, in[0], STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&files, log_, STDERR_FILENO);
        posix_spawnattr_t attributes;
        posix_spawnattr_init(&attributes);
        sigset_t usual;
        sigemptyset(&usual);
        sigaddset(&usual, SIGPIPE);
        posix_spawnattr_setsigdefault(&attributes, &usual);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);

        command_ = program;
        std::vector<char*> argv{command_.data()};
        auto words = arguments;
        for (auto& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        const int fault = posix_spawn(&pid_, program, &files, &attributes, argv.data(), environ);
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
        close(in[0]);
        close(out[1]);
        for (const auto& word : arguments) command_ += ' ' + word;
        if (fault != 0) throw std::runtime_error("cannot start " + command_);
        watched_processes::add(pid_);
        pidfd_ =
            static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)); // glibc 2.36 declares pidfd_open for C only
    }
    process(const process&) = delete;
    ~process() {
        if (!status_) {
            ::kill(pid_, SIGKILL);
            waitpid(pid_, nullptr, 0);
            watched_processes::remove(pid_);
        }
        for (const int fd : {to_, from_, log_, pidfd_})
            if (fd >= 0) close(fd);
    }

    void write(std::string line) {
        line += '\n';
        std::string_view rest = line;
        while (!rest.empty()) {
            const auto written = ::write(to_, rest.data(), rest.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) throw std::runtime_error(told("its input is closed"));
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
    }
    /// The reply to `command`, an error included.
    json ask(const std::string& command, milliseconds within = 20s) {
        const auto id = std::to_string(++asked_);
        write("#" + id + " " + command);
        return take("reply to: " + command, within,
                    [&](const json& line) { return line.contains("reply") && line.value("id", "") == id; });
    }
    /// The same; an error throws.
    json operator()(const std::string& command, milliseconds within = 20s) {
        auto reply = ask(command, within);
        if (reply.contains("error")) throw std::runtime_error(told(command + " answered " + reply.dump()));
        return reply;
    }
    /// The next event of this kind, about the member of that name unless it is empty. Each is given out once.
    json event(const std::string& kind, const std::string& name = {}, milliseconds within = 10s) {
        return take("event: " + kind + " " + name, within,
                    [&](const json& line) { return is_event(line, kind, name); });
    }
    /// The next change that a watch reports; each is returned once, in any order.
    json change(const std::string& kind, const std::string& key = {}, milliseconds within = 10s) {
        return take("change: " + kind + " " + key, within, [&](const json& line) {
            return line.value("change", "") == kind && (key.empty() || line.value("key", "") == key);
        });
    }
    /// True if such an event has come and was not taken yet.
    bool saw(const std::string& kind, const std::string& name = {}) {
        while (absorb(clock::now())) {
        }
        return std::ranges::any_of(lines_, [&](const json& line) { return is_event(line, kind, name); });
    }
    /// Replies to commands, as far as they have arrived, each returned once; does not wait. For a killed
    /// child also what it had written before.
    std::vector<json> replies() {
        while (absorb(clock::now())) {
        }
        std::vector<json> taken;
        std::erase_if(lines_, [&](json& line) {
            if (!line.contains("reply")) return false;
            taken.push_back(std::move(line));
            return true;
        });
        return taken;
    }
    /// The reply to a leave that a signal or the end of input has started.
    json farewell(milliseconds within = 30s) {
        return take("farewell", within, [](const json& line) { return line.value("reply", "") == "leave"; });
    }

    void end_input() { close(std::exchange(to_, -1)); }
    /// After SIGSTOP all its threads have stopped, unless it has ended.
    void signal(int number) const {
        ::kill(pid_, number);
        siginfo_t about{};
        if (number == SIGSTOP) waitid(P_PID, static_cast<id_t>(pid_), &about, WSTOPPED | WEXITED | WNOWAIT);
    }
    /// Waits for its end: the exit status, or 128 and the signal's number.
    int exit_status(milliseconds within = 30s) {
        if (status_) return *status_;
        pollfd wait{pidfd_, POLLIN, 0};
        if (poll(&wait, 1, static_cast<int>(patience(within).count())) != 1)
            throw std::runtime_error(told("has not ended in time"));
        int raw = 0;
        waitpid(pid_, &raw, 0);
        watched_processes::remove(pid_);
        status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
        return *status_;
    }
    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Everything that it has written to standard error.
    [[nodiscard]] std::string log() const {
        std::string text(static_cast<std::size_t>(std::max<off_t>(lseek(log_, 0, SEEK_END), 0)), '\0');
        const auto got = pread(log_, text.data(), text.size(), 0);
        text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        return text;
    }
    /// Everything else on standard output, up to its end: of programs that do not write JSON.
    std::string output() {
        std::array<char, 4096> piece;
        for (ssize_t got = 0; (got = read(from_, piece.data(), piece.size())) > 0;)
            buffered_.append(piece.data(), static_cast<std::size_t>(got));
        return buffered_;
    }

  private:
    static bool is_event(const json& line, const std::string& kind, const std::string& name) {
        return line.value("event", "") == kind && (name.empty() || line.value("name", "") == name);
    }

    template <class Wanted>
    json take(const std::string& what, milliseconds within, Wanted wanted) {
        const auto until = clock::now() + patience(within);
        for (;;) {
            const auto found = std::ranges::find_if(lines_, wanted);
            if (found != lines_.end()) {
                auto line = *found;
                lines_.erase(found);
                return line;
            }
            if (!absorb(until)) throw std::runtime_error(told("no " + what));
        }
    }

    /// Reads one more line; false if none arrives in time, or ever.
    bool absorb(clock::time_point until) {
        for (;;) {
            if (const auto end = buffered_.find('\n'); end != buffered_.npos) {
                lines_.push_back(json::parse(buffered_.substr(0, end)));
                buffered_.erase(0, end + 1);
                return true;
            }
            const auto left = std::chrono::ceil<milliseconds>(until - clock::now());
            pollfd wait{from_, POLLIN, 0};
            if (poll(&wait, 1, static_cast<int>(std::max<long>(left.count(), 0))) <= 0) return false;
            std::array<char, 65536> piece;
            const auto got = read(from_, piece.data(), piece.size());
            if (got <= 0) return false;
            buffered_.append(piece.data(), static_cast<std::size_t>(got));
        }
    }

    [[nodiscard]] std::string told(const std::string& what) const {
        auto text = command_ + ": " + what + "\n  unread lines:";
        for (const auto& line : lines_) text += "\n    " + line.dump().substr(0, 300);
        return text + "\n  log: " + log();
    }

    std::string command_;
    pid_t pid_ = -1;
    int to_ = -1, from_ = -1, log_ = -1, pidfd_ = -1;
    std::optional<int> status_;
    std::string buffered_;
    std::deque<json> lines_;
    std::uint64_t asked_ = 0;
};

} // namespace io
