// Nodes that find each other without broadcast, as in clouds and most container networks: each is given the
// address of one other, a seed, and learns the rest from it.
//
// Run it in three terminals; the first prints its address, which the others are given:
//     seeds ada
//     seeds bob 127.0.0.1:37123
//     seeds eve 127.0.0.1:37123      meets bob, too
// ^C ends one. Each prints
//     ada is at tcp://127.0.0.1:37123
//     joined bob

#include <baton/signals.hpp>

#include <iostream>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
    auto stop = baton::stop_signals::block();   // before the program's first thread
    auto settings = baton::options::loopback(); // on a network: baton::options::lan()
    settings.beacon.enabled = false;            // nothing is broadcast, nothing is heard
    settings.cluster = "seeds";
    if (argc > 1) settings.name = argv[1];
    // Each may be HOST:PORT, a name with several addresses, or a service (SRV). In production every node has
    // the same list and a fixed `settings.port`: a node skips itself.
    for (int i = 2; i < argc; ++i) settings.seeds.emplace_back(argv[i]);
    auto node = baton::node::start(settings);
    if (!stop || !node) {
        std::cerr << (stop ? node.error() : stop.error()).what << '\n'; // a seed that is none, for example
        return 1;
    }
    std::cout << node->name() << " is at " << node->endpoint() << std::endl;

    while (!stop->stopping()) {
        const auto happened = node->next_event(100ms);
        if (happened) std::cout << to_string(happened->kind) << ' ' << happened->name << std::endl;
    }
    const auto report = baton::leave_on_signal(*node, *stop);
    return report && report->outcome == baton::leave_outcome::safe ? 0 : 1;
}
