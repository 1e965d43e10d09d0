// Proves that a knock reports whether a port is listening at an address, as the kernel tells it, and leaves
// no descriptor.
#include "shell/knocker.hpp"
#include "support/catch.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <filesystem>
#include <string>

using namespace std::chrono_literals;
using namespace baton::shell;
using baton::core::knock_outcome;

namespace {

baton::crdt::instant now() {
    return baton::crdt::instant{std::chrono::steady_clock::now().time_since_epoch()};
}

std::size_t descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd"), end;
    return static_cast<std::size_t>(std::distance(all, end));
}

/// A port on 127.0.0.1. While it does not listen, it reserves its number and refuses connections.
struct port {
    descriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::string endpoint;

    explicit port(bool listens) {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&at), size) == 0);
        REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
        if (listens) REQUIRE(::listen(socket.get(), 1) == 0);
        endpoint = "tcp://127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    }
};

knock_outcome outcome_of(const std::string& endpoint) {
    poller sources;
    knocker knocks(7);
    knocks.knock({{}, endpoint}, sources, now());
    for (;;) {
        const auto all = knocks.collect(sources, now());
        if (!all.empty()) {
            REQUIRE(all.size() == 1);
            CHECK(all.front().endpoint == endpoint);
            CHECK(knocks.due() == baton::crdt::instant::max());
            return all.front().how;
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(knocks.due() - now());
        sources.wait(std::max(left, 0ms));
    }
}

} // namespace

TEST_CASE("knock: who listens is there, who does not refuses, and what is no address is silent") {
    const port listens(true), refuses(false);
    const auto before = descriptors();
    CHECK(outcome_of(listens.endpoint) == knock_outcome::open);
    CHECK(outcome_of(refuses.endpoint) == knock_outcome::refused);
    CHECK(outcome_of("tcp://localhost:1") == knock_outcome::silent); // names are not looked up
    CHECK(outcome_of("tcp://[fe80::1]:1") == knock_outcome::silent);
    CHECK(descriptors() == before);
}

TEST_CASE("knock: many at a time are bounded") {
    const port listens(true);
    poller sources;
    knocker knocks(7);
    for (std::size_t i = 0; i < 100; ++i) knocks.knock({{}, listens.endpoint}, sources, now());
    std::size_t answered = 0, open = 0;
    for (const auto until = now() + 3s; answered < 100 && now() < until;) {
        for (const auto& each : knocks.collect(sources, now())) {
            ++answered;
            open += each.how == knock_outcome::open ? 1 : 0;
        }
        if (answered < 100) sources.wait(10ms);
    }
    CHECK(answered == 100);
    CHECK(open != 0);
}
