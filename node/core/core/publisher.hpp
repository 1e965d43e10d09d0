// publisher: packs own events into DELTA frames until they are sent, with what other nodes must have applied
// before them; records since when each event has been under way.
//
// Pure; owned by a mesh, same thread contract. Bounded by limits.lag_max and lag_bytes_max: writers wait
// while a member is that far behind. When to call again: flush() after every write; if must_announce() is
// true, send a HELLO.
#pragma once

#include "core/sent_log.hpp"
#include "crdt/cut.hpp"
#include "crdt/store.hpp"
#include "wire/frame.hpp"
#include "wire/rows.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <string>

namespace baton::core {

class publisher {
  public:
    struct limits {
        std::size_t delta_bytes = 0; ///< in one frame
        std::size_t sent_spans = 256;
    };
    /// `listeners`: the nodes that receive broadcasts. While there are none, nothing is packed: a node that
    /// comes later begins with a PULL.
    publisher(const store& of, const std::set<replica_id>& listeners, limits most)
        : store_(of)
        , listeners_(listeners)
        , limits_(most)
        , sent_(most.sent_spans) {}

    // --- writes ---
    /// The next `count` events belong together and have at most `bytes`: they go in one frame or in none.
    void begin_group(std::size_t count, std::size_t bytes);
    /// At most so many bytes of a frame.
    [[nodiscard]] static std::size_t bytes_of(const event_view& event);
    /// Bytes that one replaced dot adds to a frame.
    static constexpr std::size_t kill_bytes = 16 + 4 + 10; // the id, its index, the counter
    /// Adds an own event, in the order of counters. An event that fits no frame is announced, and others
    /// fetch it by PULL.
    void queue(const written& what);
    /// The cut has grown by events of other nodes: later writes may depend on them.
    void cut_grew() { ++generation_; }
    /// The next write depends on this, although the cut no longer names it.
    void depend_on(const dot& id) { more_depends_.raise(id); }

    // --- what waits ---
    [[nodiscard]] bool empty() const { return batches_.empty(); }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    /// An own event from this counter on waits to be sent.
    [[nodiscard]] bool has_from(std::uint64_t counter) const {
        return !batches_.empty() && counter >= batches_.front().first;
    }
    /// A HELLO must announce events that no frame carries.
    [[nodiscard]] bool must_announce() const { return announces_; }
    void announce() { announces_ = true; }
    void announced() { announces_ = false; }

    /// Sends everything that waits, as frames in order, by `send(const wire::delta&)`. Each frame depends on
    /// this node's present cut, as far as the cut has changed. That may be more than an event really depends
    /// on; it only delays the event, and never in a circle. `asks`: the last frame asks for acknowledgements.
    template <class Send>
    void flush(bool asks, Send send);

    // --- what is under way ---
    [[nodiscard]] sent_log& sent() { return sent_; }
    [[nodiscard]] const sent_log& sent() const { return sent_; }

  private:
    struct batch {
        std::uint64_t first;
        wire::event_writer rows;
        bool open = false; ///< its last event belongs together with the next one
    };
    [[nodiscard]] cut take_depends();

    const store& store_;
    const std::set<replica_id>& listeners_;
    limits limits_;
    std::deque<batch> batches_;
    std::string room_; ///< of a batch that has been sent
    std::size_t bytes_ = 0;
    std::size_t group_left_ = 0, group_bytes_ = 0;
    bool group_fits_ = false, announces_ = false;
    sent_log sent_;
    cut depends_sent_, more_depends_;
    std::uint64_t generation_ = 1, generation_sent_ = 0;
};

template <class Send>
void publisher::flush(bool asks, Send send) {
    if (batches_.empty()) return;
    auto depends = take_depends();
    for (auto& each : batches_) {
        send(wire::delta{store_.self(), each.first, each.rows.count(), each.rows.base(), depends,
                         each.rows.replicas(), each.rows.rows(), asks && &each == &batches_.back()});
        depends = {};
        room_ = std::move(each.rows).release();
    }
    batches_.clear();
    bytes_ = 0;
}

} // namespace baton::core
