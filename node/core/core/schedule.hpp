// schedule: the moment of the present call, and the time of the next call.
//
// A value; owned by a mesh, same thread contract. Machines read the moment here and ask for a call; only the
// mesh sets the moment.
#pragma once

#include "crdt/time.hpp"

#include <algorithm>

namespace baton::core {

class schedule {
  public:
    explicit schedule(const moment& first)
        : at_(first)
        , wake_at_(first.now)
        , ran_at_(first.now) {}

    [[nodiscard]] const moment& at() const { return at_; }
    [[nodiscard]] instant now() const { return at_.now; }
    /// Asks for a call at `when`, or earlier.
    void wake_by(instant when) { wake_at_ = std::min(wake_at_, when); }
    [[nodiscard]] instant wake_at() const { return wake_at_; }

    // --- for the mesh ---
    void begin(const moment& at) { at_ = at; }
    /// Time since the timers last ran.
    [[nodiscard]] mesh_clock::duration pause() const { return at_.now - ran_at_; }
    /// The timers run now: each asks again.
    void clear() {
        ran_at_ = at_.now;
        wake_at_ = instant::max();
    }

  private:
    moment at_;
    instant wake_at_, ran_at_;
};

} // namespace baton::core
