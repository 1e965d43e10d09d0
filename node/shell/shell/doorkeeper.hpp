// doorkeeper: decides which links CURVE accepts. A context has at most one ZAP handler, so one serves all
// nodes of the process; each node has a domain of its own and a list of guests.
//
// Threads: one of its own answers requests; the rest may be called from any thread.
// Source: ZeroMQ's RFC 27 (ZAP). A stranger gets status 300, "not now", so that its libzmq tries again: it
// may be vouched for a moment later.
#pragma once

#include "discovery/roster.hpp"

#include <zmq.hpp>

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace baton::shell {

/// The key pair of one start of a node. Wiped when it goes.
struct link_pair {
    discovery::link_key public_key{};
    std::array<std::uint8_t, 32> secret{};

    /// Made by libzmq, from the system's random numbers. Throws zmq::error_t.
    static link_pair fresh();
    link_pair() = default;
    link_pair(const link_pair&) = default;
    link_pair& operator=(const link_pair&) = default;
    ~link_pair();
};

/// The link keys that a node accepts, and their owners. Any thread.
class guest_list {
  public:
    void admit(const replica_id& id, const discovery::link_key& key);
    void expel(const replica_id& id);
    /// The owner of the link key; nil: none.
    [[nodiscard]] replica_id owner_of(const discovery::link_key& key) const;

  private:
    mutable std::mutex guard_;
    std::map<discovery::link_key, replica_id> owners_;
    std::map<replica_id, discovery::link_key> keys_;
};

class doorkeeper {
  public:
    /// Answers from now on. Throws zmq::error_t, std::system_error.
    explicit doorkeeper(zmq::context_t& context);
    /// The shutdown of the context ends the thread.
    ~doorkeeper();
    doorkeeper(const doorkeeper&) = delete;

    void open(const std::string& domain, std::shared_ptr<const guest_list> guests);
    void close(const std::string& domain);

  private:
    void run();
    bool serve_one();
    [[nodiscard]] replica_id judge(std::string_view domain, std::string_view key) const;

    zmq::socket_t requests_;
    mutable std::mutex guard_;
    std::map<std::string, std::shared_ptr<const guest_list>, std::less<>> domains_;
    std::thread thread_;
};

} // namespace baton::shell
