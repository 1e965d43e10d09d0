// The metrics of a node for Prometheus, without a port: a file for the textfile collector of node_exporter,
// written anew every few seconds. A program that serves HTTP already sends the same text from /metrics.
//
// Run it: metrics /tmp/baton.prom, and look at the file. It prints
//     wrote /tmp/baton.prom, 70 families; keys 100, stashes 100
// and the file has lines such as
//     baton_keys{node="ada"} 100

#include <baton/node.hpp>
#include <baton/stats.hpp>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>
#include <thread>

using namespace std::chrono_literals;

/// Replaces the file at one moment: a collector never reads half of it.
bool write_metrics(const baton::node& node, const std::string& path) {
    const auto now = node.stats();
    if (!now) return false;
    {
        std::ofstream file(path + ".tmp");
        file << to_prometheus(*now, node.name());
        if (!file.flush()) return false;
    }
    return std::rename((path + ".tmp").c_str(), path.c_str()) == 0;
}

int main(int argc, char** argv) {
    const std::string path = argc > 1 ? argv[1] : "/tmp/baton.prom";
    auto settings = baton::options::loopback();
    settings.name = "ada";
    settings.cluster = "metrics-" + std::to_string(std::random_device{}()); // meets nobody else's example
    auto node = baton::node::start(settings);
    if (!node) {
        std::cerr << node.error().what << '\n';
        return 1;
    }
    for (int round = 0; round < 2; ++round) { // a service does this for as long as it runs
        for (int i = 0; i < 50; ++i)
            if (!node->stash("key/" + std::to_string(50 * round + i), "value")) return 1;
        if (!write_metrics(*node, path)) {
            std::cerr << "cannot write " << path << '\n';
            return 1;
        }
        std::this_thread::sleep_for(100ms); // node_exporter is asked every 15 s or so
    }
    // The same numbers are there by name, too.
    const auto now = node->stats();
    if (!now) return 1;
    std::cout << "wrote " << path << ", " << baton::all_stats().size() << " families; keys " << now->keys
              << ", stashes " << now->stashes << '\n';
    return now->keys == 100 && now->stashes == 100 ? 0 : 1;
}
