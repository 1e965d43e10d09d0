// costs: the oracle of cost: what each node spends in each second of virtual time, and how much it may spend.
// Each bound is a number with a reason. It grows with what causes work: writes, and nodes that start, end,
// freeze or are cut off. So a node that works without a cause is found.
//
// One thread. Pure: it is told what happens.
#pragma once

#include "core/io.hpp"
#include "sim/oracle.hpp"
#include "sim/timeline.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace baton::sim {

/// What one node does in one second.
struct spending {
    std::uint64_t pulls = 0;       ///< PULLs sent, repeated ones included
    std::uint64_t state_bytes = 0; ///< of STATE frames sent, repeated ones included
    std::uint64_t events = 0;      ///< raised, but conflicts and lost claims
    std::uint64_t full = 0;        ///< of those: that it is full
    std::uint64_t dials = 0;       ///< connections begun
    std::uint64_t bytes = 0;       ///< of all frames sent; a broadcast counts once

    /// Keeps the larger value of each field.
    void raise(const spending& other);
};

class costs {
  public:
    /// The causes by which the bounds grow.
    struct causes {
        std::size_t processes = 0;     ///< alive
        std::uint64_t store_bytes = 0; ///< held by the node
        std::uint64_t chunk_bytes = 0; ///< the largest STATE chunk that anybody asks for
    };

    /// Counts an event of so many bytes.
    void note_write(instant now, std::uint64_t bytes);
    /// A process has started, ended, stood still or gone on, or a path was cut or mended.
    void note_change(instant now);
    /// Adds the output of one step of a node.
    void add(process_number who, instant now, const core::outbox& out);
    /// Names what a node has spent too much of in a second that is over; empty: nothing. Call before add().
    [[nodiscard]] std::string judge(process_number who, instant now, const causes& why);
    /// The most that any node has spent in a second.
    [[nodiscard]] const spending& most() const { return most_; }

  private:
    static constexpr std::size_t remembered = 16; ///< seconds for which a cause gives cause for work
    struct second {
        std::uint64_t number = 0, events = 0, bytes = 0, changes = 0;
    };
    struct account {
        std::uint64_t number = 0; ///< of the second
        spending now;
    };
    [[nodiscard]] second& second_at(instant now);
    [[nodiscard]] second recent(std::uint64_t number) const;

    std::array<second, remembered> seconds_{};
    std::vector<account> accounts_;
    spending most_;
};

} // namespace baton::sim
