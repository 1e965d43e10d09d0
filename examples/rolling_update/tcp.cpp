#include "tcp.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace {

int tcp_socket() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "socket");
    return fd;
}

// Answers are small and awaited: none is held back for the sake of larger packets.
void prepare(int fd) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_port = htons(port);
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return here;
}

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

} // namespace

connection::connection(connection&& other) noexcept
    : fd_(std::exchange(other.fd_, -1))
    , received_(std::move(other.received_))
    , unsent_(std::move(other.unsent_)) {}

connection& connection::operator=(connection&& other) noexcept {
    if (this != &other) {
        if (fd_ >= 0) close(fd_);
        fd_ = std::exchange(other.fd_, -1);
        received_ = std::move(other.received_);
        unsent_ = std::move(other.unsent_);
    }
    return *this;
}

connection::~connection() {
    if (fd_ >= 0) close(fd_);
}

std::optional<connection> connection::to(std::string_view address) {
    const std::string text(address.substr(address.rfind(':') + 1));
    const auto there = loopback(static_cast<std::uint16_t>(std::atoi(text.c_str())));
    connection made(tcp_socket());
    if (::connect(made.fd_, reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0)
        return std::nullopt;
    prepare(made.fd_);
    return made;
}

bool connection::receive(std::vector<std::string>& lines) {
    std::array<char, 16384> bytes{};
    const auto count = read(fd_, bytes.data(), bytes.size());
    if (count == 0 || (count < 0 && !would_block())) return false;
    if (count > 0) received_.append(bytes.data(), static_cast<std::size_t>(count));
    std::size_t start = 0;
    for (auto end = received_.find('\n'); end != std::string::npos; end = received_.find('\n', start)) {
        lines.push_back(received_.substr(start, end - start));
        start = end + 1;
    }
    received_.erase(0, start);
    return received_.size() <= line_bytes_max;
}

bool connection::flush() {
    if (unsent_.empty()) return true;
    const auto count = send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (count < 0) return would_block();
    unsent_.erase(0, static_cast<std::size_t>(count));
    return true;
}

listener::listener()
    : fd_(tcp_socket()) {
    auto here = loopback(0);
    socklen_t size = sizeof here;
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&here), size) != 0 || listen(fd_, 64) != 0 ||
        getsockname(fd_, reinterpret_cast<sockaddr*>(&here), &size) != 0)
        throw std::system_error(errno, std::generic_category(), "no TCP port on 127.0.0.1");
    fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
    address_ = "127.0.0.1:" + std::to_string(ntohs(here.sin_port));
}

listener::~listener() { close(fd_); }

std::optional<connection> listener::accept() const {
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return std::nullopt;
    prepare(fd);
    return connection(fd);
}
