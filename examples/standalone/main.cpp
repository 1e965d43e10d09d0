// Sells tickets: each run takes the next number of a counter that all running copies share.
//
// Run it: ticket_counter [CLUSTER]. It prints
//     sold ticket 1

#include <baton/node.hpp>

#include <iostream>

int main(int argc, char** argv) {
    auto settings = baton::options::loopback(); // this machine only; lan(): the network
    settings.cluster = argc > 1 ? argv[1] : "tickets";
    auto node = baton::node::start(settings);
    if (!node) {
        std::cerr << node.error().what << '\n';
        return 1;
    }
    if (!node->add("tickets sold")) return 1;
    const auto sold = node->count("tickets sold"); // an optional: nullopt if there is no such counter
    if (!sold || !*sold) return 1;
    std::cout << "sold ticket " << **sold << '\n';
    return node->leave({.nobody_stays = true}) ? 0 : 1; // members that stay get the count all the same
}
