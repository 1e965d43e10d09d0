// player: a process with a node and, when it is its turn, the game.
//
// One thread of its own beside the node's. It speaks lines (line.hpp) on stdout and answers two on stdin:
// "state" and "audit". SIGTERM or the end of stdin: it stops playing, stashes the session, leaves, reports,
// exits.
#pragma once

#include "actor.hpp"

enum class part {
    start,     ///< begins a new game
    take_over, ///< joins, and plays on when the session has been stashed
    visit,     ///< joins, and looks at the session that somebody else plays
};

/// Exit status: 0 left safely, 3 degraded or spilled, 4 unsafe, 1 failed (and said so).
[[nodiscard]] int run_player(part role, const actor::settings& settings);
