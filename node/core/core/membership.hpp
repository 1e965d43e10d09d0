// membership: every other known node by id, with its state: in contact, up, suspect, leaving, left or
// crashed. Only this class changes a state, and only here is the rule by which one member acts for all.
//
// Pure; owned by a mesh, same thread contract. The callers that add nodes bound it (limits.peers_max). The
// mesh passes on what a change means to other machines, such as sessions.
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
    /// The existing peer, or a new one in contact.
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
    [[nodiscard]] map::const_iterator upper_bound(const replica_id& id) const { return all_.upper_bound(id); }

    // --- states ---
    /// `why`: the event that reports it. Returns the state before. A member that comes up has to be synced
    /// with: this notes what it holds at that moment.
    member_state transition(peer& p, member_state to, event_kind why, instant now);
    /// Reports an event of a node, by its name.
    void raise(outbox& out, event_kind kind, const replica_id& id, std::string reason) const;
    /// Reports each member that has become synced: what it held when it came up is applied here. `at_once`:
    /// reports it in any case. O(members × origins).
    void check_synced(const store& here, bool at_once, outbox& out);

    // --- all of them ---
    /// Some member has been up.
    [[nodiscard]] bool met_any() const { return met_any_; }
    /// Synced with all members in view; false until this node has met a member.
    [[nodiscard]] bool all_synced() const;
    [[nodiscard]] std::size_t count_up() const;
    /// The members that are up and take writes are ordered by rank(id), then by id: returns how many come
    /// before this node with `own_rank`. The views of two nodes may differ for a moment, if a member is full
    /// or suspect for one and not yet for the other. So a write that follows this order must be harmless if
    /// two nodes make it, and must be able to wait if none does.
    template <class Rank>
    [[nodiscard]] std::size_t takers_before(int own_rank, Rank rank) const {
        std::size_t before = 0;
        for (const auto& [id, p] : all_) {
            if (p.state == member_state::up && !p.holds.full)
                before += std::pair(int{rank(id)}, id) < std::pair(own_rank, self_) ? 1 : 0;
        }
        return before;
    }
    /// True if this node acts for all: it has the smallest id among the members that are up and take writes.
    /// `takes_writes`: this node does.
    [[nodiscard]] bool acts_for_all(bool takes_writes) const {
        return takes_writes && takers_before(0, [](const replica_id&) { return 0; }) == 0;
    }

  private:
    replica_id self_;
    map all_;
    bool met_any_ = false;
};

/// If the member holds events that are missing `here`, it will be asked at `when` or earlier; otherwise a
/// planned question is dropped. O(origins).
void note_lack(peer& p, const store& here, instant when);

} // namespace baton::core
