// A client of a mesh: it writes, and owns a key for a while. Two nodes and two clients in one process on
// loopback, so that it runs anywhere. Between the marks: GUIDE.md's block.

#include <baton/client.hpp>
#include <baton/node.hpp>

#include <iostream>
#include <random>
#include <string>

using namespace std::chrono_literals;

// [readme]
/// Lets a player in; false if it is not certain that two members know of it.
bool enter(baton::client& client, const std::string& player) {
    const auto done = client.stash("player/" + player, "new");
    if (done) return done->met;
    if (done.error().code != baton::errc::unknown) return false; // nothing was written
    const auto read = client.pickup("player/" + player);         // the member is gone: has it written?
    if (!read || !read->found()) return false;
    const auto known = client.confirm(read->written, baton::ack_level::copies(2), 5s);
    return known && known->met;
}

/// Deals one hand at a table that no other client serves at the same time.
bool deal(baton::client& client, const std::string& table) {
    auto mine = client.claim(table, {.if_free = true});
    if (!mine) return false; // errc::conflict: it has an owner
    const int hands = std::stoi(mine->taken_over().value);
    return mine->commit(std::to_string(hands + 1)).has_value(); // or errc::claim_lost
}
// [/readme]

int main() {
    auto settings = baton::options::loopback();
    settings.cluster =
        "guide-" + std::to_string(std::random_device{}()); // meets no other run of this program
    auto east = baton::node::start(settings), west = baton::node::start(settings);
    if (!east || !west || !east->wait_synced(10s) || !west->wait_synced(10s)) return 1;
    auto one = baton::client::connect({.cluster = settings.cluster, .seeds = {east->endpoint()}});
    auto two = baton::client::connect({.cluster = settings.cluster, .seeds = {east->endpoint()}});
    if (!one || !two) return 1;
    if (!enter(*one, "ada") || !west->pickup("player/ada")->found()) return 1;
    if (!one->stash("table", "0") || !deal(*one, "table")) return 1;
    auto held = two->claim("table");
    if (!held || deal(*one, "table")) return 1; // it has an owner now
    if (!held->release() || !deal(*two, "table")) return 1;
    std::cout << two->pickup("table")->value << " hands\n";
    return two->pickup("table")->value == "2" ? 0 : 1;
}
