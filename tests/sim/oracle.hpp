// oracle: what users wrote, and what therefore must be readable under a cut. It keeps every event for ever
// and computes visibility directly, knowing nothing of logs, sessions, digests or records of counters.
//
// One thread. Source: visibility and arbitration as in Burckhardt, "Principles of Eventual Consistency",
// 2014.
#pragma once

#include "crdt/slot.hpp"
#include "crdt/time.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace baton::sim {

using namespace crdt;

/// Number of one incarnation of one node, from 0, in order of their starts.
using process_number = std::size_t;
/// A cut as the oracle sees it: the counter of each process; missing ones are 0.
using counts = std::vector<std::uint64_t>;

[[nodiscard]] inline std::uint64_t count_of(const counts& cut, process_number who) {
    return who < cut.size() ? cut[who] : 0;
}
[[nodiscard]] bool covers(const counts& cut, const counts& other);

/// An operation on a key. A removal of type `scope` removes the set, map and flag of the key.
struct operation {
    value_type type = value_type::reg;
    bool removal = false;
    std::size_t element = 0; ///< of a set or a map
    std::int64_t amount = 0; ///< of an addition to a counter
    std::string value{};
    std::uint64_t epoch = 0; ///< odd: the writer has claimed the register
    timestamp stamp{};
    /// Origin and counter of everything that it replaces of others, if it names that.
    std::optional<std::vector<std::pair<process_number, std::uint64_t>>> only{};
};

class oracle {
  public:
    struct written {
        process_number origin;
        std::uint64_t counter;
        operation what;
        counts saw; ///< the writer's cut at the time
        std::vector<std::uint64_t>
            replaced; ///< a bit for each event of this key, in order of writing: gone where this one is seen
    };

    explicit oracle(std::size_t keys)
        : keys_(keys) {}

    /// `saw` is the writer's cut before this event.
    void write(process_number origin, std::uint64_t counter, std::size_t key, operation what, counts saw);
    /// A value that a node found in a damaged spill and wrote again: it replaces nothing.
    void write_beside(process_number origin, std::uint64_t counter, std::size_t key, operation what,
                      counts saw);
    /// An event that a node wrote by itself: it has causes, and shows nothing.
    void note(process_number origin, std::uint64_t counter, counts saw);
    /// The puts and additions under the cut that no event under the cut has replaced, in the order of
    /// writing.
    void visible(std::size_t key, const counts& cut, std::vector<const written*>& into) const;
    /// Every event under the cut finds under it what its writer had seen.
    [[nodiscard]] bool causally_closed(const counts& cut) const;
    /// How many events a process has written.
    [[nodiscard]] std::uint64_t issued(process_number origin) const {
        return origin < by_origin_.size() ? by_origin_[origin].size() : 0;
    }
    [[nodiscard]] std::size_t keys() const { return keys_.size(); }

  private:
    void enter(const written& event);
    std::vector<std::deque<written>> keys_;
    std::deque<written> silent_;
    std::vector<std::vector<const written*>> by_origin_; ///< by counter − 1; stable addresses
};

} // namespace baton::sim
