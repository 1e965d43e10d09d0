// writer: writes of this process and of its machines. Each is one event: stamped, stored, and queued for
// other members.
//
// Pure; owned by a mesh, same thread contract. The caller checks whether the write may be made. When to call
// again: never; publisher::flush() sends what is queued.
#pragma once

#include "core/publisher.hpp"
#include "crdt/store.hpp"
#include "crdt/time.hpp"

#include <baton/dot.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace baton::core {

[[nodiscard]] inline slot_name register_of(std::string_view key) { return {value_type::reg, key, {}}; }

class writer {
  public:
    writer(store& into, hybrid_clock& clock, publisher& out)
        : store_(into)
        , clock_(clock)
        , out_(out) {}

    /// The timestamp of a write that is about to be made.
    [[nodiscard]] timestamp tick(std::uint64_t wall_ms) { return clock_.tick(wall_ms); }
    /// A timestamp of another node: later writes here come after it. False: it is too far ahead.
    bool observe(timestamp stamp, std::uint64_t wall_ms) { return clock_.observe(stamp, wall_ms); }
    // Like the functions of the store with these names (crdt/store.hpp); return the dot of the event.
    dot put(const slot_name& slot, std::string_view value, timestamp stamp,
            std::optional<std::chrono::milliseconds> ttl = {}) {
        return publish(store_.put(slot, value, stamp, buffers_, ttl));
    }
    dot put_over(const slot_name& slot, std::string_view value, std::uint64_t epoch,
                 std::span<const dot> only, timestamp stamp, std::optional<std::chrono::milliseconds> ttl) {
        return publish(store_.put_over(slot, value, epoch, only, stamp, buffers_, ttl));
    }
    dot add(std::string_view key, std::int64_t amount, timestamp stamp) {
        return publish(store_.add(key, amount, stamp, buffers_));
    }
    std::optional<dot> remove(const slot_name& slot, timestamp stamp) {
        return publish(store_.remove(slot, stamp, buffers_));
    }
    std::optional<dot> remove_scope(std::string_view key, timestamp stamp) {
        return publish(store_.remove_scope(key, stamp, buffers_));
    }
    dot remove_only(const slot_name& slot, std::span<const dot> only, timestamp stamp) {
        return publish(store_.remove_only(slot, only, stamp, buffers_));
    }
    dot remove_over(std::string_view key, timestamp stamp) {
        return publish(store_.remove_over(key, stamp, buffers_));
    }
    dot archive(const replica_id& closed, bool for_good, timestamp stamp) {
        return publish(store_.archive(closed, for_good, stamp, buffers_));
    }
    std::optional<dot> recover(const slot_name& slot, const staged_view& lost) {
        return publish(store_.recover(slot, lost, buffers_));
    }

  private:
    dot publish(const written& what) {
        out_.queue(what);
        return what.id;
    }
    std::optional<dot> publish(const std::optional<written>& what) {
        return what ? std::optional(publish(*what)) : std::nullopt;
    }

    store& store_;
    hybrid_clock& clock_;
    publisher& out_;
    write_buffers buffers_;
};

} // namespace baton::core
