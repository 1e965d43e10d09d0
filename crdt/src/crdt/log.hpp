// event_log: counter → block, for the live records and removal records of one origin. Walking it from a
// counter on gives what happened since, so a repair costs what is missing and not what is stored.
//
// Owned by a store; same thread contract. Kept in segments of 512 counters; a segment without live blocks is
// dropped. Lookup is O(1) while segments are dense and O(log segments) otherwise, so a far counter costs one
// segment, not memory in proportion to it.
#pragma once

#include "crdt/arena.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace baton {

class event_log {
  public:
    [[nodiscard]] handle at(std::uint64_t counter) const;
    void set(std::uint64_t counter, handle block);
    void erase(std::uint64_t counter);
    /// The smallest live counter in (after, last]; 0 when there is none. At most `steps` slots are looked at:
    /// when they run out, `after` has moved up and `steps` is 0.
    [[nodiscard]] std::uint64_t next(std::uint64_t& after, std::uint64_t last, std::size_t& steps) const;
    [[nodiscard]] std::size_t bytes() const {
        return segments_.capacity() * sizeof(entry) + segments_.size() * sizeof(segment);
    }

  private:
    static constexpr std::uint64_t width = 512;
    struct segment {
        std::uint32_t live = 0;
        std::array<handle, width> blocks{};
    };
    struct entry {
        std::uint64_t number;
        std::unique_ptr<segment> body;
    };
    [[nodiscard]] std::size_t position(std::uint64_t number) const;
    std::vector<entry> segments_; // sorted by number
};

} // namespace baton
