// Many calls at the same time in one thread: calls that return at once, and an event loop that reads their
// ends. One process and loopback, so that it runs anywhere. Between the marks: GUIDE.md's block.

#include <baton/async.hpp>

#include <poll.h>

#include <iostream>
#include <map>
#include <random>
#include <string>

using namespace std::chrono_literals;

// [readme]
/// The values of all keys, as soon as each is there; keys that do not come within 10 s are left out.
std::map<std::string, std::string> wait_for_all(baton::node& node, const std::vector<std::string>& keys) {
    std::map<std::string, std::string> values;
    baton::completion_queue queue;
    baton::async calls(node, queue);
    for (std::size_t i = 0; i < keys.size(); ++i)
        if (!calls.pickup(i, keys[i], {.within = 10s})) return {}; // the tag says which key it was
    const auto fd = queue.fd();
    while (fd && queue.under_way() != 0) {
        pollfd ready{*fd, POLLIN, 0}; // among the other descriptors of an event loop
        if (poll(&ready, 1, -1) < 0) break;
        while (const auto done = queue.next()) { // until none is left
            const auto& got = *done->get<baton::pickup_result>();
            if (got && got->found()) values[keys[done->tag]] = got->value;
        }
    }
    return values;
}
// [/readme]

int main() {
    auto settings = baton::options::loopback();
    settings.cluster =
        "guide-" + std::to_string(std::random_device{}()); // meets no other run of this program
    auto east = baton::node::start(settings), west = baton::node::start(settings);
    if (!east || !west) return 1;
    std::vector<std::string> keys(1000);
    for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = "player/" + std::to_string(i);
    for (const auto& key : keys) // they arrive while the others are waited for
        if (!east->stash(key, "value of " + key)) return 1;
    const auto values = wait_for_all(*west, keys);
    std::cout << values.size() << " of " << keys.size() << '\n';
    return values.size() == keys.size() && values.at("player/7") == "value of player/7" ? 0 : 1;
}
