// A mesh that is stopped as a whole and comes back: the last node writes the state to a file, a spill, when
// it leaves, and a node that starts with the same folder reads it.
//
// Run it twice with the same folder: spill /tmp/my-spills. The first run prints
//     a new game, round 1
//     left: spilled, in /tmp/my-spills/baton-….spill
// and the second one
//     round 2, as the file says

#include <baton/node.hpp>

#include <iostream>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
    auto settings = baton::options::loopback();
    settings.cluster = argc > 2 ? argv[2] : "spill";
    settings.spill_dir = argc > 1 ? argv[1] : "/tmp/my-spills"; // only this user's: mode 0700
    settings.alone_after = 300ms;                               // how long to look for others; default: 5 s
    auto node = baton::node::start(settings);
    if (!node) {
        std::cerr << node.error().what << '\n'; // e.g. the folder cannot be written
        return 1;
    }

    // `known` waits for the value, or for the certainty that neither a node nor a file has one.
    const auto got = node->pickup("game/round", {.within = 10s, .until = baton::pickup_until::known});
    if (!got) return 1;
    int round = 0;
    if (got->found()) {
        round = std::stoi(got->value);
        std::cout << "round " << round + 1 << ", as the file says" << std::endl;
    } else if (got->outcome == baton::pickup_outcome::absent_confirmed) {
        std::cout << "a new game, round 1" << std::endl;
    } else {
        std::cerr << "another node may have the game: not starting a second one\n";
        return 1;
    }
    if (!node->stash("game/round", std::to_string(round + 1))) return 1;

    // Nobody stays, so nobody is waited for. A service leaves on SIGTERM: see ../service.
    const auto report = node->leave({.nobody_stays = true});
    if (!report) return 1;
    std::cout << "left: " << to_string(report->outcome);
    if (report->path) std::cout << ", in " << *report->path;
    std::cout << std::endl;
    return report->outcome == baton::leave_outcome::spilled || report->outcome == baton::leave_outcome::safe
               ? 0
               : 3;
}
