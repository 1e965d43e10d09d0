// allowance: bounds per second on what strangers can cause.
//
// Pure values; time is an argument. Each is bounded.
#pragma once

#include "crdt/time.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace baton::core {

/// Permits so many per second, and as many at once.
class allowance {
  public:
    explicit allowance(std::size_t a_second)
        : most_(static_cast<double>(a_second))
        , left_(most_) {}
    [[nodiscard]] bool take(instant now) {
        const std::chrono::duration<double> passed = now - at_;
        left_ = std::min(most_, left_ + most_ * passed.count());
        at_ = now;
        if (left_ < 1) return false;
        left_ -= 1;
        return true;
    }

  private:
    double most_, left_;
    instant at_{};
};

/// One allowance for each address that asks, so that an address that asks without end uses up its own only.
/// All addresses beyond sources_max share one. An address that has not asked for a while makes room.
class allowances_by_source {
  public:
    static constexpr std::size_t sources_max = 256;

    explicit allowances_by_source(std::size_t a_second)
        : each_(std::max<std::size_t>(1, a_second))
        , others_(each_) {}
    [[nodiscard]] bool take(std::string_view source, instant now) {
        auto at = of_.find(source);
        if (at == of_.end()) {
            std::erase_if(of_, [&](const auto& each) { return now - each.second.asked_at >= rests_after; });
            if (of_.size() >= sources_max) return others_.take(now);
            at = of_.emplace(std::string(source), one{allowance(each_), now}).first;
        }
        at->second.asked_at = now;
        return at->second.left.take(now);
    }

  private:
    static constexpr auto rests_after = std::chrono::seconds{2};
    struct one {
        allowance left;
        instant asked_at;
    };
    std::size_t each_;
    allowance others_;
    std::map<std::string, one, std::less<>> of_;
};

/// What was asked or answered although it may be a recording: the largest sequence of each sender, for the
/// latest senders. So a recording has an effect once.
class noted_sequences {
  public:
    static constexpr std::size_t most = 1024;
    /// False: this one, or a later one, has been noted.
    [[nodiscard]] bool note(std::string_view sender, std::uint64_t sequence) {
        const auto at = known_.find(sender);
        if (at != known_.end()) {
            if (at->second >= sequence) return false;
            at->second = sequence;
            return true;
        }
        known_.emplace(sender, sequence);
        order_.emplace_back(sender);
        if (order_.size() > most) {
            known_.erase(order_.front());
            order_.pop_front();
        }
        return true;
    }

  private:
    std::map<std::string, std::uint64_t, std::less<>> known_;
    std::deque<std::string> order_;
};

} // namespace baton::core
