// mesh: the environment of one test case: a cluster name and a beacon port of its own, on loopback alone, so
// that tests that run at the same time do not meet.
#pragma once

#include "process.hpp"

#include <baton/node.hpp>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <atomic>
#include <random>
#include <vector>

namespace io {

/// A bound socket of 127.0.0.1, closed with its object.
class socket_holder {
  public:
    explicit socket_holder(int type, std::uint16_t port = 0)
        : fd_(socket(AF_INET, type | SOCK_CLOEXEC, 0)) {
        const auto address = loopback(port);
        bound_ = bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
        if (bound_ && type == SOCK_STREAM) bound_ = listen(fd_, 16) == 0;
    }
    socket_holder(const socket_holder&) = delete;
    ~socket_holder() { close(fd_); }
    [[nodiscard]] bool bound() const { return bound_; }
    [[nodiscard]] int fd() const { return fd_; }

    static sockaddr_in loopback(std::uint16_t port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return address;
    }

  private:
    int fd_;
    bool bound_ = false;
};

/// A port that is free now, below those that the system gives out by itself. `type` is SOCK_STREAM or
/// SOCK_DGRAM.
inline std::uint16_t free_port(int type) {
    static std::mt19937 random{std::random_device{}()};
    for (;;) {
        const auto port = static_cast<std::uint16_t>(15000 + random() % 17000);
        if (socket_holder{type, port}.bound()) return port;
    }
}

class mesh {
  public:
    mesh()
        : cluster(new_cluster())
        , beacon_port(free_port(SOCK_DGRAM)) {}

    /// The options that make a program one of this mesh.
    [[nodiscard]] std::vector<std::string> belonging() const {
        return {"--host", "127.0.0.1", "--cluster", cluster, "--beacon-port", std::to_string(beacon_port)};
    }
    /// `baton ACTION… --name NAME …`, of this mesh.
    [[nodiscard]] process invoke(std::vector<std::string> words) const {
        const auto more = belonging();
        words.insert(words.end(), more.begin(), more.end());
        return process{words};
    }
    [[nodiscard]] process run(const std::string& name, std::vector<std::string> words = {}) const {
        words.insert(words.begin(), {"run", "--name", name});
        return invoke(std::move(words));
    }
    /// The same for a node in this process.
    [[nodiscard]] baton::options options(const std::string& name) const {
        auto settings = baton::options::loopback();
        settings.name = name;
        settings.cluster = cluster;
        settings.beacon.port = beacon_port;
        settings.destructor_leave_within = 50ms; // the last one of a test has nobody to hand over to
        return settings;
    }

    const std::string cluster;
    const std::uint16_t beacon_port;

  private:
    static std::string new_cluster() {
        static std::atomic<int> count = 0;
        return "io-" + std::to_string(getpid()) + "-" + std::to_string(++count);
    }
};

/// The address at which a running program can be joined, from its first line.
inline std::string started_at(process& program) { return program.event("started").at("endpoint"); }

/// Waits until each sees the other come up.
inline void meet(process& one, const std::string& its_name, process& other, const std::string& other_name) {
    one.event("joined", other_name);
    other.event("joined", its_name);
}

/// What `program` knows about the member of that name; null if nothing.
inline json member_named(process& program, const std::string& name) {
    const auto reply = program("members");
    for (const auto& who : reply.at("members"))
        if (who.at("name") == name) return who;
    return {};
}

/// A datagram to everybody who listens on loopback.
inline void broadcast(const mesh& net, const std::string& bytes) {
    const socket_holder sender{SOCK_DGRAM};
    const int yes = 1;
    setsockopt(sender.fd(), SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes);
    auto everybody = socket_holder::loopback(net.beacon_port);
    everybody.sin_addr.s_addr = htonl(0x7fffffff);
    sendto(sender.fd(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&everybody),
           sizeof everybody);
}

/// Waits until all have the same digest, and gives it.
inline std::string agree(const std::vector<process*>& programs, milliseconds within = 10s) {
    std::vector<json> seen;
    const bool equal = eventually(within, [&] {
        seen.clear();
        for (auto* program : programs) seen.push_back((*program)("digest"));
        return !seen.front().at("digest").is_null() && std::ranges::all_of(seen, [&](const json& one) {
            return one.at("digest") == seen.front().at("digest") && one.at("keys") == seen.front().at("keys");
        });
    });
    if (equal) return seen.front().at("digest");
    std::string text = "no equal digests in time:";
    for (const auto& one : seen) text += "\n  " + one.dump();
    throw std::runtime_error(text);
}

} // namespace io
