// mailbox: what other threads have for the desk. It outlives the desk, since the node's I/O thread may still
// hold calls of it.
//
// Any thread; it never blocks for longer than a push.
#pragma once

#include "core/answers.hpp"
#include "shell/descriptor.hpp"
#include "shell/door/guest.hpp"

#include <baton/leave.hpp>
#include <baton/pickup.hpp>
#include <baton/result.hpp>
#include <baton/write.hpp>

#include <sys/eventfd.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace baton::shell {

/// A call of a client that is over.
struct done_letter {
    replica_id client{};
    kept_call call;
    std::variant<result<write_result>, result<pickup_result>, result<core::claim_grant>, result<leave_report>>
        with;
};
/// A search that came by UDP.
struct search_letter {
    std::string endpoint; ///< its source, or the source's host with port 0
    std::string bytes;
};
using letter = std::variant<done_letter, search_letter>;

class mailbox {
  public:
    mailbox()
        : bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
    [[nodiscard]] int fd() const { return bell_.get(); }
    void push(letter what) {
        {
            const std::lock_guard lock(mutex_);
            letters_.push_back(std::move(what));
        }
        ring();
    }
    /// Searches are dropped when so many wait.
    void offer(search_letter what) {
        constexpr std::size_t searches_max = 64;
        {
            const std::lock_guard lock(mutex_);
            if (searches_ >= searches_max) return;
            ++searches_;
            letters_.emplace_back(std::move(what));
        }
        ring();
    }
    void ring() {
        if (rung_.exchange(true)) return;
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(bell_.get(), &one, sizeof one);
    }
    [[nodiscard]] std::vector<letter> take() {
        std::uint64_t rung = 0;
        [[maybe_unused]] const auto got = ::read(bell_.get(), &rung, sizeof rung);
        rung_ = false;
        const std::lock_guard lock(mutex_);
        searches_ = 0;
        return std::exchange(letters_, {});
    }

  private:
    descriptor bell_;
    std::mutex mutex_;
    std::vector<letter> letters_;
    std::size_t searches_ = 0;
    std::atomic<bool> rung_{false};
};

} // namespace baton::shell
