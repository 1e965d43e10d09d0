// cut: per replica, the highest counter applied, without gaps; a version vector that is a causal cut (I2).
//
// Values; no shared state. Kept sorted by replica, entries of 0 are not kept, so equal cuts are equal
// vectors.
#pragma once

#include <baton/dot.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace baton {

/// Counters are stored in 48 bits: nine years at a million events a second. Larger ones are refused.
constexpr std::uint64_t counter_max = (std::uint64_t{1} << 48) - 1;

class cut {
  public:
    /// The highest counter of `replica`; 0 when there is none. O(log origins).
    [[nodiscard]] std::uint64_t of(const replica_id& replica) const;
    [[nodiscard]] bool has(const dot& id) const { return id.counter != 0 && id.counter <= of(id.replica); }
    /// Every event under `other` is under this one.
    [[nodiscard]] bool covers(const cut& other) const;
    void set(const replica_id& replica, std::uint64_t counter);
    void raise(const dot& id);
    void join(const cut& other);
    [[nodiscard]] bool empty() const { return entries_.empty(); }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] std::span<const dot> entries() const { return entries_; }
    /// Appends a dot beyond all present ones; for building from sorted input.
    void push_back(const dot& id);

    friend bool operator==(const cut&, const cut&) = default;

  private:
    std::vector<dot> entries_;
};

/// How many events of `ahead` are not under `behind`.
[[nodiscard]] std::uint64_t events_missing(const cut& behind, const cut& ahead);

} // namespace baton
