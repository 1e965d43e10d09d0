// two_node_handoff: a running game moves from a process that is being stopped into another one, with nothing
// lost.
//
// Started by a person it is the director (director.hpp), which starts this program again as the players
// (player.hpp):
//     two_node_handoff [-v]
//     two_node_handoff --play start|take_over|visit NAME CLUSTER BEACON_PORT [-v]
#include "director.hpp"
#include "player.hpp"

#include <sys/prctl.h>

#include <csignal>
#include <iostream>
#include <map>
#include <string>
#include <vector>

int main(int count, char** values) {
    std::vector<std::string> arguments(values + 1, values + count);
    const bool verbose = !arguments.empty() && arguments.back() == "-v";
    if (verbose) arguments.pop_back();
    if (arguments.empty()) return run_director(verbose);

    const std::map<std::string, part> parts{
        {"start", part::start}, {"take_over", part::take_over}, {"visit", part::visit}};
    if (arguments.size() == 5 && arguments[0] == "--play" && parts.contains(arguments[1])) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); // whatever becomes of the director, no player is left behind
        return run_player(parts.at(arguments[1]),
                          {.name = arguments[2],
                           .cluster = arguments[3],
                           .beacon_port = static_cast<std::uint16_t>(std::atoi(arguments[4].c_str())),
                           .verbose = verbose});
    }
    std::cerr << "usage: two_node_handoff [-v]\n";
    return 2;
}
