// Two servers and a session that must run on one of them at a time: by a claim. One process and loopback, so
// that it runs anywhere. Between the marks: GUIDE.md's block.

#include <baton/node.hpp>

#include <iostream>
#include <random>
#include <string>
#include <thread>

using namespace std::chrono_literals;

// [readme]
/// Plays `rounds` rounds of a session that this node owns; false if another node owns it or has taken it
/// over.
bool play(baton::node& node, const std::string& session, int rounds) {
    auto mine = node.claim(session, {.within = 5s, .lease = 10s, .if_free = true});
    if (!mine) return false; // mine.error(): conflict (another node owns it), absent (no such session), …
    int round = std::stoi(mine->taken_over().value);
    while (rounds > 0) {
        if (mine->lost()) return false; // another node goes on from our last commit
        if (mine->tentative()) {        // another node may own it, too: do nothing until that is settled
            std::this_thread::sleep_for(10ms);
            continue;
        }
        if (!mine->commit(std::to_string(++round))) return false; // errc::claim_lost
        --rounds;
    }
    return true; // the handle releases the session
}
// [/readme]

int main() {
    auto settings = baton::options::loopback();
    settings.cluster =
        "guide-" + std::to_string(std::random_device{}()); // meets no other run of this program
    auto east = baton::node::start(settings), west = baton::node::start(settings);
    if (!east || !west || !east->wait_synced(10s) || !west->wait_synced(10s)) return 1;
    if (!east->stash("session/1", "0", {.ack = baton::ack_level::all_up()})) return 1;

    auto held = east->claim("session/1");
    if (!held || !held->commit("1")) return 1;
    for (int wait = 0; wait < 1000 && !west->pickup("session/1")->owner(); ++wait)
        std::this_thread::sleep_for(10ms);
    if (play(*west, "session/1", 1)) return 1; // east owns it
    if (!held->release()) return 1;
    for (int wait = 0; wait < 1000 && west->pickup("session/1")->owner(); ++wait)
        std::this_thread::sleep_for(10ms);
    if (!play(*west, "session/1", 3)) return 1;
    std::cout << "round " << west->pickup("session/1")->value << '\n';
    return west->pickup("session/1")->value == "4" ? 0 : 1;
}
