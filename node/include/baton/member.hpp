// member: another node as this one sees it.
#pragma once

#include <baton/dot.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace baton {

/// Where a member is in its life, as this node sees it.
enum class member_state : std::uint8_t {
    contacting, ///< heard of; the readiness handshake is not over
    up,         ///< hears us and is heard
    suspect,    ///< silent, or its connection closed
    leaving,    ///< has announced that it leaves; it still serves reads and repairs
    left,       ///< said goodbye
    crashed,    ///< gone without a word; its address is still tried
};
[[nodiscard]] std::string_view to_string(member_state state);

struct member {
    replica_id id{};
    std::string name;
    member_state state{};
    std::string endpoint;  ///< "tcp://HOST:PORT", what another node may name as a seed
    bool synced = false;   ///< we hold everything it held when it joined
    std::uint64_t lag = 0; ///< our own events that it has not told us it has applied
    /// For how long the oldest of those has been on its way; to 10 ms, or a hundredth of the longest.
    std::chrono::milliseconds lag_age{0};
    std::chrono::microseconds round_trip{0}; ///< of acknowledgements, smoothed; 0 until there was one
};

} // namespace baton
