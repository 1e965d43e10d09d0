// arena: what must not be lost. A session of two players whose moves are counted and mixed into a trail, so
// that the state of a session shows which moves it has seen, and that it has seen each once and in order.
//
// Plain values; no clock. Packed for baton by MSGPACK_DEFINE and <baton/typed.hpp>.
#pragma once

#include <baton/typed.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace arena {

/// The trail of a player after move `number`, from the trail before it.
[[nodiscard]] std::uint64_t after_move(std::uint64_t trail, std::size_t session, std::uint64_t number);

struct player {
    std::uint64_t moves = 0, trail = 0;
    MSGPACK_DEFINE(moves, trail)
    bool operator==(const player&) const = default;
};

struct session {
    std::string world;
    std::vector<player> players;
    std::uint64_t handovers = 0; ///< how many servers have taken it over
    MSGPACK_DEFINE(world, players, handovers)

    /// Of each player the longer game: what becomes of two states of the same session.
    void merge(const session& other);
};

inline constexpr std::size_t players_a_session = 2;
inline constexpr std::string_view prefix = "session/";

[[nodiscard]] session new_session(std::size_t number);
[[nodiscard]] std::string key_of(std::size_t number);
[[nodiscard]] std::size_t number_of(std::string_view key);

} // namespace arena
