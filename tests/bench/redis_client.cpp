// The client's side of RESP2: requests as arrays of bulk strings, replies read as they come.
#include "redis_client.hpp"

#include "measure.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <stdexcept>

namespace baton::bench {

namespace {

constexpr std::uint64_t batch = 1'000;

void append(std::string& out, std::string_view word) {
    out += '$';
    out += std::to_string(word.size());
    out += "\r\n";
    out += word;
    out += "\r\n";
}

} // namespace

redis_client::redis_client(std::uint16_t port)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    for (int tries = 0; ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0; ++tries) {
        if (tries == 500) {
            close(fd_);
            throw std::runtime_error("redis-server does not answer on port " + std::to_string(port));
        }
        sleep_for_us(10'000);
    }
    const int yes = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    const timeval patience{60, 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

redis_client::~redis_client() { close(fd_); }

void redis_client::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) throw std::runtime_error("redis-server: send failed");
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

void redis_client::fill() {
    in_.erase(0, at_);
    at_ = 0;
    char bytes[65536];
    const auto n = recv(fd_, bytes, sizeof bytes, 0);
    if (n <= 0) throw std::runtime_error("redis-server: no reply");
    in_.append(bytes, static_cast<std::size_t>(n));
}

/// The next line without its end; valid until the next call.
std::string_view redis_client::line() {
    auto end = in_.find("\r\n", at_);
    for (; end == std::string::npos; end = in_.find("\r\n", at_)) fill();
    const auto found = std::string_view{in_}.substr(at_, end - at_);
    at_ = end + 2;
    return found;
}

std::string redis_client::reply() {
    const auto head = std::string{line()};
    if (head[0] == '-') return head;
    if (head[0] == '*') { // a message to a subscriber, or the answer to its subscription
        std::string last;
        for (auto parts = std::stol(head.substr(1)); parts > 0; --parts) last = reply();
        return last;
    }
    if (head[0] != '$') return head.substr(1);
    const auto size = std::stol(head.substr(1));
    if (size < 0) return {};
    while (in_.size() - at_ < static_cast<std::size_t>(size) + 2) fill();
    auto body = in_.substr(at_, static_cast<std::size_t>(size));
    at_ += static_cast<std::size_t>(size) + 2;
    return body;
}

std::string redis_client::ask(std::initializer_list<std::string_view> words) {
    std::string out{'*'};
    out += std::to_string(words.size());
    out += "\r\n";
    for (const auto word : words) append(out, word);
    send(out);
    return reply();
}

void redis_client::load(std::uint64_t count) {
    payload data;
    std::string out;
    std::uint64_t sent = 0, answered = 0;
    while (answered < count) {
        out.clear();
        for (const auto end = std::min(sent + batch, count); sent < end; ++sent) {
            out += "*3\r\n$3\r\nSET\r\n";
            append(out, data.key(sent));
            append(out, data.value(sent));
        }
        send(out);
        const auto until = sent == count ? count : sent - std::min(sent, batch);
        for (; answered < until; ++answered) {
            if (const auto said = line(); said != "+OK")
                throw std::runtime_error("SET: " + std::string{said});
        }
    }
}

std::uint64_t redis_client::keys() {
    const auto said = ask({"DBSIZE"});
    return said[0] == '-' ? 0 : std::stoull(said);
}

} // namespace baton::bench
