// Starting Redis servers and bringing them together.
#include "redis.hpp"

#include "measure.hpp"

#include <sys/socket.h>

#include <cstdio>
#include <stdexcept>

namespace baton::bench {

namespace {

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

redis_pair::redis_pair() {
    replica.follow(master);
    replica.await_replica(0);
    master.await_stream();
}

} // namespace baton::bench
