#include "crdt/arena.hpp"

#include "crdt/assert.hpp"

#include <bit>
#include <cstring>

namespace baton {

// Exact to the unit up to 1 KiB, then in steps of a sixteenth, so that values that change a little reuse
// their blocks.
std::uint32_t arena::class_units(std::size_t bytes) {
    const auto units = static_cast<std::uint32_t>((bytes + unit - 1) / unit);
    if (units <= 128) return units;
    const std::uint32_t step = std::bit_floor(units) / 16;
    return (units + step - 1) / step * step;
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
    if (units < free_.size() && free_[units] != 0) {
        const auto block = free_[units];
        std::memcpy(&free_[units], at(block), sizeof(handle));
        return block;
    }
    if (next_unit_ + units > chunk_units) {
        BATON_ASSERT(chunks_.size() < (large_bit >> chunk_shift));
        chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(chunk_bytes));
        next_unit_ = chunks_.size() == 1 ? 1 : 0; // handle 0 stays "none"
    }
    const auto block = static_cast<handle>((chunks_.size() - 1) << chunk_shift) + next_unit_;
    next_unit_ += units;
    return block;
}

void arena::release(handle block, std::size_t bytes) {
    if (block & large_bit) {
        large_[block & ~large_bit].reset();
        large_free_.push_back(block & ~large_bit);
        large_bytes_ -= bytes;
        return;
    }
    const auto units = class_units(bytes);
    if (units >= free_.size()) free_.resize(units + 1, 0);
    std::memcpy(at(block), &free_[units], sizeof(handle));
    free_[units] = block;
}

} // namespace baton
