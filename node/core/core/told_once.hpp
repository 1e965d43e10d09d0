// told_once: lets each message be logged or reported once per hour. It is bounded: when it is full, it counts
// the other messages, and the caller reports the count.
//
// Pure; a value of one thread.
#pragma once

#include "crdt/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>

namespace baton::core {

class told_once {
  public:
    static constexpr auto again_after = std::chrono::hours{1};
    static constexpr auto count_every = std::chrono::minutes{1};

    explicit told_once(std::size_t most)
        : most_(most) {}

    /// Whether to report it now. O(log most).
    [[nodiscard]] bool first(std::string what, instant now) {
        if (now - since_ >= again_after) {
            told_.clear();
            kinds_.clear();
            since_ = now;
        }
        if (told_.size() < most_) return told_.insert(std::move(what)).second;
        if (!told_.contains(what)) ++left_out_;
        return false;
    }
    /// After first(), if it is full: whether no message of this kind has been reported yet. Kinds are
    /// literals, and few.
    [[nodiscard]] bool is_new_kind(const char* kind) {
        return told_.size() >= most_ && kinds_.insert(kind).second;
    }
    /// How many messages were left out since the last result that was not 0. Not 0 at most once a minute.
    [[nodiscard]] std::uint64_t left_out(instant now) {
        if (left_out_ == 0 || now - counted_at_ < count_every) return 0;
        counted_at_ = now;
        return std::exchange(left_out_, 0);
    }

  private:
    std::size_t most_;
    std::set<std::string> told_;
    std::set<std::string> kinds_; ///< of what came when it was full
    std::uint64_t left_out_ = 0;
    instant since_{}, counted_at_{};
};

} // namespace baton::core
