// A server and its successor: the successor starts from what the predecessor left, and from an empty state
// only if it is certain that nobody has one. One process and loopback, so that it runs anywhere. Between the
// marks: GUIDE.md's block.

#include <baton/node.hpp>

#include <iostream>
#include <optional>
#include <random>
#include <string>

using namespace std::chrono_literals;

// [readme]
/// The state to start from; nullopt if it is not known yet whether there is one.
std::optional<std::string> state_to_start_from(const baton::node& node) {
    const auto got = node.pickup("game/state", {.within = 10s, .until = baton::pickup_until::known});
    if (!got) return std::nullopt;
    switch (got->outcome) {
    case baton::pickup_outcome::found:
        return got->value;
    case baton::pickup_outcome::absent_confirmed:
        return "a new game";
    case baton::pickup_outcome::pending_handoff: // the value is still on its way after 10 s: ask again
    case baton::pickup_outcome::absent_unsynced: // `who` names the nodes that may have it
        break;
    }
    return std::nullopt;
}
// [/readme]

int main() {
    auto settings = baton::options::loopback();
    settings.cluster =
        "guide-" + std::to_string(std::random_device{}()); // meets no other run of this program
    settings.founding = true;                              // the first node of a new mesh has nobody to ask
    auto server = baton::node::start(settings);
    if (!server || state_to_start_from(*server) != "a new game") return 1;
    if (!server->stash("game/state", "round 41")) return 1;

    settings.founding = false;
    auto successor = baton::node::start(settings);
    if (!successor) return 1;
    const auto state = state_to_start_from(*successor);
    const auto report = server->leave();
    if (state != "round 41" || !report || report->outcome == baton::leave_outcome::unsafe) return 1;
    std::cout << "goes on from " << *state << '\n';
}
