// introductions: what a mesh with a key keeps beside its peers: the keyring, who has been vouched for, which
// questions are out, and how much of what strangers can cause is let through a second.
//
// Pure; plain records that mesh_introduce.cpp keeps consistent. discovery/README.md says why it is so.
#pragma once

#include "core/mesh_options.hpp"
#include "crdt/time.hpp"
#include "discovery/beacon.hpp"
#include "discovery/roster.hpp"
#include "discovery/seal.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace baton::core {

/// So many a second, and as many at once.
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

/// One allowance for each address that asks, and one for all that are beyond so many: who asks without end
/// uses up no other's. An address that has not asked for a while makes room.
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

/// The latest nonces that have been answered to somebody who may be a recording: each once.
class answered_nonces {
  public:
    static constexpr std::size_t most = 1024;
    /// False: it has been answered already.
    [[nodiscard]] bool note(std::string_view nonce) {
        if (!known_.emplace(nonce).second) return false;
        order_.emplace_back(nonce);
        if (order_.size() <= most) return true;
        known_.erase(order_.front());
        order_.pop_front();
        return true;
    }

  private:
    std::set<std::string, std::less<>> known_;
    std::deque<std::string> order_;
};

/// A beacon or an introduction that may be read.
struct heard_beacon {
    discovery::beacon said;
    const mesh_key* by = nullptr; ///< what sealed it
    bool own = false;
};

struct introductions {
    explicit introductions(const mesh_options& settings)
        : ring(settings.keys)
        , known({4 * settings.limits.peers_max, settings.beacon_window, std::chrono::minutes{10}})
        , dials(settings.limits.dials_max)
        , redials(std::max<std::size_t>(1, settings.limits.dials_max / 10))
        , questions(settings.limits.introductions_max)
        , questions_to_strangers(std::max<std::size_t>(1, settings.limits.introductions_max / 2))
        , answers(settings.limits.introductions_max)
        , newcomers(settings.limits.introductions_max)
        , challenges(settings.limits.introductions_max)
        , by_source(settings.limits.introductions_max / 2) {}

    static constexpr std::size_t datagram_bytes = 1200; ///< of a question, so that no answer is larger
    static constexpr std::size_t questions_max = 1024;

    discovery::keyring ring;
    discovery::roster known;
    struct question {
        std::string endpoint;
        instant until{};
    };
    std::map<std::string, question> asked; ///< by nonce
    std::uint64_t last_nonce = 0;
    allowance dials;   ///< of addresses that strangers, beacons and others' words name
    allowance redials; ///< of such an address that has not answered yet
    // Of questions, and of answers to them, a second. What somebody without the key can cause takes nobody's
    // place.
    allowance questions;              ///< sent, whatever the reason
    allowance questions_to_strangers; ///< of these, because of somebody's word
    allowance answers;                ///< to those that were known before
    allowance newcomers;              ///< to those that are new
    allowance challenges;             ///< to those whose clock is off, which recordings are, too
    allowances_by_source by_source;   ///< of all three
    answered_nonces challenged;
};

} // namespace baton::core
