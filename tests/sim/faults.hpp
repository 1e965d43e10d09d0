// faults: what goes wrong in one simulated world, how often, and a tally of what did.
//
// Values. Rates are in thousandths; a default-constructed `rates` is a perfect network.
#pragma once

#include "sim/dice.hpp"
#include "sim/timeline.hpp"

#include <array>
#include <cstdint>
#include <numeric>
#include <string_view>

namespace baton::sim {

enum class fault : std::uint8_t {
    loss,           ///< a message vanished
    duplicate,      ///< a message came twice
    reorder,        ///< a message overtook others of its connection
    late,           ///< a message was held up for long, and what follows it with it
    high_water,     ///< PUB dropped a message for a subscriber that is behind
    garbage,        ///< a message was cut short or overwritten so that it does not decode
    clog,           ///< a path stood still and went on before anybody noticed
    partition,      ///< a path was cut, both ways, one way, or around an island
    crash,          ///< a process died without a word
    server_crash,   ///< … while it was serving a session
    receiver_crash, ///< … while it was receiving one
    restart,        ///< an address came back as a new incarnation
    pause,          ///< a process stood still
    clock_step,     ///< a wall clock jumped
    leave,          ///< a process handed over
    leave_crash,    ///< … and died between two of its steps
    spill,          ///< … or nobody took it, and it wrote a file
    spill_damage,   ///< such a file was cut short, or a bit of it flipped
    count_
};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(fault::count_)> fault_names{
    "loss",  "duplicate",  "reorder", "late",         "high_water",     "garbage",
    "clog",  "partition",  "crash",   "server_crash", "receiver_crash", "restart",
    "pause", "clock_step", "leave",   "leave_crash",  "spill",          "spill_damage"};

struct tally {
    std::array<std::uint64_t, static_cast<std::size_t>(fault::count_)> of{};
    void operator()(fault what) { ++of[static_cast<std::size_t>(what)]; }
    tally& operator+=(const tally& other) {
        for (std::size_t i = 0; i < of.size(); ++i) of[i] += other.of[i];
        return *this;
    }
    [[nodiscard]] std::uint64_t total() const {
        return std::accumulate(of.begin(), of.end(), std::uint64_t{0});
    }
};

struct rates {
    // each message
    std::uint64_t loss = 0, duplicate = 0, reorder = 0, late = 0, garbage = 0;
    duration delay_min{100'000}, delay_max{1'000'000}, late_max{5'000'000'000};
    std::uint64_t bytes_per_second = 0; ///< of each way of a connection; 0: no bound. For scenarios
    std::size_t high_water = 1000;      ///< broadcasts a subscriber may be behind
    // how long until a dead or cut-off peer's connection is given up
    duration detect_min{300'000'000}, detect_max{3'000'000'000};
    // each session
    std::uint64_t server_crash = 0, receiver_crash = 0;
    // each step of a leave
    std::uint64_t leave_crash = 0;
    // weights of the mischief that is done now and then
    std::uint64_t clog = 0, partition = 0, crash = 0, pause = 0, clock_step = 0, leave = 0;
    std::uint64_t spill_damage = 0; ///< of files that leaves have written
    std::uint64_t drift = 0;        ///< how far a wall clock's speed may be off
    /// Work is left half done, so that others are heard in between.
    std::uint64_t slices = 0;

    /// Drawn for each seed: of eight worlds four are mild, three are bad, one is brutal.
    static rates draw(dice& luck);
};

} // namespace baton::sim
