#include "crdt/index.hpp"

#include "crdt/assert.hpp"
#include "crdt/digest.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace baton::crdt {

namespace {
constexpr std::uint32_t spill_min = 16;
// A shard is full at nine tenths and then grows by a sixth: an entry costs 8.9 to 10.4 bytes.
constexpr bool is_full(std::uint32_t used, std::uint32_t homes) {
    return std::uint64_t{used} * 10 >= std::uint64_t{homes} * 9;
}
constexpr std::uint32_t larger_than(std::uint32_t homes) { return homes + homes / 6 + 4; }
} // namespace

std::uint64_t key_index::hash(const slot_name& slot) const {
    if (slot.type == value_type::reg) [[likely]]
        return hash_bytes(slot.key, seed_);
    const auto of_key = hash_bytes(slot.key, seed_ + static_cast<std::uint64_t>(slot.type));
    return has_element(slot.type) ? hash_bytes(slot.element, of_key) : of_key;
}

std::uint64_t key_index::root_hash(std::string_view key) const {
    return hash_bytes(key, seed_ + value_types);
}

template <class Same>
handle* key_index::search(std::uint64_t hash, Same same) {
    auto& in = of(hash);
    const auto wanted = static_cast<std::uint32_t>(hash);
    auto at = in.home(wanted);
    for (; at < in.size; ++at) {
        auto& p = in.places[at];
        if (p.head == 0 || p.hash > wanted) break;
        if (p.hash != wanted) continue;
        const auto* const found = memory_->at(p.head);
        // In a large store each of these accesses misses the cache, so the lines are fetched in parallel.
        __builtin_prefetch(found + 64);
        __builtin_prefetch(found + 128);
        if (same(*reinterpret_cast<const block*>(found), p.head)) return &p.head;
    }
    stopped_ = {hash, at, true};
    return nullptr;
}

handle* key_index::find(std::uint64_t hash, const slot_name& slot) {
    return search(hash, [&](const block& b, handle head) {
        if (b.root != 0) return false;
        return (b.fork == 0 ? b : first_block(*memory_, head)).slot() == slot;
    });
}

handle* key_index::find_root(std::uint64_t hash, std::string_view key) {
    return search(hash, [&](const block& b, handle) { return b.root != 0 && b.key() == key; });
}

void key_index::resize(shard& in, std::uint32_t homes) {
    shard larger;
    larger.homes = homes;
    larger.size = homes + spill_min + homes / 128;
    larger.used = in.used;
    larger.places = std::make_unique<place[]>(larger.size);
    std::uint32_t next = 0;
    for (std::uint32_t i = 0; i < in.size; ++i) {
        // The loop copies free places too, without a branch: the next entry overwrites them or they stay
        // free.
        const auto from = in.places[i];
        const auto at = std::max(next, from.head == 0 ? 0 : larger.home(from.hash));
        if (at >= larger.size) {
            if (from.head == 0) continue;
            return resize(in, larger_than(homes)); // the entries collide at the end of the shard: unlikely
        }
        larger.places[at] = from;
        next = from.head == 0 ? next : at + 1;
    }
    in = std::move(larger);
}

void key_index::insert(std::uint64_t hash, handle head) {
    auto& in = of(hash);
    bool known = std::exchange(stopped_.known, false) && stopped_.hash == hash;
    if (is_full(in.used + 1, in.homes)) {
        resize(in, in.homes == 0 ? first_homes_ : larger_than(in.homes));
        known = false;
    }
    const auto own = static_cast<std::uint32_t>(hash);
    for (;; known = false) {
        auto at = known ? stopped_.at : in.home(own);
        while (at < in.size && in.places[at].head != 0 && in.places[at].hash <= own) ++at;
        auto end = at;
        const auto taken = [&in](std::uint32_t i) { return static_cast<unsigned>(in.places[i].head != 0); };
        // In a nearly full shard the next free place is a dozen steps away, so the loop tests several places
        // at once. Otherwise it is usually this place, and the test must not touch the next cache line.
        while (end + 4 <= in.size && taken(end) != 0 &&
               (taken(end + 1) & taken(end + 2) & taken(end + 3)) != 0)
            end += 4;
        while (end < in.size && in.places[end].head != 0) ++end;
        if (end == in.size) { // no free place up to the end of the shard
            resize(in, larger_than(in.homes));
            continue;
        }
        std::memmove(&in.places[at + 1], &in.places[at], (end - at) * sizeof(place));
        in.places[at] = {head, own};
        break;
    }
    ++in.used;
    ++size_;
}

void key_index::erase(const slot_name& slot) {
    const auto h = hash(slot);
    auto* const found = find(h, slot);
    BATON_ASSERT(found != nullptr);
    erase(h, found);
}

void key_index::erase(std::uint64_t hash, handle* at) {
    stopped_.known = false;
    auto& in = of(hash);
    const auto hole = static_cast<std::uint32_t>(reinterpret_cast<place*>(at) - in.places.get());
    // Close the hole: the entries behind it move up, as far as the first entry that is at its home.
    auto end = hole + 1;
    while (end < in.size && in.places[end].head != 0 && in.home(in.places[end].hash) < end) ++end;
    std::memmove(&in.places[hole], &in.places[hole + 1], (end - 1 - hole) * sizeof(place));
    in.places[end - 1] = {};
    --in.used;
    --size_;
    if (in.used == 0) {
        in = shard{};
    } else if (in.homes > 64 && in.used < in.homes / 4) {
        resize(in, in.homes / 2);
    }
}

void key_index::reserve(std::size_t count) {
    // The count comes from a peer: it must not make this node allocate all its memory.
    constexpr std::size_t believed_max = std::size_t{1} << 22;
    const auto each = std::min(count, believed_max) / shards;
    // Shard sizes vary at random: reserve the mean and four standard deviations.
    std::size_t deviation = 1;
    while (deviation * deviation < each) ++deviation;
    first_homes_ = static_cast<std::uint32_t>((each + 4 * deviation) * 10 / 9 + 4);
}

std::size_t key_index::bytes() const {
    std::size_t sum = sizeof(*this);
    for (const auto& in : table_) sum += in.size * sizeof(place);
    return sum;
}

handle key_index::any() {
    if (size_ == 0) return 0;
    for (;;) {
        if (sweep_shard_ >= shards) sweep_shard_ = 0;
        auto& in = table_[sweep_shard_];
        while (in.used != 0) {
            if (sweep_place_ >= in.size) sweep_place_ = 0; // deletions move entries to the front
            if (in.places[sweep_place_].head != 0) return in.places[sweep_place_].head;
            ++sweep_place_;
        }
        ++sweep_shard_;
        sweep_place_ = 0;
    }
}

void key_index::clear() {
    for (auto& in : table_) in = shard{};
    size_ = sweep_shard_ = sweep_place_ = 0;
    first_homes_ = 4;
    stopped_.known = false;
}

void key_index::swap(key_index& other) {
    BATON_ASSERT(memory_ == other.memory_);
    std::swap(seed_, other.seed_);
    std::swap(size_, other.size_);
    std::swap(table_, other.table_);
    stopped_.known = other.stopped_.known = false;
    sweep_shard_ = sweep_place_ = other.sweep_shard_ = other.sweep_place_ = 0;
}

} // namespace baton::crdt
