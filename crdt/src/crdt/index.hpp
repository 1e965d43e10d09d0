// key_index: slot → head of the slot's chain (its block, or a fork). Linear probing in the order of the
// hashes: an entry's home grows with its hash, so a search stops at the first larger hash, a table can be
// nearly full, and growing is one pass from front to back. An entry has half of the hash and the handle, so a
// search reads only the right block, and growth and deletion read none. 512 shards chosen by the top bits of
// the hash: growing rehashes a shard and never the whole table in one go.
//
// Owned by a store; same thread contract. find, insert and erase are O(1) expected; an insert that grows a
// shard is O(entries / 512). The order of iteration depends on the seed and must not become visible.
// Source: ordered hash tables (Amble and Knuth, 1974).
#pragma once

#include "crdt/block.hpp"

#include <array>
#include <memory>
#include <string_view>

namespace baton::crdt {

class key_index {
  public:
    static constexpr std::size_t shards = 512;

    key_index(const arena& memory, std::uint64_t seed)
        : memory_(&memory)
        , seed_(seed) {}

    /// A slot's hash, to be computed once for several calls.
    [[nodiscard]] std::uint64_t hash(const slot_name& slot) const;
    [[nodiscard]] std::uint64_t root_hash(std::string_view key) const;
    /// The place of the head of the slot's chain; nullptr if there is none. Valid until the next insert or
    /// erase.
    [[nodiscard]] handle* find(std::uint64_t hash, const slot_name& slot);
    [[nodiscard]] handle* find(const slot_name& slot) { return find(hash(slot), slot); }
    /// Prefetches what a search for the hash reads first: in a large store this takes most of the search's
    /// time.
    void prefetch(std::uint64_t hash) const {
        const auto& in = table_[hash >> 55];
        if (in.size == 0) return;
        __builtin_prefetch(&in.places[in.home(static_cast<std::uint32_t>(hash))]);
        asm volatile(""); // or the compiler takes this for a function without effect, and drops the call
    }
    /// The root of a typed key; the index has roots as well as slots.
    [[nodiscard]] handle* find_root(std::uint64_t hash, std::string_view key);
    /// No entry of this name may be present.
    void insert(std::uint64_t hash, handle head);
    /// `place` as find gave it.
    void erase(std::uint64_t hash, handle* place);
    void erase(const slot_name& slot);
    /// About `count` entries will come: an empty shard gets its full room when it is first used.
    void reserve(std::size_t count);
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t bytes() const;
    /// The heads and roots in one shard, in no order.
    template <class Visit>
    void each_in_shard(std::size_t number, Visit visit) const {
        const auto& in = table_[number];
        for (std::uint32_t i = 0; i < in.size; ++i) {
            if (in.places[i].head != 0) visit(in.places[i].head);
        }
    }
    /// Visits about `slots` heads and roots of one shard, from a hash on, and counts `slots` down. False:
    /// call again; `from` has moved on. An entry that exists all the time is visited once, whatever is added
    /// or removed in between.
    template <class Visit>
    bool some_in_shard(std::size_t number, std::uint32_t& from, std::size_t& slots, Visit visit) const {
        const auto& in = table_[number];
        const auto begin = from;
        for (auto i = in.size == 0 ? 0 : in.home(begin); i < in.size; ++i) {
            const auto& p = in.places[i];
            if (p.head == 0 || p.hash < begin) continue;
            if (slots == 0 && p.hash != from) { // those of one hash have no order
                from = p.hash;
                return false;
            }
            visit(p.head);
            from = p.hash;
            if (slots != 0) --slots;
        }
        return true;
    }
    /// Some head, or 0 when empty. Amortised O(1) while the caller erases what it gets.
    [[nodiscard]] handle any();
    void clear();
    void swap(key_index& other);

  private:
    struct place {
        handle head; ///< 0: free
        std::uint32_t hash;
    };
    /// Homes are spread over the first `homes` places; entries of the last homes may continue into the rest.
    struct shard {
        std::unique_ptr<place[]> places;
        std::uint32_t size = 0, homes = 0, used = 0;
        [[nodiscard]] std::uint32_t home(std::uint32_t hash) const {
            return static_cast<std::uint32_t>(std::uint64_t{hash} * homes >> 32);
        }
    };
    [[nodiscard]] shard& of(std::uint64_t hash) { return table_[hash >> 55]; }
    template <class Same>
    handle* search(std::uint64_t hash, Same same);
    static void resize(shard& in, std::uint32_t homes);

    const arena* memory_;
    std::uint64_t seed_;
    std::size_t size_ = 0;
    std::uint32_t first_homes_ = 4;
    /// Where the last unsuccessful search ended: the place for its hash. Valid until a change.
    struct {
        std::uint64_t hash = 0;
        std::uint32_t at = 0;
        bool known = false;
    } stopped_;
    std::size_t sweep_shard_ = 0, sweep_place_ = 0;
    std::array<shard, shards> table_;
};

} // namespace baton::crdt
