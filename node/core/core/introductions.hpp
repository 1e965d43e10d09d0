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
#include <map>
#include <string>

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
        , answers(settings.limits.introductions_max)
        , challenges(settings.limits.introductions_max) {}

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
    allowance dials, answers;
    allowance
        challenges; ///< of those whose clock is off, which recordings are, too: they take nobody's place
};

} // namespace baton::core
