#include "crdt/arena.hpp"

#include "crdt/assert.hpp"

#include <algorithm>
#include <bit>

namespace baton::crdt {

// Sizes up to 1 KiB are rounded up to the unit. Larger ones are rounded up in steps of a sixteenth, so that a
// value whose size changes a little reuses its block.
std::uint32_t arena::class_units(std::size_t bytes) {
    const auto units = std::max<std::uint32_t>(2, static_cast<std::uint32_t>((bytes + unit - 1) / unit));
    if (units <= 128) return units;
    const std::uint32_t step = std::bit_floor(units) / 16;
    return (units + step - 1) / step * step;
}

void arena::unlink(handle block) {
    const auto& v = vacancy_at(block);
    if (v.previous != 0) {
        vacancy_at(v.previous).next = v.next;
    } else {
        free_[v.units] = v.next;
    }
    if (v.next != 0) vacancy_at(v.next).previous = v.previous;
}

void arena::open_chunk() {
    const bool useless =
        !chunks_.empty() && chunks_[current_].memory != nullptr && chunks_[current_].live == 0;
    if (useless) close_chunk(current_); // its free blocks have sizes that are not in demand
    if (empty_places_.empty()) {
        BATON_ASSERT(chunks_.size() < chunks_max_);
        current_ = static_cast<std::uint32_t>(chunks_.size());
        chunks_.emplace_back();
    } else {
        current_ = empty_places_.back();
        empty_places_.pop_back();
    }
    chunks_[current_] = {std::make_unique_for_overwrite<std::byte[]>(chunk_bytes), 0,
                         current_ == 0 ? 1U : 0U}; // handle 0 means "none", so no block gets it
    ++chunks_held_;
}

// No block of the chunk is in use. Its free blocks lie one after another, and each stores its size.
void arena::close_chunk(std::uint32_t number) {
    auto& c = chunks_[number];
    for (std::uint32_t at = number == 0 ? 1U : 0U; at < c.cut;) {
        const auto block = (number << chunk_shift) + at;
        const auto units = vacancy_at(block).units;
        unlink(block);
        at += units;
    }
    c = {};
    empty_places_.push_back(number);
    --chunks_held_;
}

handle arena::allocate(std::size_t bytes) {
    if (bytes > small_bytes_max) {
        auto memory = std::make_unique_for_overwrite<std::byte[]>(bytes);
        large_bytes_ += bytes;
        if (!large_free_.empty()) {
            const auto place = large_free_.back();
            large_free_.pop_back();
            large_[place] = std::move(memory);
            return place | large_bit;
        }
        large_.push_back(std::move(memory));
        return static_cast<handle>(large_.size() - 1) | large_bit;
    }
    const auto units = class_units(bytes);
    used_units_ += units;
    if (units < free_.size() && free_[units] != 0) {
        const auto block = free_[units];
        unlink(block);
        chunks_[block >> chunk_shift].live += units;
        return block;
    }
    if (chunks_.empty() || chunks_[current_].memory == nullptr || chunks_[current_].cut + units > chunk_units)
        open_chunk();
    auto& c = chunks_[current_];
    const auto block = static_cast<handle>(current_ << chunk_shift) + c.cut;
    c.cut += units;
    c.live += units;
    return block;
}

bool arena::is_kept(handle block, std::size_t bytes) {
    const auto at = pins_.find(block);
    if (at == pins_.end()) return false;
    at->second.released_bytes = bytes;
    kept_bytes_ += bytes;
    return true;
}

void arena::unpin(handle block) {
    const auto at = pins_.find(block);
    BATON_ASSERT(at != pins_.end());
    if (--at->second.count != 0) return;
    const auto bytes = at->second.released_bytes;
    pins_.erase(at);
    kept_bytes_ -= bytes;
    if (bytes != 0) free(block, bytes);
}

void arena::free(handle block, std::size_t bytes) {
    if (block & large_bit) {
        large_[block & ~large_bit].reset();
        large_free_.push_back(block & ~large_bit);
        large_bytes_ -= bytes;
        return;
    }
    const auto units = class_units(bytes);
    used_units_ -= units;
    if (units >= free_.size()) free_.resize(units + 1, 0);
    vacancy_at(block) = {free_[units], 0, units};
    if (free_[units] != 0) vacancy_at(free_[units]).previous = block;
    free_[units] = block;
    const auto number = block >> chunk_shift;
    auto& c = chunks_[number];
    c.live -= units;
    // The current chunk stays even if it is empty: its free blocks are likely to be reused soon.
    if (c.live == 0 && (number != current_ || used_units_ == 0)) close_chunk(number);
}

} // namespace baton::crdt
