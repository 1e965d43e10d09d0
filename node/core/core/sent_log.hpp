// sent_log: when own events were sent, and how many bytes had been written by then: the basis of a member's
// lag.
//
// Pure; owned by a mesh, same thread contract. Holds a bounded number of spans of counters. Spans that no
// member lacks are dropped; if a member lacks very many, the spans become longer. A figure is exact to one
// span, and never too small.
#pragma once

#include "crdt/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace baton::core {

class sent_log {
  public:
    /// `spans_max`: at least 2.
    explicit sent_log(std::size_t spans_max)
        : spans_max_(spans_max) {}
    /// Call for every own write.
    void add(std::size_t bytes) { written_ += bytes; }
    [[nodiscard]] std::uint64_t written() const { return written_; }
    /// All own events up to `own` have been sent or announced by now. `least`: a function that returns the
    /// counter up to which no member lacks events; it is called seldom. Usually O(1).
    template <class Least>
    void note(std::uint64_t own, instant now, Least least) {
        const auto before = noted_;
        noted_ = written_;
        if (!spans_.empty() && (spans_.back().last == own || now - spans_.back().begun < span_)) {
            spans_.back().last = own;
            return;
        }
        if (spans_.size() >= spans_max_) thin(least());
        spans_.push_back({own, now, before});
    }
    /// How long the event has been under way; 0: it has not been sent, or no member lacks it.
    [[nodiscard]] std::chrono::milliseconds age_of(std::uint64_t counter, instant now) const;
    /// Bytes written from this event on; events up to `own` have been written.
    [[nodiscard]] std::uint64_t bytes_from(std::uint64_t counter, std::uint64_t own) const;

  private:
    struct span {
        std::uint64_t last;   ///< events up to here, after those of the span before,
        instant begun;        ///< were sent from then on
        std::uint64_t before; ///< bytes written before the first of them
    };
    [[nodiscard]] const span* span_of(std::uint64_t counter) const;
    void thin(std::uint64_t nobody_lacks);

    std::size_t spans_max_;
    std::vector<span> spans_; ///< by counter
    mesh_clock::duration span_{std::chrono::milliseconds(10)};
    std::uint64_t written_ = 0, noted_ = 0;
};

} // namespace baton::core
