// The smallest program with a node in it. Between the marks: the README's snippet (a test compares the two).

// [readme]
#include <baton/node.hpp>

#include <iostream>

int main() {
    auto settings = baton::options::loopback(); // this machine only; lan(): the network
    settings.cluster = "harbour";               // nodes with this name form one mesh
    auto node = baton::node::start(settings);
    if (!node) {
        std::cerr << node.error().what << '\n'; // e.g. the port is in use
        return 1;
    }

    auto put = node->stash("session/ABYZ", "round 41"); // visible here at once, soon on the others
    if (!put) std::cerr << put.error().what << '\n';
    auto got = node->pickup("session/ABYZ"); // on this node or on any other
    if (got && got->found()) std::cout << got->value << '\n';

    auto report = node->leave({.within = std::chrono::seconds{1}}); // safe: another node has it all
    if (report) std::cout << "left: " << to_string(report->outcome) << '\n';
}
// [/readme]
