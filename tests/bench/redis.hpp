// Redis as a reference: servers of our own on loopback, without persistence.
//
// One thread. A server lives in a temporary directory and is killed by its pid with its object.
#pragma once

#include "process.hpp"
#include "redis_client.hpp"

#include <optional>
#include <string>

namespace baton::bench {

/// "Redis 7.0.15", or nothing where `redis-server` is not installed.
std::optional<std::string> redis_name();
inline const std::string no_redis = "redis-server is not installed";

class redis_server {
  public:
    redis_server();
    redis_client connect() const { return redis_client{port_}; }
    std::uint16_t port() const { return port_; }
    /// Starts to replicate from `master`. Returns at once.
    void follow(const redis_server& master);
    /// Waits until this replica is linked to its master and holds `keys` keys.
    void await_replica(std::uint64_t keys);
    /// Waits until this master streams its writes to its replica. After a resync it holds them back until the
    /// replica's next acknowledgement, up to a second.
    void await_stream();

  private:
    std::uint16_t port_;
    temporary_directory directory_;
    process program_;
    std::optional<redis_client> control_;
};

/// A fresh master whose writes already stream to a fresh replica.
struct redis_pair {
    redis_pair();
    redis_server master, replica;
};

} // namespace baton::bench
