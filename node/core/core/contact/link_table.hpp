// link_table: the connections that this node has made or wants, the node that each one belongs to, and the
// nodes that have subscribed here.
//
// Pure; owned by a mesh, same thread contract. An endpoint has at most one link; a peer names its own in
// peer::via. The callers bound the number of links: by limits.peers_max, the seeds and the quests. The
// subscribers are bounded by four times limits.peers_max. When to call again: tend() with the timers.
#pragma once

#include "core/contact/allowance.hpp"
#include "core/contact/introducer.hpp"
#include "core/io.hpp"
#include "core/membership.hpp"
#include "core/mesh_options.hpp"
#include "core/schedule.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>

namespace baton::core {

class link_table {
  public:
    using map = std::map<link_id, link>;
    static constexpr auto greet_first = std::chrono::milliseconds{50}; ///< after a link opened

    link_table(const mesh_options& settings, membership& members, introducer& keys, std::mt19937_64& random,
               schedule& time);

    // --- the map ---
    [[nodiscard]] const map& all() const { return all_; }
    [[nodiscard]] map& all() { return all_; }
    [[nodiscard]] link& operator[](link_id number) { return all_[number]; }
    [[nodiscard]] link* find(link_id number);
    /// The link that a peer has; nullptr: none.
    [[nodiscard]] const link* of(const peer& p) const;
    [[nodiscard]] link* of(const peer& p);
    [[nodiscard]] peer* peer_of(const link& l) { return l.peer ? members_.find(*l.peer) : nullptr; }

    // --- making and ending ---
    /// The link to `endpoint`. In an open mesh it is dialled at once. In a mesh with a key it is dialled when
    /// the link key of the node there is known; until then that node is asked to introduce itself. `contact`:
    /// no node has proved to be there, so in a mesh with a key it is asked even if its key is known.
    /// O(links).
    link_id connect(const std::string& endpoint, outbox& out, const discovery::link_key& key = {},
                    bool contact = false);
    /// Makes `number` the link of `id`, and gives up its former link. Returns the member that had `number`
    /// before: it was replaced at that address, and must end as a restarted one.
    [[nodiscard]] std::optional<replica_id> bind(link_id number, const replica_id& id, outbox& out);
    /// Connects SUB to the peer's PUB, on the link's account. `is_there`: it has connected from that very
    /// host.
    void follow(peer& p, outbox& out, bool is_there = false);
    /// Dials a link of which the key is known now.
    void dial_now(link_id number, outbox& out);
    /// Replaces the peer's link, which is silent, by a new one to the same address.
    void redial(const replica_id& id, peer& p, outbox& out);
    void release(peer& p, outbox& out);
    void hang_up(link_id number, outbox& out);
    /// Hangs up a link without a peer, to a node that is no longer sought there.
    void hang_up_unbound(const std::string& endpoint, outbox& out);
    /// Forgets links that were only asked about: the address belongs to this node, or to another one.
    void forget_undialled(const std::string& endpoint);
    /// This process did not run for a while: silence in that time does not count.
    void excuse(mesh_clock::duration pause);
    /// While a link is not open, a new node with another key may be there. Asks or dials again. O(links).
    void tend(outbox& out);

    // --- judging ---
    /// Whether a living member has the link to this address; then greets that link, since only the answer
    /// there counts. O(links).
    bool held_by_another(const std::string& endpoint, const replica_id& id);
    /// Whether that address has a link, or leads to this node. O(links).
    [[nodiscard]] bool is_dialled(const std::string& endpoint) const;
    /// The link that the peer has is not known to work.
    [[nodiscard]] bool needs_way(const peer& p) const;
    /// Greets a link with the next timers, again after `every`, and then less and less often.
    void greet_now(link& l, mesh_clock::duration every) const;
    /// Greets a link once more when a handshake has arrived or has been given up: ROUTER gives a routing id
    /// to the latest connection that has it, and the former connection stays open without a sign.
    void check_later(link& l) const;
    /// Whether an address that others have named may be dialled now (limits.dials_max a second).
    [[nodiscard]] bool may_dial() { return dials_.take(time_.now()); }
    [[nodiscard]] bool is_open_mesh() const { return keys_.is_open(); }

    // --- addresses that lead to this node itself ---
    static constexpr std::size_t own_max = 256;
    /// False: there are already own_max.
    bool note_own(const std::string& endpoint);
    [[nodiscard]] bool is_own(const std::string& endpoint) const { return own_.contains(endpoint); }
    void forget_own(const std::string& endpoint) { own_.erase(endpoint); }
    void forget_own() { own_.clear(); }

    // --- who has subscribed to this node's PUB ---
    /// False: there are too many.
    [[nodiscard]] bool note_subscriber(const replica_id& who);
    void drop_subscriber(const replica_id& who) { subscribers_.erase(who); }
    [[nodiscard]] bool has_subscribed(const replica_id& who) const { return subscribers_.contains(who); }
    [[nodiscard]] const std::set<replica_id>& subscribers() const { return subscribers_; }

  private:
    void prepare(link_id number, const discovery::link_key& key, bool contact, outbox& out);
    void tend(link_id number, link& l, outbox& out);

    const mesh_options& settings_;
    membership& members_;
    introducer& keys_;
    std::mt19937_64& random_;
    schedule& time_;
    map all_;
    std::uint32_t last_ = 0;
    std::set<std::string> own_;
    std::set<replica_id> subscribers_;
    allowance dials_;   ///< of addresses that strangers, beacons and members name
    allowance redials_; ///< of such an address that has not answered yet
};

} // namespace baton::core
