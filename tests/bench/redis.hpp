// Redis as a reference: servers of our own on loopback, without persistence, and a client that pipelines.
//
// One thread. A server lives in a temporary directory and is killed by its pid with its object.
#pragma once

#include "process.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace baton::bench {

/// "Redis 7.0.15", or nothing where `redis-server` is not installed.
std::optional<std::string> redis_name();

/// One connection. Source of the protocol: redis.io, RESP2.
class redis_client {
  public:
    explicit redis_client(std::uint16_t port);
    ~redis_client();
    redis_client(const redis_client&) = delete;
    redis_client& operator=(const redis_client&) = delete;
    /// The reply to one command: a status, an error (beginning with '-'), a bulk, or digits.
    std::string ask(std::initializer_list<std::string_view> words);
    /// SETs the keys [0, count) of payload, at most two batches of 1,000 under way.
    void load(std::uint64_t count);
    /// DBSIZE; 0 while the server is loading.
    std::uint64_t keys();

  private:
    void send(std::string_view bytes);
    void fill();
    std::string_view line();
    std::string reply();
    int fd_ = -1;
    std::string in_;
    std::size_t at_ = 0;
};

class redis_server {
  public:
    redis_server();
    redis_client connect() const { return redis_client{port_}; }
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

} // namespace baton::bench
