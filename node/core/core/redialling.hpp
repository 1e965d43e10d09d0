// redialling: when this node tries to reach a crashed member again. For a minute the link stays, and the
// transport keeps dialling. After that a crashed member has no connection. All crashed members share two
// small allowances: a knock, a TCP connection that is closed at once, about every minute; and a datagram,
// which costs a tenth of that and is sent more often, so that a cut heals within a second or two. If the last
// knock was refused, the process is gone or a firewall refuses: then datagrams are rare.
//
// Pure; a record inside each peer, and one pace for all. When to call again: at due() of each record.
#pragma once

#include "crdt/time.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace baton::core {

enum class knock_outcome : std::uint8_t {
    open,
    refused,
    silent,
    unreachable, ///< a device on the path reports that it cannot be reached
};

/// Of one dead member.
struct redial_record {
    instant link_until{}; ///< when its link is given up, unless it answers
    instant tried_at{};   ///< when it last got a link because of a sign of life
    bool waits = false;   ///< it has no link any more, and is tried in turn
    instant knock_at{}, datagram_at{};
    std::size_t knocks = 0; ///< which of its addresses is next
    bool refused = false;   ///< by the last knock
};

class redialling {
  public:
    static constexpr auto link_kept_for = std::chrono::seconds{60};
    static constexpr auto tries_apart = std::chrono::seconds{10};
    /// Time for a connection and a handshake after a sign of life.
    static constexpr auto link_tried_for = std::chrono::seconds{5};
    static constexpr auto knock_every = std::chrono::seconds{60}; ///< and up to half as long again
    static constexpr auto datagram_every = std::chrono::seconds{1};
    static constexpr auto datagram_every_refused = std::chrono::seconds{10};
    /// For all crashed members together.
    static constexpr auto knocks_apart = std::chrono::milliseconds{250};
    static constexpr auto datagrams_apart = std::chrono::milliseconds{200};

    /// Its link has been given up.
    static void begin(redial_record& of, instant now, std::uint64_t random) {
        of.waits = true;
        of.knock_at = now + std::chrono::milliseconds{random % 10'000};
        of.datagram_at = now;
    }
    static void knocked(redial_record& of, knock_outcome how, instant now) {
        const bool was_refused = of.refused;
        of.refused = how == knock_outcome::refused;
        if (was_refused && !of.refused) of.datagram_at = now;
    }
    [[nodiscard]] bool knocks_now(instant now) const { return now >= next_knock_; }
    [[nodiscard]] bool sends_now(instant now) const { return now >= next_datagram_; }
    void note_knock(redial_record& of, instant now, std::uint64_t random) {
        next_knock_ = now + knocks_apart;
        of.knock_at =
            now + knock_every +
            std::chrono::milliseconds{random % (std::chrono::milliseconds{knock_every}.count() / 2)};
        ++of.knocks;
    }
    void note_datagram(redial_record& of, instant now) {
        next_datagram_ = now + datagrams_apart;
        of.datagram_at = now + (of.refused ? datagram_every_refused : datagram_every);
    }
    /// When its turn may come, as far as is known now.
    [[nodiscard]] instant due(const redial_record& of) const {
        return std::min(std::max(of.knock_at, next_knock_), std::max(of.datagram_at, next_datagram_));
    }

  private:
    instant next_knock_{}, next_datagram_{};
};

} // namespace baton::core
