#include "redis.hpp"

#include "measure.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
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

/// No persistence; a full resync goes over the socket at once, is read from it, and is not compressed: the
/// fastest at 1 M keys of the settings tried.
std::vector<std::string> command(std::uint16_t port, const std::filesystem::path& directory) {
    std::vector<std::string> argv{"redis-server", "--dir", directory.string(), "--port",
                                  std::to_string(port)};
    const std::initializer_list<std::pair<const char*, const char*>> options{
        {"--bind", "127.0.0.1"},
        {"--daemonize", "no"},
        {"--save", ""},
        {"--appendonly", "no"},
        {"--repl-diskless-sync", "yes"},
        {"--repl-diskless-sync-delay", "0"},
        {"--rdbcompression", "no"},
        {"--repl-diskless-load", "on-empty-db"},
    };
    for (const auto& [name, value] : options) argv.insert(argv.end(), {name, value});
    return argv;
}

} // namespace

std::optional<std::string> redis_name() {
    static const std::string banner = [] {
        std::string text(256, '\0');
        auto* pipe = popen("redis-server --version 2>/dev/null", "r");
        if (pipe == nullptr) return std::string{};
        text.resize(fread(text.data(), 1, text.size(), pipe));
        pclose(pipe);
        return text;
    }();
    const auto at = banner.find("v=");
    if (at == std::string::npos) return std::nullopt;
    return "Redis " + banner.substr(at + 2, banner.find(' ', at) - at - 2);
}

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

redis_server::redis_server()
    : port_(free_port(SOCK_STREAM))
    , program_(command(port_, directory_.path()), -1, -1)
    , control_(port_) {
    if (control_->ask({"PING"}) != "PONG") throw std::runtime_error("redis-server does not answer PING");
}

void redis_server::follow(const redis_server& master) {
    const auto said = control_->ask({"REPLICAOF", "127.0.0.1", std::to_string(master.port_)});
    if (said != "OK") throw std::runtime_error("REPLICAOF: " + said);
}

void redis_server::await_replica(std::uint64_t keys) {
    for (const auto deadline = now_ns() + 120'000'000'000; now_ns() < deadline; sleep_for_us(500)) {
        if (control_->keys() != keys) continue;
        if (control_->ask({"INFO", "replication"}).find("master_link_status:up") != std::string::npos) return;
    }
    throw std::runtime_error("Redis replica not in sync within 120 s");
}

void redis_server::await_stream() {
    const auto followed = [&] { return control_->ask({"WAIT", "1", "30000"}) == "1"; };
    const bool put = control_->ask({"SET", "warm", "up"}) == "OK" && followed();
    const bool dropped = control_->ask({"DEL", "warm"}) == "1" && followed();
    if (!put || !dropped) throw std::runtime_error("Redis replica does not follow its master");
}

} // namespace baton::bench
