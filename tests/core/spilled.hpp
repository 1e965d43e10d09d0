// spilled: what the tests of spills share: scenes whose leaves write files, small ones.
#pragma once

#include "scene.hpp"

namespace baton::sim {

inline world::settings spilling(std::size_t keys = 20) {
    auto how = small_chunks(keys);
    how.node.spills = true;
    how.node.alone_after = 500ms;
    return how;
}

/// Leaves, and is gone; the file it has left, if any.
inline world::spill* left_by(scene& s, process_number who, duration within = 200ms) {
    const auto slot = s.at(who).slot;
    s.leave(who, 2, within);
    REQUIRE(s.run_until([&] { return s.at(who).left; }, 5s));
    for (auto* const file : s.spills_at(slot)) {
        if (file->writer == who) return file;
    }
    return nullptr;
}

/// Starts at a slot whose files are no longer there; to be given them by hand.
inline process_number start_without_files(scene& s, slot_number slot) {
    auto own = spilling().node;
    own.spills = false;
    return s.start(slot, own);
}

inline bool has_merged(scene& s, process_number who) { return s.mesh(who).spills_waiting() == 0; }

} // namespace baton::sim
