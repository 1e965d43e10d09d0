// client: a process that plays one player's moves in every session, against whichever server owns it, and
// keeps account of what it has been promised.
//
// One thread; no node: it knows one server to begin with, is sent on to the owner, and goes to another when
// one is gone. A move that has not been answered is sent again until it is; the server plays it once. So
// whenever it looks, with nothing under way, a session must have exactly the moves that were acknowledged to
// this client, in the state that they lead to. It looks after every two moves, and at everything in the end.
// The director is answered on stdout: "begun" once every session has been played in, and "account" after
// "finish" on stdin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

struct client_settings {
    std::size_t player = 0; ///< which of a session's players it is
    std::size_t sessions = 0;
    std::uint64_t rate = 0; ///< moves and looks a second
    std::string server;     ///< an address to begin with
};

/// Exit status: 0 if it gave its account, 1 failed (and said so).
[[nodiscard]] int run_client(const client_settings& settings);
