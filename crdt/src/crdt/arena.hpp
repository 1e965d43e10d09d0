// arena: memory for blocks of varying size, named by 32-bit handles instead of 64-bit pointers.
//
// Owned by a store; same thread contract. Memory comes in chunks of 1 MiB that are cut into units of 8 bytes;
// freed blocks go to a list of their size class and are used again for that class. Blocks over 64 KiB are
// allocated alone. allocate and release are O(1). Chunks are returned when the arena goes away.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace baton {

using handle = std::uint32_t; ///< 0 is "none"

class arena {
  public:
    /// A block of at least `bytes` bytes, aligned to 8, uninitialised.
    [[nodiscard]] handle allocate(std::size_t bytes);
    /// `bytes` as given to allocate.
    void release(handle block, std::size_t bytes);
    [[nodiscard]] std::byte* at(handle block) const {
        if (block & large_bit) [[unlikely]]
            return large_[block & ~large_bit].get();
        return chunks_[block >> chunk_shift].get() + std::size_t{block & (chunk_units - 1)} * unit;
    }
    /// Bytes taken from the system.
    [[nodiscard]] std::size_t bytes() const { return chunks_.size() * chunk_bytes + large_bytes_; }

  private:
    static constexpr std::size_t unit = 8;
    static constexpr unsigned chunk_shift = 17;
    static constexpr std::uint32_t chunk_units = 1U << chunk_shift;
    static constexpr std::size_t chunk_bytes = chunk_units * unit;
    static constexpr std::size_t small_bytes_max = std::size_t{64} << 10;
    static constexpr handle large_bit = 0x80000000;

    [[nodiscard]] static std::uint32_t class_units(std::size_t bytes);

    std::vector<std::unique_ptr<std::byte[]>> chunks_;
    std::vector<handle> free_; // by size in units
    std::uint32_t next_unit_ = chunk_units;
    std::vector<std::unique_ptr<std::byte[]>> large_;
    std::vector<std::uint32_t> large_free_;
    std::size_t large_bytes_ = 0;
};

} // namespace baton
