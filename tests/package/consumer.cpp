// A program outside the project: it starts a node on loopback, stashes and picks up typed and untyped values,
// and logs with its own logger. Proves that the installed package compiles, links and runs.
#include <baton/spdlog.hpp>
#include <baton/typed.hpp>

#include <spdlog/sinks/stdout_sinks.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

struct game {
    std::string world;
    int round = 0;
    MSGPACK_DEFINE(world, round)
};

struct later_game {
    std::string world;
    MSGPACK_DEFINE(world)
};
template <>
inline constexpr std::uint32_t baton::payload_version<later_game> = 2;

void require(bool holds, const std::string& what) {
    if (holds) return;
    std::cerr << "failed: " << what << '\n';
    std::exit(1);
}

int main() {
    auto settings = baton::options::loopback();
    settings.cluster = "package-test";
    settings.beacon.enabled = false;
    settings.log = baton::spdlog_sink(spdlog::stderr_logger_mt("baton"));
    auto node = baton::node::start(settings);
    require(node.has_value(), node ? "" : node.error().what);

    require(node->stash("key", "value").has_value(), "stash");
    const auto picked = node->pickup("key");
    require(picked && picked->found() && picked->value == "value", "pickup");

    require(baton::stash(*node, "game", game{"harbour", 41}).has_value(), "typed stash");
    const auto same = baton::pickup<game>(*node, "game");
    require(same && *same && (*same)->world == "harbour" && (*same)->round == 41, "typed pickup");

    const auto later = baton::pickup<later_game>(*node, "game");
    require(!later && later.error().code == baton::errc::not_readable, "another payload version is refused");
    const auto untyped = baton::pickup<game>(*node, "key");
    require(!untyped && untyped.error().code == baton::errc::not_readable, "an untyped value is refused");
    const auto absent = baton::pickup<game>(*node, "no such key");
    require(absent && !*absent, "an absent key is no error");

    require(node->leave({.within = std::chrono::milliseconds{200}}).has_value(), "leave");
    std::cout << later.error().what << '\n';
}
