// server: a process with a node that owns some of the sessions, plays the moves that clients send, and hands
// its sessions over when it is told to end.
//
// One thread of its own beside the node's. Clients speak lines over TCP (see below); the director is answered
// on stdout: "ready", then "state" and "books" when asked on stdin; "open" with a number creates sessions. On
// SIGTERM, or when stdin ends, it leaves, writes its books and the report of the leave, and exits.
//
//     play SESSION PLAYER NUMBER   played SESSION NUMBER | lost SESSION MOVES (NUMBER is not the next)
//     look SESSION PLAYER          seen SESSION MOVES TRAIL
//     to either                    at SESSION ADDRESS (ask there) | wait SESSION (ask again)
#pragma once

#include "actor.hpp"

/// Exit status: 0 left safely, 3 degraded, 4 unsafe, 1 failed (and said so).
[[nodiscard]] int run_server(const actor::settings& settings);
