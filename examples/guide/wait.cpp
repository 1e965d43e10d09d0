// A write that two nodes hold before the call returns, and the options of a mesh without broadcast. One
// process and loopback, so that it runs anywhere. Between the marks: GUIDE.md's blocks.

#include <baton/node.hpp>

#include <iostream>
#include <random>
#include <string>

using namespace std::chrono_literals;

// [readme]
/// Stashes a session and waits until a second node holds it; false if none does after 35 s.
bool stash_safely(baton::node& node, const std::string& session, const std::string& value) {
    const auto two = baton::ack_level::copies(2); // this node included
    const auto put = node.stash(session, value, {.ack = two, .within = 5s});
    if (!put) return false; // nothing is written: put.error() says why
    if (put->met) return true;
    const auto later = node.confirm(put->written, two, 30s); // it is written, and goes on spreading
    return later && later->met;
}
// [/readme]

// [readme]
baton::options without_broadcast() {
    auto settings = baton::options::lan();
    settings.beacon.enabled = false;
    settings.port = 5670;                    // so that others know where to find this node
    settings.seeds = {"node1.example:5670"}; // a member, or a name with the addresses of several
    return settings;
}
// [/readme]

int main() {
    auto settings = baton::options::loopback();
    settings.cluster =
        "guide-" + std::to_string(std::random_device{}()); // meets no other run of this program
    auto east = baton::node::start(settings), west = baton::node::start(settings);
    if (!east || !west || !stash_safely(*east, "session/1", "round 41")) return 1;
    if (west->pickup("session/1")->value != "round 41") return 1;
    std::cout << "both have it; " << without_broadcast().seeds.front() << " is a seed\n";
}
