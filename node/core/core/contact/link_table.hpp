// link_table: the connections that this node has made or wants, whose each one is, and who has subscribed
// here.
//
// Pure; owned by a mesh, same thread contract. An endpoint has one link at most; a peer names its own in
// peer::via. Whoever connects bounds the number of links: by limits.peers_max, the seeds and the quests. The
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
    /// The link to `endpoint`, dialled at once in an open mesh. With a key it is dialled when the key of
    /// whoever is there is known; until then that node is asked to introduce itself. `contact`: nobody has
    /// proved to be there, so that with a key it is asked first, too. O(links).
    link_id connect(const std::string& endpoint, outbox& out, const discovery::link_key& key = {},
                    bool contact = false);
    /// Makes `number` the link of `id`, and gives its former link up. A member that had `number` before: it
    /// has been replaced at that address, and has to end as one that was restarted.
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
    /// Hangs up a link without a peer that leads to a node which is not looked for there any more.
    void hang_up_unbound(const std::string& endpoint, outbox& out);
    /// Forgets links that were only asked about: this node's own address, or somebody else's, is there.
    void forget_undialled(const std::string& endpoint);
    /// This process did not run for a while: nobody's silence counts.
    void excuse(mesh_clock::duration pause);
    /// While a link is not open, somebody new may be there, with another key. Asks or dials again. O(links).
    void tend(outbox& out);

    // --- judging ---
    /// Whether a living member has the link to this address; then that link is greeted, since only what
    /// answers there counts. O(links).
    bool held_by_another(const std::string& endpoint, const replica_id& id);
    /// Whether that address has a link, or leads to this node. O(links).
    [[nodiscard]] bool is_dialled(const std::string& endpoint) const;
    /// The link that the peer has is not known to work.
    [[nodiscard]] bool needs_way(const peer& p) const;
    /// A link is greeted with the next timers, then again after `every`, and ever less often.
    void greet_now(link& l, mesh_clock::duration every) const;
    /// A link is greeted once more when a handshake has arrived or been given up: ROUTER hands a routing id
    /// over to the latest connection that has it, and the one before stays open without a sign.
    void check_later(link& l) const;
    /// Somebody has named an address: whether it may be dialled now (limits.dials_max a second).
    [[nodiscard]] bool may_dial() { return dials_.take(time_.now()); }
    [[nodiscard]] bool is_open_mesh() const { return keys_.is_open(); }

    // --- addresses that lead to this node itself ---
    static constexpr std::size_t own_max = 256;
    /// False: there are own_max already.
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
