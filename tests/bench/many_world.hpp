// What the nodes of a large mesh say to one another while nothing happens, in the simulator's world
// (tests/sim): the real core under a virtual clock, and what it asks to be sent.
//
// One thread.
#pragma once

#include <cstddef>

namespace baton::bench {

/// Bytes a second that one node sends, without any headers: a beacon counts once, HELLO once a subscriber.
struct small_talk {
    double hello = 0, beacons = 0, other = 0;
    double beacons_sent = 0; ///< how many a second
    double joined_after = 0; ///< seconds until all had met
    [[nodiscard]] double total() const { return hello + beacons + other; }
};

/// So many nodes are started within a second, and listened to once they have been quiet.
small_talk many_world(std::size_t nodes);

} // namespace baton::bench
