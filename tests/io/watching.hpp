// watching: a watch that keeps what is reported, and knows when that cannot be right.
#pragma once

#include "nodes.hpp"

#include <baton/watch.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace io {

/// Any thread. It holds what its node holds once nothing changes any more.
class listener {
    template <class Look>
    auto with(Look look) const {
        const std::lock_guard lock(mutex_);
        return look();
    }

  public:
    using state = std::map<std::string, std::string>; ///< of counters, their sum

    /// `of`: a node or a client. `then` is called after each change has been kept, on the thread of the
    /// watch.
    template <class Of>
    listener(Of& of, const std::string& prefix, baton::change_handler then = {})
        : prefix_(prefix)
        , then_(std::move(then)) {
        auto made = of.watch(prefix, [this](const baton::change& what) {
            keep(what);
            if (then_) then_(what);
        });
        if (!made) throw std::runtime_error(made.error().what);
        auto held = std::make_shared<std::decay_t<decltype(*made)>>(*std::move(made));
        end_ = [held] { held->unwatch(); };
    }

    [[nodiscard]] state holds() const {
        return with([this] { return holds_; });
    }
    [[nodiscard]] std::vector<baton::change_kind> kinds() const {
        return with([this] { return kinds_; });
    }
    [[nodiscard]] std::size_t told() const { return kinds().size(); }
    [[nodiscard]] std::size_t times(const std::string& key) const {
        return with([&] { return times_.contains(key) ? times_.at(key) : 0; });
    }
    [[nodiscard]] baton::change last_of(const std::string& key) const {
        return with([&] { return last_.contains(key) ? last_.at(key) : baton::change{}; });
    }
    [[nodiscard]] std::uint64_t lagged() const {
        return with([this] { return lagged_; });
    }
    /// Reports that it should not have received, in words.
    [[nodiscard]] std::string wrong() const {
        return with([this] { return wrong_; });
    }

    [[nodiscard]] bool eventually_done(milliseconds within = 10s) const {
        return eventually(within, [this] { return with([this] { return done_ > 0; }); });
    }
    [[nodiscard]] bool eventually_holds(const state& wanted, milliseconds within = 10s) const {
        return eventually(within, [&] { return holds() == wanted; });
    }
    ~listener() { end_(); }
    listener(const listener&) = delete;
    void unwatch() { end_(); }

  private:
    void fault(const std::string& what) {
        if (wrong_.empty()) wrong_ = what;
    }
    void keep(const baton::change& what) {
        using baton::change_kind;
        const std::lock_guard lock(mutex_);
        kinds_.push_back(what.kind);
        if (what.kind == change_kind::initial_done) {
            if (++done_ > 1 + lags_) fault("initial_done once too often");
            return;
        }
        if (what.kind == change_kind::lagged) {
            ++lags_;
            lagged_ += what.count;
            if (what.count == 0) fault("lagged by nothing");
            return;
        }
        if (!what.key.starts_with(prefix_)) fault(what.key + " is of another prefix");
        ++times_[what.key];
        const bool had = holds_.contains(what.key);
        if (what.kind == change_kind::removed) {
            if (!had) fault(what.key + " is removed and was not there");
            holds_.erase(what.key);
        } else {
            auto& seen = versions_[what.key];
            if (what.type == baton::value_kind::reg) {
                // These tests have one writer per key, so a later version has a larger counter.
                if (what.written.id.replica == seen.id.replica && what.written.id.counter < seen.id.counter)
                    fault(what.key + " went back");
                seen = what.written;
            }
            holds_[what.key] =
                what.type == baton::value_kind::counter ? std::to_string(what.sum) : what.value;
        }
        last_[what.key] = what;
    }

    const std::string prefix_;
    const baton::change_handler then_;
    mutable std::mutex mutex_;
    state holds_;
    std::map<std::string, baton::version> versions_;
    std::map<std::string, baton::change> last_;
    std::map<std::string, std::size_t> times_;
    std::vector<baton::change_kind> kinds_;
    std::size_t done_ = 0, lags_ = 0;
    std::uint64_t lagged_ = 0;
    std::string wrong_;
    std::function<void()> end_;
};

/// What a listener should hold in the end: registers and counters by value, other types by name.
inline listener::state state_of(const baton::node& of, const std::string& prefix) {
    listener::state all;
    for (const auto& key : *of.keys(prefix)) {
        const auto got = of.pickup(key);
        const auto sum = of.count(key);
        all[key] = sum && *sum ? std::to_string(**sum) : got ? got->value : "";
    }
    return all;
}

/// Ends what a handler waits for, also where a test fails: its listener waits for the call that is under way.
struct let_go {
    std::atomic<bool>& waited_for;
    ~let_go() { waited_for = false; }
};

} // namespace io
