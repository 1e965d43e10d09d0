// A node that logs through the program's own spdlog logger: one line an event, words of the form key=value,
// at the level and in the pattern of the program. Without `settings.log` a node logs nothing.
//
// Run it: spdlog. It starts a node and ends it, and prints
//     12:03:11 [info] [baton] event=started name=ada id=… endpoint=tcp://127.0.0.1:… cluster=spdlog-…
//     12:03:11 [warning] [baton] event=open_mesh reason="no key: …"

#include <baton/node.hpp>
#include <baton/spdlog.hpp>

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <iostream>
#include <random>

using namespace std::chrono_literals;

int main() {
    // The node calls the logger on its I/O thread, which must not block: an asynchronous logger that drops
    // the oldest lines does not, however slow its sink is.
    spdlog::init_thread_pool(1024, 1);
    auto logger = std::make_shared<spdlog::async_logger>(
        "baton", std::make_shared<spdlog::sinks::stdout_color_sink_mt>(), spdlog::thread_pool(),
        spdlog::async_overflow_policy::overrun_oldest);
    logger->set_pattern("%H:%M:%S [%l] [%n] %v");
    logger->set_level(spdlog::level::info); // debug: each session and each dial, too

    auto settings = baton::options::loopback();
    settings.name = "ada";
    settings.cluster = "spdlog-" + std::to_string(std::random_device{}()); // meets nobody else's example
    settings.log = baton::spdlog_sink(logger);
    auto node = baton::node::start(settings);
    if (!node) {
        logger->error(node.error().what);
        spdlog::shutdown();
        return 1;
    }
    const bool stashed = node->stash("note", "logged").has_value();
    const auto report = node->leave({.within = 1s, .nobody_stays = true});
    logger->info("left: {}", report ? std::string(to_string(report->outcome)) : report.error().what);
    spdlog::shutdown(); // writes what waits
    return stashed && report ? 0 : 1;
}
