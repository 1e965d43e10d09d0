// The C++ half of a handoff between languages: an arcade game that is about to be replaced by the one in
// Python. It stores its state, prints where it can be joined, and leaves as soon as the successor holds all.

#include <baton/typed.hpp>

#include <iostream>

using namespace std::chrono_literals;

struct game {
    int round = 0;
    std::string map;
    std::vector<std::string> players;
    MSGPACK_DEFINE(round, map, players)
};

int main(int count, char** arguments) {
    auto settings = baton::options::loopback();
    settings.cluster = count > 1 ? arguments[1] : "arcade";
    settings.name = "old game";
    settings.beacon.enabled = false; // the successor gets the address below
    auto node = baton::node::start(settings);
    if (!node) {
        std::cerr << node.error().what << '\n';
        return 1;
    }
    const game state{41, "dust", {"Ada", "Grace"}};
    if (!baton::stash(*node, "game/state", state) || !node->add("game/rounds played", 41)) return 1;
    std::cout << node->endpoint() << std::endl;

    const auto report = node->leave({.within = 1min, .copies = 1}); // waits for the successor
    if (report) std::cout << "left: " << to_string(report->outcome) << std::endl;
    return report && report->outcome == baton::leave_outcome::safe ? 0 : 1;
}
