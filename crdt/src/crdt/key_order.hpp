// key_order: the keys of a store in order, while they are in use. It is built slice by slice from the store's
// index. From the first slice on, the store reports every key that is added or removed, so slots that have
// been visited may change.
//
// Owned by a store; same thread contract. A dropped order returns its memory by shed(). The caller that
// builds it notes the moment by asked(), so that an unused order can be dropped after a while.
#pragma once

#include "crdt/index.hpp"
#include "crdt/ordered_keys.hpp"
#include "crdt/time.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace baton::crdt {

class key_order {
  public:
    /// It exists or is being built: came() and went() must be called.
    [[nodiscard]] bool exists() const { return built_.has_value(); }
    [[nodiscard]] bool is_whole() const { return built_ && built_->whole; }
    void asked(instant now) { asked_at_ = now; }
    [[nodiscard]] instant asked_at() const { return asked_at_; }

    /// Continues building, `slots` slots of `index` per call; true once the order is complete.
    /// `key_of(handle)`: the key of a head or root of the index, or an empty one.
    template <class KeyOf>
    bool build(const key_index& index, std::size_t slots, KeyOf key_of) {
        if (!built_) built_ = so_far{};
        auto& to = *built_;
        while (!to.whole && slots != 0) {
            const bool done = index.some_in_shard(to.shard, to.hash, slots, [&](handle head) {
                if (const std::string_view key = key_of(head); !key.empty()) to.keys.insert(key);
            });
            if (!done) break;
            to.hash = 0;
            to.whole = ++to.shard == key_index::shards;
            slots -= std::min<std::size_t>(slots, 1); // a shard may have nothing in it
        }
        return to.whole;
    }
    // Call only while it exists: from now on the key has a value, or none.
    void came(std::string_view key) { built_->keys.insert(key); }
    void went(std::string_view key) { built_->keys.erase(key); }
    /// As ordered_keys::each_from, when it is whole.
    template <class Visit>
    void each_from(std::string_view from, Visit visit) const {
        built_->keys.each_from(from, visit);
    }

    void drop();
    /// Returns some memory of a dropped order; true while more is left.
    bool shed() { return dropped_.shed(); }
    /// Bytes taken from the system, dropped orders included. O(keys / thousands).
    [[nodiscard]] std::size_t bytes() const { return (built_ ? built_->keys.bytes() : 0) + dropped_.bytes(); }

  private:
    /// How far the building has come: up to a hash of a shard.
    struct so_far {
        ordered_keys keys;
        std::size_t shard = 0;
        std::uint32_t hash = 0;
        bool whole = false;
    };
    std::optional<so_far> built_;
    ordered_keys dropped_;
    instant asked_at_{};
};

} // namespace baton::crdt
