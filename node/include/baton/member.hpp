// member: another node as this one sees it.
//
//     // The name of the member that lags most; nullopt if none lags.
//     std::optional<std::string> slowest(const std::vector<baton::member>& members) {
//         const baton::member* found = nullptr;
//         for (const auto& each : members) {
//             if (each.state != baton::member_state::up || each.lag == 0) continue;
//             if (found == nullptr || each.lag_age > found->lag_age) found = &each;
//         }
//         return found != nullptr ? std::optional(found->name) : std::nullopt;
//     }
//
// Plain values; any thread. node::members() returns them.
#pragma once

#include <baton/api.hpp>
#include <baton/dot.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton {

/// The state of a member, as this node sees it.
enum class member_state : std::uint8_t {
    contacting, ///< this node has heard of it; the handshake is not complete
    up,         ///< each of the two receives what the other sends
    suspect,    ///< it is silent, its connection is closed, or one direction fails
    leaving,    ///< it has announced that it leaves; it still answers reads and serves repairs
    left,       ///< it has left in order
    crashed,    ///< it is gone without a leave; this node still tries its address
};
/// The name of the state as scripts see it, for example "up". Valid for ever.
[[nodiscard]] BATON_API std::string_view to_string(member_state state);

/// Another node, as this one sees it at the moment of the call.
struct member {
    replica_id id{};       ///< its present run
    std::string name;      ///< its options::name
    member_state state{};  ///< what this node knows of its life
    std::string endpoint;  ///< "tcp://HOST:PORT", which another node may use as a seed
    bool synced = false;   ///< this node holds everything that the member held when it joined
    std::uint64_t lag = 0; ///< events of this node that it has not reported as applied

    /// Age of the oldest of these events, accurate to 10 ms or to a hundredth of the longest age.
    std::chrono::milliseconds lag_age{0};
    /// Smoothed round trip of acknowledgements; nullopt before the first.
    std::optional<std::chrono::microseconds> round_trip{};
    /// "tcp://HOST:PORT" of its door for clients (client.hpp); empty: it has none, or is of an older version.
    std::string client_endpoint{};
};

} // namespace baton
