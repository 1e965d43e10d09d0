// One connection to a Redis server, which can pipeline. Source of the protocol: redis.io, RESP2.
//
// One thread; owns its socket. What fails throws.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace baton::bench {

class redis_client {
  public:
    explicit redis_client(std::uint16_t port);
    ~redis_client();
    redis_client(const redis_client&) = delete;
    redis_client& operator=(const redis_client&) = delete;
    /// The reply to one command: a status, an error (beginning with '-'), a bulk, or digits; the last part of
    /// an array.
    std::string ask(std::initializer_list<std::string_view> words);
    /// After PSUBSCRIBE: blocks for the next message.
    std::string hear() { return reply(); }
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

} // namespace baton::bench
