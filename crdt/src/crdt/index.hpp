// key_index: key → head of the key's chain. Open addressing; a slot keeps half of the hash beside the handle,
// so that a search reads no key but the right one, and neither growth nor deletion reads any. 512 shards
// chosen by the top bits of the hash: growing rehashes a shard and never the whole table in one go.
//
// Owned by a store; same thread contract. find, insert and erase are O(1) expected; an insert that grows a
// shard is O(entries / 512). Iteration order depends on the seed and must not show. Source: linear probing
// with deletion by backward shift (Knuth, TAOCP 6.4, algorithm R).
#pragma once

#include "crdt/block.hpp"

#include <array>
#include <string_view>
#include <vector>

namespace baton {

class key_index {
  public:
    static constexpr std::size_t shards = 512;

    key_index(const arena& memory, std::uint64_t seed)
        : memory_(&memory)
        , seed_(seed) {}

    /// A key's hash, to be computed once for several calls.
    [[nodiscard]] std::uint64_t hash(std::string_view key) const;
    /// Where the head of `key`'s chain is kept; null when there is none. Valid until the next insert or
    /// erase.
    [[nodiscard]] handle* find(std::uint64_t hash, std::string_view key);
    [[nodiscard]] handle* find(std::string_view key) { return find(hash(key), key); }
    /// No entry with this key may be present.
    void insert(std::uint64_t hash, handle head);
    /// `place` as find gave it.
    void erase(std::uint64_t hash, handle* place);
    void erase(std::string_view key);
    /// About `count` entries will come: shards that are empty yet get their room at once, each when it is
    /// first used.
    void reserve(std::size_t count);
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t bytes() const;
    /// The heads in one shard, in no order.
    template <class Visit>
    void each_in_shard(std::size_t number, Visit visit) const {
        for (const auto& s : table_[number].slots) {
            if (s.head != 0) visit(s.head);
        }
    }
    /// Some head, or 0 when empty. Amortised O(1) while the caller erases what it gets.
    [[nodiscard]] handle any();
    void clear();
    void swap(key_index& other);

  private:
    struct slot {
        handle head = 0; ///< 0: free
        std::uint32_t hash = 0;
    };
    struct shard {
        std::vector<slot> slots;
        std::size_t used = 0;
    };
    [[nodiscard]] shard& of(std::uint64_t hash) { return table_[hash >> 55]; }
    static void settle(shard& in, slot entry);
    static void resize(shard& in, std::size_t slots);

    const arena* memory_;
    std::uint64_t seed_;
    std::size_t size_ = 0;
    std::size_t first_slots_ = 4;
    std::size_t sweep_shard_ = 0, sweep_place_ = 0;
    std::array<shard, shards> table_;
};

} // namespace baton
