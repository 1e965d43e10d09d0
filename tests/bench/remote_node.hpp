// A node in a process of its own that does what the parent tells it.
//
// remote_node is the parent's side, role_node (bench.hpp) the child's. One thread. What fails in the child
// throws here.
#pragma once

#include "pickups.hpp"
#include "process.hpp"

#include <cstdint>

namespace baton::bench {

class remote_node {
  public:
    /// Starts it from mesh_settings(), or joins it to another by that one's neighbour().
    explicit remote_node(json told);
    /// What another node of the same mesh is told.
    [[nodiscard]] const json& neighbour() const { return told_; }

    /// Stashes, or drops, the keys 0 … keys - 1 of payload.
    void load(std::uint64_t keys);
    void drop(std::uint64_t keys);
    /// keys, removals, store_bytes, key_value_bytes, hello_bytes; digest; rss and peak in bytes, after memory
    /// that malloc could give back has been given back.
    json stats();

    /// Picks up random ones of `keys` keys at 10 kHz until end_pickups(), which returns the latencies of
    /// those that were due between two instants of now_ns().
    void begin_pickups(std::uint64_t keys);
    pickups::latencies end_pickups(std::int64_t from, std::int64_t to);

  private:
    json ask(const json& what);
    child process_;
    json told_;
};

/// Two nodes that know each other.
struct remote_pair {
    remote_pair();
    /// Waits until both hold `keys` keys and their digests are equal.
    void await_equal(std::uint64_t keys);
    remote_node a, b;
};

} // namespace baton::bench
