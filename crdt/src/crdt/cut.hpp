// cut: per replica, the highest counter applied, without gaps; a version vector that is a causal cut (I2).
//
// Values; no shared state. Kept sorted by replica, entries of 0 are not kept, so equal cuts are equal
// vectors.
#pragma once

#include "crdt/plain_names.hpp"

#include <baton/dot.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace baton::crdt {

/// Counters are stored in 48 bits: nine years at a million events a second. Larger ones are refused.
constexpr std::uint64_t counter_max = (std::uint64_t{1} << 48) - 1;

class cut {
  public:
    /// The highest counter of `replica`; 0 when there is none. O(log origins).
    [[nodiscard]] std::uint64_t of(const replica_id& replica) const;
    [[nodiscard]] bool has(const dot& id) const { return id.counter != 0 && id.counter <= of(id.replica); }
    /// Every event under `other` is under this one.
    [[nodiscard]] bool covers(const cut& other) const;
    /// O(log origins), and O(origins) if a replica is added or removed: use it for single entries only.
    void set(const replica_id& replica, std::uint64_t counter);
    void raise(const dot& id);
    /// Per replica the higher counter. O(other × log origins), and O(origins) once if any replica is new.
    void join(const cut& other) { merge(other, true); }
    /// Per replica the counter of `other`, if it has one. The same cost.
    void overlay(const cut& other) { merge(other, false); }
    /// Drops the entries for which `gone` holds. O(origins).
    template <class Gone>
    void erase_if(Gone gone) {
        std::erase_if(entries_, gone);
    }
    /// Per replica the highest counter of `dots`, in any order. O(n log n).
    [[nodiscard]] static cut of_dots(std::vector<dot> dots);
    [[nodiscard]] bool empty() const { return entries_.empty(); }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] std::span<const dot> entries() const { return entries_; }
    /// Appends a dot beyond all present ones; for building from sorted input.
    void push_back(const dot& id);

    friend bool operator==(const cut&, const cut&) = default;

  private:
    void merge(const cut& other, bool highest);
    std::vector<dot> entries_;
};

/// How many events of `ahead` are not under `behind`.
[[nodiscard]] std::uint64_t events_missing(const cut& behind, const cut& ahead);

} // namespace baton::crdt
