// rolling_update: five servers with a thousand sessions are replaced one after another, twice, while clients
// play on; nothing that was acknowledged is lost, and no session ever has two owners.
//
// Started by a person it is the director (director.hpp), which starts this program again as the servers
// (server.hpp) and the clients (client.hpp):
//     rolling_update [-v] [--sessions N] [--rate N]
//     rolling_update --serve NAME CLUSTER BEACON_PORT [-v]
//     rolling_update --play PLAYER SESSIONS RATE ADDRESS
#include "client.hpp"
#include "director.hpp"
#include "server.hpp"
#include "timing.hpp"

#include <sys/prctl.h>

#include <csignal>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

namespace {

int usage() {
    std::cerr << "usage: rolling_update [-v] [--sessions N] [--rate N]\n"
                 "  -v            the nodes' logs on stderr\n"
                 "  --sessions N  how many sessions there are (1000)\n"
                 "  --rate N      requests a second of each of the two clients (2000)\n";
    return 2;
}

} // namespace

int main(int count, char** values) try {
    std::vector<std::string> arguments(values + 1, values + count);
    const bool verbose = !arguments.empty() && arguments.back() == "-v";
    if (verbose) arguments.pop_back();
    const auto is = [&](const char* role, std::size_t size) {
        return arguments.size() == size && arguments[0] == role;
    };
    if (is("--serve", 4) || is("--play", 5))
        prctl(PR_SET_PDEATHSIG, SIGKILL); // whatever becomes of the director, nobody is left behind
    if (is("--serve", 4))
        return run_server({.name = arguments[1],
                           .cluster = arguments[2],
                           .beacon_port = static_cast<std::uint16_t>(std::stoul(arguments[3])),
                           .verbose = verbose});
    if (is("--play", 5))
        return run_client({.player = std::stoul(arguments[1]),
                           .sessions = std::stoul(arguments[2]),
                           .rate = std::stoul(arguments[3]),
                           .server = arguments[4]});

    // A fifth of it where everything is slow.
    director_settings settings{.sessions = 1000, .rate = 2000, .verbose = verbose};
    if (slowdown() > 1) settings = {.sessions = 200, .rate = 400, .verbose = verbose};
    for (std::size_t i = 0; i < arguments.size(); i += 2) {
        if (i + 1 == arguments.size()) return usage();
        if (arguments[i] == "--sessions")
            settings.sessions = std::stoul(arguments[i + 1]);
        else if (arguments[i] == "--rate")
            settings.rate = std::stoul(arguments[i + 1]);
        else
            return usage();
    }
    if (settings.sessions == 0 || settings.sessions > 100'000 || settings.rate == 0) return usage();
    return run_director(settings);
} catch (const std::exception&) { // not a number
    return usage();
}
