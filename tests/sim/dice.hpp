// dice: the only randomness of a simulated world. One seed, the same throws on every machine.
//
// A value; one thread. No std::*_distribution: they differ between libraries.
// Source: SplitMix64 (Steele, Lea, Flood, 2014).
#pragma once

#include <chrono>
#include <cstdint>

namespace baton::sim {

class dice {
  public:
    explicit dice(std::uint64_t seed)
        : state_(seed) {}

    std::uint64_t next() {
        auto z = state_ += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    /// 0 … bound − 1; 0 when there is nothing to choose from.
    std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
    /// Both ends included.
    std::uint64_t between(std::uint64_t low, std::uint64_t high) { return low + below(high - low + 1); }
    std::chrono::nanoseconds between(std::chrono::nanoseconds low, std::chrono::nanoseconds high) {
        const auto span = static_cast<std::uint64_t>((high - low).count());
        return low + std::chrono::nanoseconds(static_cast<std::int64_t>(between(0, span)));
    }
    /// Rates are in thousandths. Nothing is thrown for a rate of 0, so that a fault switched off leaves no
    /// trace.
    bool chance(std::uint64_t per_mille) { return per_mille != 0 && below(1000) < per_mille; }
    /// A generator for one purpose: its draws do not shift those of another.
    dice fork() { return dice(next()); }

  private:
    std::uint64_t state_;
};

} // namespace baton::sim
