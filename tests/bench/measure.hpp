// Time, order statistics and the payload of every row: 20-byte keys, 100-byte values.
//
// Plain functions, any thread; a `payload` belongs to one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <string_view>
#include <vector>

namespace baton::bench {

/// CLOCK_MONOTONIC: comparable between the processes of one machine.
inline std::int64_t now_ns() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

/// Sleeps until an instant of now_ns().
inline void sleep_until_ns(std::int64_t at) {
    const timespec t{at / 1'000'000'000, at % 1'000'000'000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr) != 0) {
    }
}

inline void sleep_for_us(std::int64_t us) { sleep_until_ns(now_ns() + us * 1000); }

/// The value below which the share `q` of `samples` lies. Precondition: not empty.
inline double quantile(std::vector<double> samples, double q) {
    const auto rank = static_cast<std::ptrdiff_t>(q * static_cast<double>(samples.size() - 1) + 0.5);
    std::nth_element(samples.begin(), samples.begin() + rank, samples.end());
    return samples[static_cast<std::size_t>(rank)];
}

/// The middle one, or the mean of the two in the middle. Precondition: not empty.
inline double median(std::vector<double> samples) {
    std::sort(samples.begin(), samples.end());
    const auto half = samples.size() / 2;
    return samples.size() % 2 == 1 ? samples[half] : (samples[half - 1] + samples[half]) / 2;
}

/// A bijection of 64-bit words that looks random. Source: Steele et al. 2014 (splitmix64's finaliser).
constexpr std::uint64_t scramble(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

inline constexpr std::size_t key_bytes = 20, value_bytes = 100;

/// Makes the i-th key and the i-th value, each in its own buffer: what it returns is valid until the next
/// call. Keys are distinct and in no order; values differ, and their tail does not compress.
class payload {
  public:
    payload() {
        std::memcpy(key_, "key:", 4);
        for (std::size_t i = 0; i < value_bytes; ++i) {
            value_[i] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-"[scramble(i) % 64];
        }
    }
    std::string_view key(std::uint64_t i) {
        hex(key_ + 4, scramble(i));
        return {key_, key_bytes};
    }
    std::string_view value(std::uint64_t i) {
        hex(value_, i);
        return {value_, value_bytes};
    }
    /// The i-th key and value, one after the other.
    void fill(char (&to)[key_bytes + value_bytes], std::uint64_t i) {
        std::memcpy(to, key(i).data(), key_bytes);
        std::memcpy(to + key_bytes, value(i).data(), value_bytes);
    }

  private:
    static void hex(char* to, std::uint64_t word) {
        for (int i = 0; i < 16; ++i, word >>= 4) to[i] = "0123456789abcdef"[word & 15];
    }
    char key_[key_bytes], value_[value_bytes];
};

} // namespace baton::bench
