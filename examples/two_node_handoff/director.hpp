// director: starts the players, checks every step of the handoff, tells the story.
#pragma once

/// Exit status 0 only when nothing was lost. Ends within 15 s (times BATON_TEST_SLOWDOWN) with "handoff: OK
/// …" or "handoff: FAILED …".
[[nodiscard]] int run_director(bool verbose);
