#include "child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace {

struct pipe_ends {
    int read_end = -1, write_end = -1;
};

pipe_ends make_pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    return {ends[0], ends[1]};
}

} // namespace

child::child(std::string name, const std::vector<std::string>& arguments)
    : name_(std::move(name)) {
    const auto questions = make_pipe(), answers = make_pipe();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, questions.read_end, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, answers.write_end, STDOUT_FILENO);

    auto words = arguments;
    words.insert(words.begin(), program_invocation_short_name);
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const int failure = posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(questions.read_end);
    close(answers.write_end);
    to_ = questions.write_end;
    from_ = answers.read_end;
    if (failure != 0) {
        pid_ = -1;
        throw std::system_error(failure, std::generic_category(), "cannot start " + name_);
    }
}

child::~child() {
    if (pid_ > 0) {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    close(to_);
    close(from_);
}

void child::tell(const std::string& word) {
    const auto text = word + '\n';
    if (write(to_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        throw std::runtime_error(name_ + " does not listen any more");
}

line child::hear(const std::string& word, steady::time_point deadline) {
    for (;;) {
        for (auto one = heard_.begin(); one != heard_.end(); ++one) {
            if (one->word == "failed") throw std::runtime_error(name_ + ": " + one->text("why"));
            if (one->word != word) continue;
            auto found = *std::move(one);
            heard_.erase(one);
            return found;
        }
        try {
            read_more(deadline);
        } catch (const std::runtime_error& failure) {
            throw std::runtime_error(name_ + " " + failure.what() + " before it said \"" + word + '"');
        }
    }
}

void child::read_more(steady::time_point deadline) {
    const auto rest = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady::now());
    pollfd output{from_, POLLIN, 0};
    const int ready = poll(&output, 1, static_cast<int>(std::max<std::int64_t>(0, rest.count())));
    if (ready < 0 && errno == EINTR) return;
    if (ready <= 0) throw std::runtime_error("let the deadline pass");
    std::array<char, 4096> bytes{};
    const auto count = read(from_, bytes.data(), bytes.size());
    if (count <= 0) throw std::runtime_error("ended");
    unfinished_.append(bytes.data(), static_cast<std::size_t>(count));
    for (auto end = unfinished_.find('\n'); end != std::string::npos; end = unfinished_.find('\n')) {
        heard_.push_back(line::parse(std::string_view(unfinished_).substr(0, end)));
        unfinished_.erase(0, end + 1);
    }
}

void child::terminate() { kill(pid_, SIGTERM); }

int child::wait(steady::time_point deadline) {
    int status = 0;
    while (waitpid(pid_, &status, WNOHANG) == 0) {
        if (steady::now() > deadline) throw std::runtime_error(name_ + " does not end");
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
