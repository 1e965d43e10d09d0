// game: what must not be lost. A session that is played round by round, and results of games played before.
//
// Plain values; no clock, no hidden randomness: the session of round n is always the same, so the director
// can play it again and compare. Packed for baton by MSGPACK_DEFINE and <baton/typed.hpp>.
#pragma once

#include <baton/typed.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace game {

struct player {
    std::string name;
    std::int32_t x = 0, y = 0;
    std::uint64_t score = 0;
    MSGPACK_DEFINE(name, x, y, score)
    bool operator==(const player&) const = default;
};

/// Something a player has registered to happen in a later round.
struct action {
    std::string name;
    std::uint64_t due_round = 0;
    MSGPACK_DEFINE(name, due_round)
    bool operator==(const action&) const = default;
};

struct session {
    std::string id, world;
    std::uint64_t map_seed = 0, random = 0, round = 0;
    std::vector<player> players;
    std::vector<action> actions;
    MSGPACK_DEFINE(id, world, map_seed, random, round, players, actions)
    bool operator==(const session&) const = default;

    /// Plays one round: everybody moves, who meets scores, due actions happen and are registered anew.
    void play_round();
};

/// Round 0 of the game that the demo is about.
[[nodiscard]] session new_session();
/// The same, played to `round`.
[[nodiscard]] session session_at(std::uint64_t round);
/// How many fields (players and actions counted one by one) of `expected` are not so in `found`.
[[nodiscard]] std::size_t fields_lost(const session& expected, const session& found);

/// The settled result of an earlier game.
struct result {
    std::string game, winner;
    std::uint64_t rounds = 0;
    MSGPACK_DEFINE(game, winner, rounds)
    bool operator==(const result&) const = default;
};

inline constexpr std::size_t results_total = 500;
inline constexpr const char* result_prefix = "result/";

/// The `number`-th of them, and its key.
[[nodiscard]] result nth_result(std::size_t number);
[[nodiscard]] std::string result_key(std::size_t number);
[[nodiscard]] std::string session_key();

} // namespace game
