// Two game servers share a score board: a counter, a set, a map of structs and a flag that both write at the
// same time, and that read the same on both a moment later. One process and loopback, so that it runs
// anywhere; on a network each node is a process of its own.

#include <baton/typed.hpp>

#include <iostream>
#include <random>
#include <thread>

using namespace std::chrono_literals;

struct player {
    std::string name;
    int score = 0;
    MSGPACK_DEFINE(name, score)
};

// The same in the next release, which runs beside the old one during an update: what is new is appended and
// has a default, and payload_version stays as it is. Both programs read both forms.
namespace next_release {
struct player {
    std::string name;
    int score = 0;
    std::string team = "none";
    MSGPACK_DEFINE(name, score, team)
};
} // namespace next_release

int main() {
    auto settings = baton::options::loopback();
    settings.cluster = "arcade-" + std::to_string(std::random_device{}()); // meets nobody else's example
    settings.name = "east";
    auto east = baton::node::start(settings);
    settings.name = "west";
    auto west = baton::node::start(settings);
    if (!east || !west) {
        std::cerr << (east ? west : east).error().what << '\n'; // e.g. no sockets to be had
        return 1;
    }
    if (!east->wait_synced(10s) || !west->wait_synced(10s)) return 1; // they have found each other

    bool stored = true;
    for (auto* server : {&*east, &*west}) { // neither waits for the other, and nothing gets lost
        baton::counter rounds{*server, "board/rounds"};
        baton::set online{*server, "board/online"};
        baton::map<player> players{*server, "board/players"};
        for (int round = 0; round < 100; ++round) stored = stored && rounds.add();
        stored = stored && online.insert("player of " + server->name());
        stored = stored && players.set(server->name(), {"Ada of " + server->name(), 41});
        stored = stored && baton::flag{*server, "board/open"}.enable();
    }
    // A key holds one type of value. What is refused has an error that says why.
    if (const auto refused = west->stash("board/rounds", "text"); !refused)
        std::cout << "refused: " << refused.error().what << '\n';

    for (int wait = 0; wait < 5000 && east->digest() != west->digest(); ++wait)
        std::this_thread::sleep_for(1ms);
    const auto total = baton::counter{*west, "board/rounds"}.value();
    const auto online = baton::set{*west, "board/online"}.elements();
    const auto ada = baton::map<player>{*west, "board/players"}.get("east");
    const auto open = baton::flag{*west, "board/open"}.enabled();
    if (!stored || !total || *total != 200 || !online || !ada || !*ada || !open) return 1;

    baton::map<next_release::player> updated{*west, "board/players"}; // west has been updated, east has not
    const auto old_form = updated.get("east");
    if (!old_form || !*old_form || (*old_form)->team != "none") return 1;
    if (!updated.set("west", {"Bob of west", 42, "red"})) return 1;
    for (int wait = 0; wait < 5000 && east->digest() != west->digest(); ++wait)
        std::this_thread::sleep_for(1ms);
    const auto new_form = baton::map<player>{*east, "board/players"}.get("west");
    if (!new_form || !*new_form || (*new_form)->score != 42) return 1;
    std::cout << "east reads of west's record: " << (*new_form)->name << ", " << (*new_form)->score << '\n';
    std::cout << "rounds: " << *total << '\n';
    for (const auto& who : *online) std::cout << "online: " << who << '\n';
    std::cout << "east's record: " << (*ada)->name << ", " << (*ada)->score << '\n';
    std::cout << (*open ? "open" : "closed") << '\n';
}
