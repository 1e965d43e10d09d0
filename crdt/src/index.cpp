#include "crdt/index.hpp"

#include "crdt/assert.hpp"
#include "crdt/digest.hpp"

namespace baton {

std::uint64_t key_index::hash(std::string_view key) const { return hash_bytes(key, seed_); }

// The slot of `key`, or the free slot where its search ended. The shard has at least one free slot.
std::size_t key_index::place(const shard& in, std::uint64_t hash, std::string_view key) const {
    const std::size_t mask = in.heads.size() - 1;
    const auto wanted = tag(hash);
    // In a large store each step is a miss of the cache: fetch side by side what will be needed one after another.
    __builtin_prefetch(&in.heads[hash & mask]);
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
        if (in.tags[at] == 0) return at;
        if (in.tags[at] != wanted) continue;
        const auto* const found = memory_->at(in.heads[at]);
        __builtin_prefetch(found + 64);
        __builtin_prefetch(found + 128);
        if (reinterpret_cast<const block*>(found)->key() == key) return at;
    }
}

handle* key_index::find(std::string_view key) {
    const auto h = hash(key);
    auto& in = of(table_, h);
    if (in.used == 0) return nullptr;
    const auto at = place(in, h, key);
    return in.tags[at] == 0 ? nullptr : &in.heads[at];
}

void key_index::settle(shard& in, std::uint64_t hash, handle head) {
    const std::size_t mask = in.heads.size() - 1;
    std::size_t at = hash & mask;
    while (in.tags[at] != 0) at = (at + 1) & mask;
    in.tags[at] = tag(hash);
    in.heads[at] = head;
}

void key_index::grow(shard& in) {
    shard larger;
    const std::size_t slots = in.heads.empty() ? 4 : in.heads.size() * 2;
    larger.heads.resize(slots);
    larger.tags.resize(slots);
    larger.used = in.used;
    for (const auto head : in.heads) {
        if (head != 0) settle(larger, hash(block_at(*memory_, head).key()), head);
    }
    in = std::move(larger);
}

void key_index::insert(std::string_view key, handle head) {
    const auto h = hash(key);
    auto& in = of(table_, h);
    if ((in.used + 1) * 4 > in.heads.size() * 3)
        grow(in); // fuller, and a search for what is absent gets long
    settle(in, h, head);
    ++in.used;
    ++size_;
}

void key_index::erase(std::string_view key) {
    const auto h = hash(key);
    auto& in = of(table_, h);
    BATON_ASSERT(in.used != 0);
    const std::size_t mask = in.heads.size() - 1;
    std::size_t hole = place(in, h, key);
    BATON_ASSERT(in.tags[hole] != 0);
    // Close the hole: pull back every later entry whose home is not between the hole and itself.
    for (std::size_t at = (hole + 1) & mask; in.tags[at] != 0; at = (at + 1) & mask) {
        const std::size_t home = hash(block_at(*memory_, in.heads[at]).key()) & mask;
        if (((at - home) & mask) < ((at - hole) & mask)) continue;
        in.heads[hole] = in.heads[at];
        in.tags[hole] = in.tags[at];
        hole = at;
    }
    in.heads[hole] = 0;
    in.tags[hole] = 0;
    --in.used;
    --size_;
}

std::size_t key_index::bytes() const {
    std::size_t sum = sizeof(*this);
    for (const auto& in : table_) sum += in.heads.capacity() * sizeof(handle) + in.tags.capacity();
    return sum;
}

handle key_index::any() {
    if (size_ == 0) return 0;
    for (;;) {
        if (sweep_shard_ >= shards) sweep_shard_ = 0;
        auto& in = table_[sweep_shard_];
        while (in.used != 0) {
            if (sweep_place_ >= in.heads.size()) sweep_place_ = 0; // a deletion moved entries round the end
            if (in.heads[sweep_place_] != 0) return in.heads[sweep_place_];
            ++sweep_place_;
        }
        ++sweep_shard_;
        sweep_place_ = 0;
    }
}

void key_index::clear() {
    for (auto& in : table_) in = shard{};
    size_ = sweep_shard_ = sweep_place_ = 0;
}

} // namespace baton
