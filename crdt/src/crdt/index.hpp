// key_index: key → head of the key's chain. Open addressing with one tag byte a slot, in 512 shards chosen by
// the top bits of the hash, so that growing rehashes a shard and never the whole table in one go.
//
// Owned by a store; same thread contract. find, insert and erase are O(1) expected; an insert that grows a
// shard is O(entries / 512). Iteration order depends on the seed and must not show. Source: tag bytes as in
// Swiss tables (Benzaquen et al., Abseil, 2018); deletion by backward shift (Knuth 6.4, R).
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

    /// Where the head of `key`'s chain is kept; null when there is none. Valid until the next insert or
    /// erase.
    [[nodiscard]] handle* find(std::string_view key);
    /// `key` must be absent; `head` must be a block with that key.
    void insert(std::string_view key, handle head);
    /// `key` must be present.
    void erase(std::string_view key);
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t bytes() const;
    /// The heads in one shard, in no order.
    template <class Visit>
    void each_in_shard(std::size_t number, Visit visit) const {
        for (const auto head : table_[number].heads) {
            if (head != 0) visit(head);
        }
    }
    /// Some head, or 0 when empty. Amortised O(1) while the caller erases what it gets.
    [[nodiscard]] handle any();
    void clear();

  private:
    struct shard {
        std::vector<handle> heads;      // 0: free
        std::vector<std::uint8_t> tags; // 0: free
        std::size_t used = 0;
    };
    [[nodiscard]] std::uint64_t hash(std::string_view key) const;
    static shard& of(std::array<shard, shards>& table, std::uint64_t hash) { return table[hash >> 55]; }
    static std::uint8_t tag(std::uint64_t hash) {
        return static_cast<std::uint8_t>(((hash >> 47) & 0xff) | 1);
    }
    [[nodiscard]] std::size_t place(const shard& in, std::uint64_t hash, std::string_view key) const;
    void grow(shard& in);
    static void settle(shard& in, std::uint64_t hash, handle head);

    const arena* memory_;
    std::uint64_t seed_;
    std::size_t size_ = 0;
    std::size_t sweep_shard_ = 0, sweep_place_ = 0;
    std::array<shard, shards> table_;
};

} // namespace baton
