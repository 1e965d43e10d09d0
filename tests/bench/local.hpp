// The loop that local_* times, the same for a lone node and for the map it stands beside.
//
// One thread.
#pragma once

#include "measure.hpp"
#include "process.hpp"

namespace baton::bench {

/// Loads the store, then runs and times batches of random operations as the parent asks, until it closes the
/// pipe. A Store has put(key, value) and get(key), which returns the size of a copy of the value.
template <class Store>
void serve_local(Store& store, const json& told, parent& up) {
    const std::uint64_t count = told["count"];
    payload data;
    for (std::uint64_t i = 0; i < count; ++i) store.put(data.key(i), data.value(i));
    up.tell("ready");
    for (std::uint64_t batch = 0;; ++batch) {
        const auto asked = up.hear();
        const std::uint64_t operations = asked["operations"];
        const bool pickup = asked["pickup"];
        std::uint64_t bytes = 0;
        const auto from = now_ns();
        for (std::uint64_t i = 0; i < operations; ++i) {
            const auto chosen = scramble(batch << 32 | i) % count;
            if (pickup) {
                bytes += store.get(data.key(chosen));
            } else {
                store.put(data.key(chosen), data.value(i));
                bytes += value_bytes;
            }
        }
        const auto to = now_ns();
        if (bytes != operations * value_bytes) throw std::runtime_error("a value is missing or cut short");
        up.tell({{"ns", static_cast<double>(to - from) / static_cast<double>(operations)}});
    }
}

} // namespace baton::bench
