// membership: every other node that is known, by id, and where each stands: in contact, up, suspect, leaving,
// left or crashed. The one place where a state changes, and the one rule by which one member acts for all.
//
// Pure; owned by a mesh, same thread contract. Bounded by whoever adds (limits.peers_max). What a change
// means to others, as to sessions, is for the mesh to pass on.
#pragma once

#include "core/io.hpp"
#include "core/peers.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <utility>

namespace baton::crdt {
class store;
}

namespace baton::core {

class membership {
  public:
    using map = std::map<replica_id, peer>;

    explicit membership(const replica_id& self)
        : self_(self) {}

    // --- the map ---
    [[nodiscard]] peer* find(const replica_id& id);
    [[nodiscard]] const peer* find(const replica_id& id) const;
    /// The one that is there, or a new one in contact.
    peer& add(const replica_id& id) { return all_[id]; }
    map::iterator erase(map::iterator at) { return all_.erase(at); }
    [[nodiscard]] bool contains(const replica_id& id) const { return all_.contains(id); }
    [[nodiscard]] std::size_t size() const { return all_.size(); }
    [[nodiscard]] bool empty() const { return all_.empty(); }
    /// In order of their ids.
    [[nodiscard]] map::iterator begin() { return all_.begin(); }
    [[nodiscard]] map::iterator end() { return all_.end(); }
    [[nodiscard]] map::const_iterator begin() const { return all_.begin(); }
    [[nodiscard]] map::const_iterator end() const { return all_.end(); }
    [[nodiscard]] map::iterator upper_bound(const replica_id& id) { return all_.upper_bound(id); }

    // --- states ---
    /// `why`: the event by which it is reported. The state before. What it held when it came up is what it
    /// has to be synced with.
    member_state transition(peer& p, member_state to, event_kind why, instant now);
    /// Reports an event of a node, by its name.
    void raise(outbox& out, event_kind kind, const replica_id& id, std::string reason) const;
    /// Reports who has become synced: what it held when it came up is here. O(members × origins). `at_once`:
    /// whatever is here.
    void check_synced(const store& here, bool at_once, outbox& out);

    // --- all of them ---
    /// Somebody has been up.
    [[nodiscard]] bool met_any() const { return met_any_; }
    /// With everybody in view; false while nobody has been met.
    [[nodiscard]] bool all_synced() const;
    [[nodiscard]] std::size_t count_up() const;
    /// How many members that are up and take writes come before one of `own_rank` with this node's id: by
    /// their rank(id), then by id. Views may differ for a moment, as one is full or suspect here and not yet
    /// there: whatever is written by this order has to bear being written twice, and waits if nobody writes.
    template <class Rank>
    [[nodiscard]] std::size_t takers_before(int own_rank, Rank rank) const {
        std::size_t before = 0;
        for (const auto& [id, p] : all_) {
            if (p.state == member_state::up && !p.holds.full)
                before += std::pair(int{rank(id)}, id) < std::pair(own_rank, self_) ? 1 : 0;
        }
        return before;
    }
    /// One member does for all what is to be done once: the smallest id among those that are up and take
    /// writes. `takes_writes`: this node does.
    [[nodiscard]] bool acts_for_all(bool takes_writes) const {
        return takes_writes && takers_before(0, [](const replica_id&) { return 0; }) == 0;
    }

  private:
    replica_id self_;
    map all_;
    bool met_any_ = false;
};

/// A member may hold something that is missing `here`: it is asked at `when` or earlier, if that is so, and
/// not if it is not so any more. O(origins).
void note_lack(peer& p, const store& here, instant when);

} // namespace baton::core
