// Workers share out shards: each takes what is free, works on it, and goes on from where the last owner has
// stopped. Ownership moves by itself when a worker ends or crashes; no work is lost and none is done twice.
//
// Run it in two terminals:
//     claim_free ada 8       the name of the worker, and how many shards there are
//     claim_free bob 8
// End one with ^C, and the other takes over its shards. Each prints
//     ada owns shard/3, at step 41
//     ada did 287 steps; the shards are at 570 in all
// The steps of all workers add up to what the shards are at.

#include <baton/signals.hpp>

#include <iostream>
#include <map>

using namespace std::chrono_literals;

/// Takes one more shard that is free.
void take_one(baton::node& node, int shards, std::map<std::string, baton::claim_handle>& mine) {
    for (int number = 0; number < shards; ++number) {
        const auto key = "shard/" + std::to_string(number);
        if (mine.contains(key)) continue;
        auto claimed = node.claim(key, {.lease = 5s, .if_free = true});
        if (!claimed) continue; // another worker's (errc::conflict), or not there yet (errc::absent)
        std::cout << node.name() << " owns " << key << ", at step " << claimed->taken_over().value
                  << std::endl;
        mine.emplace(key, *std::move(claimed));
        return;
    }
}

int main(int argc, char** argv) {
    auto stop = baton::stop_signals::block(); // before the program's first thread
    auto settings = baton::options::loopback();
    settings.cluster = argc > 3 ? argv[3] : "claim-free";
    settings.alone_after = 1s; // how long a first worker looks for others; default: 5 s
    settings.name = argc > 1 ? argv[1] : "worker";
    const int shards = argc > 2 ? std::stoi(argv[2]) : 8;
    auto node = baton::node::start(settings);
    if (!stop || !node) {
        std::cerr << (stop ? node.error() : stop.error()).what << '\n';
        return 1;
    }

    // The shards exist once. A worker that is alone makes them, but only once it knows that no other node has
    // them: two that start at the same moment then write the same.
    const auto there = node->pickup("shard/0", {.within = 10s, .until = baton::pickup_until::known});
    if (there && there->outcome == baton::pickup_outcome::absent_confirmed) {
        for (int number = 0; number < shards; ++number)
            if (!node->stash("shard/" + std::to_string(number), "0")) return 1;
    }

    std::map<std::string, baton::claim_handle> mine;
    int steps = 0;
    while (!stop->wait(20ms)) {
        take_one(*node, shards, mine);
        for (auto shard = mine.begin(); shard != mine.end();) {
            auto& [key, claim] = *shard;
            if (claim.lost()) { // another worker goes on from our last commit
                std::cout << node->name() << " has lost " << key << std::endl;
                shard = mine.erase(shard);
                continue;
            }
            ++shard;
            if (claim.tentative()) continue; // another may own it, too: do nothing until that is settled
            const auto now = node->pickup(key);
            if (!now || !now->found()) continue;
            // One step of work, and its result: whoever owns the shard next goes on from here.
            if (claim.commit(std::to_string(std::stoi(now->value) + 1))) ++steps;
        }
    }

    mine.clear(); // releases them
    int all = 0;
    for (int number = 0; number < shards; ++number) {
        const auto now = node->pickup("shard/" + std::to_string(number));
        if (now && now->found()) all += std::stoi(now->value);
    }
    std::cout << node->name() << " did " << steps << " steps; the shards are at " << all << " in all"
              << std::endl;
    const auto report = baton::leave_on_signal(*node, *stop);
    return report && report->outcome == baton::leave_outcome::safe ? 0 : 1;
}
