// herald: publishes this node's state on PUB with every heartbeat: a whole HELLO if something is new,
// otherwise a BRIEF, which names the state by its hash.
//
// Pure; owned by a mesh, same thread contract. Frames of own events go first: PUB never reports an event
// before the event itself. When to call again: publish() with every heartbeat, and when the fullness has
// changed.
#pragma once

#include "core/contact/hello_writer.hpp"
#include "core/courier.hpp"
#include "core/io.hpp"
#include "core/schedule.hpp"
#include "crdt/digest.hpp"
#include "crdt/store.hpp"
#include "wire/frame.hpp"

#include <cstdint>
#include <optional>

namespace baton::core {

class herald {
  public:
    herald(const hello_writer& own, const courier& mail, schedule& time)
        : own_(own)
        , store_(own.here())
        , mail_(mail)
        , time_(time)
        , due_(time.now()) {}

    /// The standing that was published; nullopt: nothing was new. O(origins).
    std::optional<wire::standing> publish(outbox& out);
    // --- heartbeats ---
    [[nodiscard]] instant due() const { return due_; }
    [[nodiscard]] bool is_due() const { return time_.now() >= due_; }
    void beat_after(mesh_clock::duration pause) { due_ = time_.now() + pause; }
    /// The next one follows within `pause`.
    void hurry(mesh_clock::duration pause) {
        if (due_ <= time_.now() + pause) return;
        beat_after(pause);
        time_.wake_by(due_);
    }

    /// This node has become full, or has room again: the next publish() reports it.
    void fullness_changed() { full_told_ = false; }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  private:
    const hello_writer& own_;
    const store& store_;
    const courier& mail_;
    schedule& time_;
    instant due_;                  ///< of the next heartbeat
    std::uint64_t generation_ = 0; ///< of the store, as published
    digest digest_{};
    bool full_told_ = true;
    std::uint64_t bytes_ = 0;
};

} // namespace baton::core
