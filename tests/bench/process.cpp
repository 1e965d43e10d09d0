// Forking, pipes, and ending what was started.
#include "process.hpp"

#include "measure.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <system_error>

namespace baton::bench {

namespace {

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

void write_line(int fd, const json& line) {
    const auto text = line.dump() + "\n";
    for (std::size_t at = 0; at < text.size();) {
        const auto n = write(fd, text.data() + at, text.size() - at);
        if (n < 0 && errno != EINTR) fail("control pipe");
        if (n > 0) at += static_cast<std::size_t>(n);
    }
}

} // namespace

process::process(const std::vector<std::string>& argv, int in, int out) {
    std::vector<char*> arguments;
    for (const auto& a : argv) arguments.push_back(const_cast<char*>(a.c_str()));
    arguments.push_back(nullptr);
    const auto self = getpid();
    pid_ = fork();
    if (pid_ < 0) fail("fork");
    if (pid_ > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = open("/dev/null", O_RDWR);
    dup2(in < 0 ? null : in, STDIN_FILENO);
    dup2(out < 0 ? null : out, STDOUT_FILENO);
    if (getppid() == self) execvp(arguments[0], arguments.data());
    _exit(127);
}

process::~process() {
    if (pid_ < 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
}

bool process::ended(std::chrono::milliseconds within) {
    const auto deadline = now_ns() + std::chrono::nanoseconds{within}.count();
    while (pid_ >= 0 && waitpid(pid_, nullptr, WNOHANG) == 0) {
        if (now_ns() > deadline) return false;
        sleep_for_us(500);
    }
    pid_ = -1;
    return true;
}

child::child(const std::string& role, const json& settings)
    : role_(role) {
    int down[2], up[2];
    if (pipe2(down, O_CLOEXEC) != 0 || pipe2(up, O_CLOEXEC) != 0) fail("pipe");
    program_ =
        std::make_unique<process>(std::vector<std::string>{"/proc/self/exe", "--role", role}, down[0], up[1]);
    close(down[0]);
    close(up[1]);
    to_ = down[1];
    from_ = up[0];
    tell(settings);
}

child::~child() {
    program_.reset();
    if (to_ >= 0) close(to_);
    close(from_);
}

void child::tell(const json& line) { write_line(to_, line); }

json child::hear(std::chrono::seconds within) {
    const auto deadline = now_ns() + std::chrono::nanoseconds{within}.count();
    for (auto end = unread_.find('\n'); end == std::string::npos;) {
        const auto left_ms = (deadline - now_ns()) / 1'000'000;
        pollfd ready{from_, POLLIN, 0};
        if (left_ms <= 0 || poll(&ready, 1, static_cast<int>(left_ms)) == 0) {
            throw std::runtime_error(role_ + " said nothing for " + std::to_string(within.count()) + " s");
        }
        char bytes[65536];
        const auto n = read(from_, bytes, sizeof bytes);
        if (n == 0) throw std::runtime_error(role_ + " ended unexpectedly");
        if (n < 0 && errno != EINTR) fail("control pipe");
        if (n > 0) unread_.append(bytes, static_cast<std::size_t>(n));
        end = unread_.find('\n');
    }
    const auto end = unread_.find('\n');
    auto line = json::parse(unread_.substr(0, end));
    unread_.erase(0, end + 1);
    if (line.contains("error")) throw std::runtime_error(role_ + ": " + line["error"].get<std::string>());
    return line;
}

void child::finish() {
    close(to_);
    to_ = -1;
    program_->ended(std::chrono::seconds{5});
}

void parent::tell(const json& line) { write_line(STDOUT_FILENO, line); }

json parent::hear() {
    std::string line;
    if (!std::getline(std::cin, line)) std::_Exit(0);
    return json::parse(line);
}

temporary_directory::temporary_directory() {
    auto name = (std::filesystem::temp_directory_path() / "baton-bench-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) fail("temporary directory");
    path_ = name;
}

temporary_directory::~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::uint16_t free_port(int type) {
    const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (fd < 0 || bind(fd, generic, size) != 0 || getsockname(fd, generic, &size) != 0) fail("free port");
    close(fd);
    return ntohs(address.sin_port);
}

} // namespace baton::bench
