// A gateway keeps a view of the players that game servers write about: it watches their keys. First it is
// told what is there, then each change, in a handler that may use the node as it likes. One process and
// loopback, so that it runs anywhere; on a network each node is a process of its own.

#include <baton/watch.hpp>

#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>

using namespace std::chrono_literals;

/// What the gateway knows. The handler runs on a thread of its node, and main() reads: hence the lock.
class view {
  public:
    void take(const baton::change& what) {
        const std::lock_guard lock(mutex_);
        switch (what.kind) {
        case baton::change_kind::put:
            std::cout << (!complete_                    ? "here: "
                          : players_.contains(what.key) ? "moved: "
                                                        : "new: ")
                      << what.key << " at " << what.value << std::endl;
            players_[what.key] = what.value;
            break;
        case baton::change_kind::removed:
            std::cout << "gone: " << what.key << std::endl;
            players_.erase(what.key);
            break;
        case baton::change_kind::initial_done:
            std::cout << "that is everybody" << std::endl;
            complete_ = true;
            break;
        case baton::change_kind::lagged: // we were too slow: everything follows once more, also what is gone
            std::cout << "missed " << what.count << std::endl;
            break;
        }
    }
    bool is_complete() const {
        const std::lock_guard lock(mutex_);
        return complete_;
    }
    std::string where_is(const std::string& player) const {
        const std::lock_guard lock(mutex_);
        const auto found = players_.find(player);
        return found == players_.end() ? "nowhere" : found->second;
    }

  private:
    mutable std::mutex mutex_;
    std::map<std::string, std::string> players_;
    bool complete_ = false;
};

/// Waits for something that other threads bring about; false after ten seconds.
template <class Condition>
bool wait_for(Condition holds) {
    for (int wait = 0; wait < 10000 && !holds(); ++wait) std::this_thread::sleep_for(1ms);
    return holds();
}

int main() {
    auto settings = baton::options::loopback();
    settings.cluster = "arcade-" + std::to_string(std::random_device{}()); // meets nobody else's example
    settings.name = "server";
    auto server = baton::node::start(settings);
    settings.name = "gateway";
    auto gateway = baton::node::start(settings);
    if (!server || !gateway) {
        std::cerr << (server ? gateway : server).error().what << '\n'; // e.g. no sockets to be had
        return 1;
    }
    if (!server->stash("player/1", "(3, 4)")) return 1;
    if (!wait_for([&] { return gateway->pickup("player/1")->found(); })) return 1;

    view players; // outlives the watch, which ends when `watching` is destroyed
    const auto watching = gateway->watch("player/", [&](const baton::change& what) { players.take(what); });
    if (!watching || !wait_for([&] { return players.is_complete(); })) return 1;

    bool written = server->stash("player/1", "(5, 4)").has_value();
    written = written && wait_for([&] { return players.where_is("player/1") == "(5, 4)"; });
    written = written && server->stash("player/2", "(0, 0)");
    written = written && wait_for([&] { return players.where_is("player/2") == "(0, 0)"; });
    written = written && server->stash("weather", "rain"); // not a player
    written = written && server->drop("player/1");
    return written && wait_for([&] { return players.where_is("player/1") == "nowhere"; }) ? 0 : 1;
}
