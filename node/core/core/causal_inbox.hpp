// causal_inbox: applies DELTA frames of other nodes in the order of their counters, after the events that
// they depend on, a slice of events at a time. It keeps a frame that came too early until its turn
// (early_frames).
//
// Pure; owned by a mesh, same thread contract. When to call again: work() until it returns nullopt; after
// look_again(), work() again until it returns nullopt.
// Source: causal delivery by dependencies (I2 in crdt/README.md).
#pragma once

#include "core/early_frames.hpp"
#include "crdt/mutation.hpp"
#include "crdt/store.hpp"
#include "wire/frame.hpp"
#include "wire/rows.hpp"

#include <baton/stats.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::core {

class causal_inbox {
  public:
    struct limits {
        std::size_t slice = 256; ///< events that one call applies
        std::size_t early_bytes_max = 0;
        mutation broken = mutation::none;
    };
    /// Events that must wait for the session that this node receives: it brings them, or shows that they are
    /// removed.
    struct session_view {
        bool of_newcomer = false;      ///< events of origins of which nothing is here wait
        const cut* compared = nullptr; ///< events at or below this cut wait
    };
    /// What one call of work() did with the oldest frame.
    struct slice {
        replica_id origin{};
        std::uint64_t first = 0, last = 0; ///< counters of the frame's events
        std::uint64_t known = 0;           ///< of an early frame: what was here of its origin
        bool early = false;                ///< the frame is kept for later; nothing was applied
        bool lost = false;                 ///< of an early frame: events before it have not come
        bool finished = false;             ///< its last event has been looked at
        bool wants_ack = false;
        std::size_t applied = 0;
        timestamp newest{}; ///< of what was applied
    };

    causal_inbox(store& into, node_stats& counters, limits most)
        : store_(into)
        , counters_(counters)
        , limits_(most)
        , early_(most.early_bytes_max) {}

    /// Whether every row of the frame can be read. A frame is accepted as a whole or refused. O(bytes).
    [[nodiscard]] bool is_whole(const wire::delta& f);
    /// `frame`: the bytes that `f` was decoded from. Precondition: is_whole(f).
    void offer(std::string_view frame, const wire::delta& f) { waiting_.emplace_back(frame, f); }
    /// Applies up to a slice of the oldest frame, more if events belong together. nullopt: no frame waits.
    std::optional<slice> work(const session_view& session);
    /// No frame waits, apart from early ones.
    [[nodiscard]] bool empty() const { return waiting_.empty(); }
    /// The cut here has grown: early frames whose turn has come go to work(). O(origins with early frames). A
    /// frame is decoded once, and again for each origin that it still waits for.
    void look_again();
    /// Drops early frames of an origin that is gone: what they waited for can only come by repair.
    void drop(const replica_id& origin) { early_.drop(origin); }
    void clear();
    /// How often look_again() has decoded a frame. For tests of what it costs.
    [[nodiscard]] std::uint64_t early_decoded() const { return early_decoded_; }

  private:
    /// A frame, and how far it has been applied. The decoded views point into `bytes`, so it stays where it
    /// is.
    struct job {
        static constexpr std::size_t ahead = 8;
        job(std::string_view frame, const wire::delta& f);
        /// An early frame, which is decoded once more.
        explicit job(std::string frame);
        std::string bytes;
        wire::delta head;
        std::optional<wire::event_reader> rows; ///< none: it has not begun
        std::uint64_t next = 0;                 ///< counter of the event to be applied next
        /// Read a little ahead, so that the memory an event needs is on its way while others are applied.
        struct {
            std::array<event_view, ahead> events;
            std::array<std::vector<dot>, ahead> kills;
            std::size_t first = 0, count = 0;
        } ring;
    };
    /// The first event that it depends on and that is not here.
    [[nodiscard]] std::optional<dot> missing_for(const wire::delta& head) const;
    [[nodiscard]] bool may_begin(const wire::delta& head, const session_view& session) const;
    void apply(job& one, slice& done);

    store& store_;
    node_stats& counters_;
    limits limits_;
    std::list<job> waiting_;
    early_frames early_;
    std::uint64_t early_decoded_ = 0;
    std::vector<dot> kills_; ///< scratch
};

} // namespace baton::core
