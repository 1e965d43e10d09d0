// arena: memory for blocks of varying size, named by 32-bit handles instead of 64-bit pointers.
//
// Owned by a store; same thread contract. Memory comes in chunks of 1 MiB that are cut into units of 8 bytes;
// freed blocks go to a list of their size class and are used again for that class; a chunk that is empty
// again is returned to the system. Blocks over 64 KiB are allocated alone. allocate is O(1),
// release is amortised O(1): the return of a chunk looks at its blocks. A pinned block stays readable after
// its release, until it is unpinned.
#pragma once

#include "crdt/plain_names.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace baton::crdt {

using handle = std::uint32_t; ///< 0 is "none"

class arena {
  public:
    static constexpr std::size_t chunk_bytes = std::size_t{1} << 20;
    /// What a handle can name: 16 GiB of blocks up to 64 KiB.
    static constexpr std::size_t chunks_most = std::size_t{1} << 14;

    explicit arena(std::size_t chunks_max = chunks_most)
        : chunks_max_(chunks_max) {}

    /// A block of at least `bytes` bytes aligned to 8, uninitialised.
    [[nodiscard]] handle allocate(std::size_t bytes);
    /// `bytes` as given to allocate.
    void release(handle block, std::size_t bytes) {
        if (!pins_.empty() && is_kept(block, bytes)) [[unlikely]]
            return;
        free(block, bytes);
    }
    /// Each pin needs one unpin. Pinned blocks are few: O(log of their number).
    void pin(handle block) { ++pins_[block].count; }
    void unpin(handle block);
    /// Bytes of blocks that exist only because they are pinned.
    [[nodiscard]] std::size_t kept_bytes() const { return kept_bytes_; }
    [[nodiscard]] std::byte* at(handle block) const {
        if (block & large_bit) [[unlikely]]
            return large_[block & ~large_bit].get();
        return chunks_[block >> chunk_shift].memory.get() + std::size_t{block & (chunk_units - 1)} * unit;
    }
    /// Less than an eighth of the possible memory is left, or would be after `bytes` more: the caller must
    /// accept nothing more. An allocation beyond the end is a bug of a caller that does not check in time.
    [[nodiscard]] bool is_short(std::size_t bytes = 0) const {
        return chunks_held_ + bytes / chunk_bytes > chunks_max_ - chunks_max_ / 8;
    }
    /// Bytes in use, rounding included.
    [[nodiscard]] std::size_t used() const { return used_units_ * unit + large_bytes_; }
    /// Bytes taken from the system.
    [[nodiscard]] std::size_t bytes() const { return chunks_held_ * chunk_bytes + large_bytes_; }

  private:
    static constexpr std::size_t unit = 8;
    static constexpr unsigned chunk_shift = 17;
    static constexpr std::uint32_t chunk_units = 1U << chunk_shift;
    static_assert(chunk_bytes == chunk_units * unit);
    static_assert(chunks_most == std::size_t{0x80000000} >> chunk_shift);
    static constexpr std::size_t small_bytes_max = std::size_t{64} << 10;
    static constexpr handle large_bit = 0x80000000;

    struct chunk {
        std::unique_ptr<std::byte[]> memory;
        std::uint32_t live = 0; ///< units in use
        std::uint32_t cut = 0;  ///< units handed out so far, in use or free
    };
    /// The header of a free block.
    struct vacancy {
        handle next, previous;
        std::uint32_t units;
    };
    [[nodiscard]] static std::uint32_t class_units(std::size_t bytes);
    [[nodiscard]] vacancy& vacancy_at(handle block) const { return *reinterpret_cast<vacancy*>(at(block)); }
    struct hold {
        std::size_t count = 0, released_bytes = 0; ///< 0: it has not been released
    };
    [[nodiscard]] bool is_kept(handle block, std::size_t bytes);
    void free(handle block, std::size_t bytes);
    void unlink(handle block);
    void open_chunk();
    void close_chunk(std::uint32_t number);

    std::size_t chunks_max_;
    std::vector<chunk> chunks_;
    std::size_t chunks_held_ = 0;
    std::uint32_t current_ = 0;               ///< the chunk that is being cut
    std::vector<std::uint32_t> empty_places_; ///< of chunks_
    std::vector<handle> free_;                ///< heads of the lists, by size in units
    std::vector<std::unique_ptr<std::byte[]>> large_;
    std::vector<std::uint32_t> large_free_;
    std::size_t large_bytes_ = 0, used_units_ = 0, kept_bytes_ = 0;
    std::map<handle, hold> pins_;
};

} // namespace baton::crdt
