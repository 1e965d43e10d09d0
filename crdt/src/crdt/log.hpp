// event_log: counter → block, for the live records and removal records of one origin. A walk from a counter
// on gives the later events, so the cost of a repair depends on what is missing, not on what is stored.
//
// Owned by a store; same thread contract. Kept in segments of 512 counters: an array while many are live, a
// short sorted list once few are; a segment without live blocks is dropped. Lookup is O(1) while segments are
// dense and O(log) otherwise, so a far counter costs one segment, not memory in proportion to it.
#pragma once

#include "crdt/arena.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace baton::crdt {

class event_log {
  public:
    [[nodiscard]] handle at(std::uint64_t counter) const;
    void set(std::uint64_t counter, handle block);
    void erase(std::uint64_t counter);
    /// The smallest live counter in (after, last]; 0 if there is none. Looks at most at `steps` slots: if
    /// they run out, `after` has moved up and `steps` is 0.
    [[nodiscard]] std::uint64_t next(std::uint64_t& after, std::uint64_t last, std::size_t& steps) const;
    /// Call when no more writes are expected: reduces the memory to what the live blocks need.
    void compact();
    [[nodiscard]] bool empty() const { return live_ == 0; }
    [[nodiscard]] std::size_t live() const { return live_; }
    [[nodiscard]] std::size_t bytes() const {
        return segments_.capacity() * sizeof(segment) + words_ * sizeof(std::uint32_t);
    }

  private:
    static constexpr std::uint64_t width = 512;
    static constexpr std::uint32_t sparse_max = 128; ///< live blocks below which an array is too much

    /// An array of `width` handles; or `room` handles, sorted by counter, and as many counters.
    struct segment {
        std::uint64_t number = 0;
        std::unique_ptr<std::uint32_t[]> words;
        std::uint16_t live = 0;
        std::uint16_t room = width;

        [[nodiscard]] bool dense() const { return room == width; }
        [[nodiscard]] std::uint16_t* offsets() const {
            return reinterpret_cast<std::uint16_t*>(&words[room]);
        }
        [[nodiscard]] std::size_t word_count() const { return words_for(room); }
    };
    static constexpr std::size_t words_for(std::size_t room) {
        return room == width ? width : room + (room + 1) / 2;
    }
    [[nodiscard]] std::size_t position(std::uint64_t number) const;
    /// Where the offset is, or would be, in a sparse segment.
    [[nodiscard]] static std::uint16_t find(const segment& in, std::uint64_t offset);
    void repack(segment& in, std::size_t room);

    std::vector<segment> segments_; // sorted by number
    std::size_t live_ = 0, words_ = 0;
};

} // namespace baton::crdt
