// herald: what this node says of itself on PUB with every heartbeat: a whole HELLO when something is new, or
// else a BRIEF, which names it by its hash.
//
// Pure; owned by a mesh, same thread contract. Frames of own events go first: on PUB no report of an event
// comes before the event. When to call again: publish() with every heartbeat, and when the fullness has
// changed.
#pragma once

#include "core/contact/hello_writer.hpp"
#include "core/courier.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/room.hpp"
#include "crdt/digest.hpp"
#include "crdt/store.hpp"
#include "wire/frame.hpp"

#include <cstdint>

namespace baton::core {

class herald {
  public:
    herald(const hello_writer& own, const store& here, const room& space, membership& members,
           const courier& mail)
        : own_(own)
        , store_(here)
        , room_(space)
        , members_(members)
        , mail_(mail) {}

    /// True: there was news. O(origins).
    bool publish(outbox& out);
    /// This node has become full, or has room again: the next publish() says so.
    void fullness_changed() { full_told_ = false; }
    /// The last standing on PUB.
    [[nodiscard]] const wire::standing& published() const { return published_; }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

  private:
    const hello_writer& own_;
    const store& store_;
    const room& room_;
    membership& members_;
    const courier& mail_;
    std::uint64_t generation_ = 0; ///< of the store, as published
    digest digest_{};
    bool full_told_ = true;
    wire::standing published_;
    std::uint64_t bytes_ = 0;
};

} // namespace baton::core
