#include "crdt/index.hpp"

#include "crdt/assert.hpp"
#include "crdt/digest.hpp"

#include <algorithm>
#include <bit>

namespace baton {

std::uint64_t key_index::hash(std::string_view key) const { return hash_bytes(key, seed_); }

handle* key_index::find(std::uint64_t hash, std::string_view key) {
    auto& in = of(hash);
    if (in.used == 0) return nullptr;
    const std::size_t mask = in.slots.size() - 1;
    const auto wanted = static_cast<std::uint32_t>(hash);
    for (std::size_t at = wanted & mask; in.slots[at].head != 0; at = (at + 1) & mask) {
        auto& s = in.slots[at];
        if (s.hash != wanted) continue;
        const auto* const found = memory_->at(s.head);
        // In a large store each step is a miss of the cache: fetch side by side what is needed one after
        // another.
        __builtin_prefetch(found + 64);
        __builtin_prefetch(found + 128);
        if (reinterpret_cast<const block*>(found)->key() == key) return &s.head;
    }
    return nullptr;
}

void key_index::settle(shard& in, slot entry) {
    const std::size_t mask = in.slots.size() - 1;
    std::size_t at = entry.hash & mask;
    while (in.slots[at].head != 0) at = (at + 1) & mask;
    in.slots[at] = entry;
}

void key_index::resize(shard& in, std::size_t slots) {
    shard larger;
    larger.slots.resize(slots);
    larger.used = in.used;
    for (const auto& s : in.slots) {
        if (s.head != 0) settle(larger, s);
    }
    in = std::move(larger);
}

void key_index::insert(std::uint64_t hash, handle head) {
    auto& in = of(hash);
    // Fuller than three quarters, and a search for what is absent gets long.
    if ((in.used + 1) * 4 > in.slots.size() * 3)
        resize(in, in.slots.empty() ? first_slots_ : in.slots.size() * 2);
    settle(in, {head, static_cast<std::uint32_t>(hash)});
    ++in.used;
    ++size_;
}

void key_index::erase(std::string_view key) {
    const auto h = hash(key);
    auto* const place = find(h, key);
    BATON_ASSERT(place != nullptr);
    erase(h, place);
}

void key_index::erase(std::uint64_t hash, handle* place) {
    auto& in = of(hash);
    const std::size_t mask = in.slots.size() - 1;
    auto hole = static_cast<std::size_t>(reinterpret_cast<slot*>(place) - in.slots.data());
    // Close the hole: pull back every later entry whose home is not between the hole and itself.
    for (std::size_t at = (hole + 1) & mask; in.slots[at].head != 0; at = (at + 1) & mask) {
        const std::size_t home = in.slots[at].hash & mask;
        if (((at - home) & mask) < ((at - hole) & mask)) continue;
        in.slots[hole] = in.slots[at];
        hole = at;
    }
    in.slots[hole] = {};
    --in.used;
    --size_;
}

void key_index::reserve(std::size_t count) {
    constexpr std::size_t believed_max = std::size_t{1}
                                         << 22; // a peer's word is no reason to take all memory
    first_slots_ = std::bit_ceil(std::min(count, believed_max) / shards * 3 / 2 + 4);
}

std::size_t key_index::bytes() const {
    std::size_t sum = sizeof(*this);
    for (const auto& in : table_) sum += in.slots.capacity() * sizeof(slot);
    return sum;
}

handle key_index::any() {
    if (size_ == 0) return 0;
    for (;;) {
        if (sweep_shard_ >= shards) sweep_shard_ = 0;
        auto& in = table_[sweep_shard_];
        while (in.used != 0) {
            if (sweep_place_ >= in.slots.size()) sweep_place_ = 0; // a deletion moved entries round the end
            if (in.slots[sweep_place_].head != 0) return in.slots[sweep_place_].head;
            ++sweep_place_;
        }
        ++sweep_shard_;
        sweep_place_ = 0;
    }
}

void key_index::clear() {
    for (auto& in : table_) in = shard{};
    size_ = sweep_shard_ = sweep_place_ = 0;
    first_slots_ = 4;
}

void key_index::swap(key_index& other) {
    BATON_ASSERT(memory_ == other.memory_);
    std::swap(seed_, other.seed_);
    std::swap(size_, other.size_);
    std::swap(table_, other.table_);
    sweep_shard_ = sweep_place_ = other.sweep_shard_ = other.sweep_place_ = 0;
}

} // namespace baton
