// contact: finds other nodes and connects to each of them. It joins the machines of this folder: from a
// beacon, a seed or a member's report to a link; from a link to HELLOs on both sides; from a silent link to
// another address. It also publishes what this node states about itself.
//
// Pure; owned by a mesh, same thread contract. Contact makes and ends links and adds peers. It returns what
// it has found; the mesh decides whether a peer is up or has ended. When to call again: look_for_others(),
// tend_links() and tend_dead() with the timers, in this order.
#pragma once

#include "core/contact/gossip.hpp"
#include "core/contact/greeter.hpp"
#include "core/contact/hello_writer.hpp"
#include "core/contact/herald.hpp"
#include "core/contact/introducer.hpp"
#include "core/contact/link_table.hpp"
#include "core/contact/quests.hpp"
#include "core/contact/redialler.hpp"
#include "core/contact/seeding.hpp"
#include "discovery/announcing.hpp"

namespace baton::core {

class contact {
  public:
    contact(mesh_options& settings, membership& members, courier& mail, hello_writer own,
            std::mt19937_64& random, schedule& time, tally& counts);

    const hello_writer own_hello; ///< before its readers
    introducer introductions;
    link_table links;
    quests searches;
    gossip rumours;
    seeding seeds;
    redialler dead;
    greeter greetings;
    herald news;

    // --- datagrams ---
    /// The result of a beacon or an introduction.
    struct sighting {
        verdict why;
        replica_id who{};
        bool met = false;                     ///< the sender is a peer now, with a link: call answer_beacon()
        std::optional<replica_id> replaced{}; ///< the member that had that link before: it was restarted
    };
    sighting on_beacon(const beacon_arrived& in, outbox& out);
    sighting on_introduction(const datagram_arrived& in, outbox& out);
    /// A node that was met may not have heard of this one: sends a beacon soon, unless its HELLO comes first.
    void answer_beacon();

    // --- HELLO ---
    struct greeting {
        verdict why;
        peer* who = nullptr;                  ///< nullptr: there is nothing more to do
        bool first = false;                   ///< of this incarnation
        std::optional<replica_id> replaced{}; ///< as in sighting
    };
    /// Checks the HELLO, finds or makes its peer, and connects to it at the address that it states.
    greeting on_hello(const wire::hello& f, const arrival& from, outbox& out);
    /// `by` has answered at its endpoint and states that the address is its own: crashed nodes that had this
    /// address are gone for good.
    void note_address_taken(const replica_id& by, const std::string& endpoint, const wire::hello& f);
    /// A request came from a node that is not a peer.
    void answer_stranger(const replica_id& from, outbox& out);

    // --- links ---
    verdict on_link(const link_changed& in, outbox& out);
    void lost_subscriber(const replica_id& who);
    /// A peer has come up: sends it a report of this node and others, and reports it to others.
    void welcome(const replica_id& id, peer& p, outbox& out);
    /// A peer has ended: greets its link again, since a new node may answer there.
    void ended(peer& p);
    /// A table full of peers that are gone makes room, oldest first. `keep`: a link that is not hung up.
    void make_room(outbox& out, std::optional<link_id> keep = {});

    // --- addresses and names ---
    verdict on_peers(const wire::peers& f, const peer& teller, outbox& out);
    void on_addresses(const addresses_changed& in, outbox& out);
    void on_resolved(const core::resolved& in, outbox& out);
    void on_knocked(const core::knocked& in, outbox& out);

    // --- timers ---
    void look_for_others(outbox& out);
    void tend_links(outbox& out);
    /// The crashed member to probe by a datagram now; nullptr: none.
    [[nodiscard]] peer* tend_dead(outbox& out) { return stopped_ ? nullptr : dead.tend(out); }
    /// This node has said goodbye: it seeks no nodes any more, and adds no peers.
    void stop();

  private:
    void announce(outbox& out);
    [[nodiscard]] sighting meet(const discovery::beacon& b, const std::vector<discovery::address>& ways,
                                bool is_contact, outbox& out);
    [[nodiscard]] bool connect_known(const discovery::beacon& b, const std::string& endpoint, const peer& p,
                                     outbox& out);
    verdict turn_away(const wire::hello& f, const arrival& from, const char* reason, std::string told,
                      outbox& out);
    void meet_itself(const wire::hello& f, const arrival& from, outbox& out);
    [[nodiscard]] peer* take_in(const replica_id& id, const arrival& from, outbox& out);
    static void note_place(peer& p, const wire::hello& f, const std::vector<discovery::address>& ways,
                           const link* by);
    [[nodiscard]] std::optional<replica_id> connect_back(peer& p, const wire::hello& f, const arrival& from,
                                                         outbox& out);
    void learn_place(peer& p, const wire::hello& f, const arrival& from,
                     std::vector<discovery::address> ways);
    void tell_addresses(outbox& out);

    mesh_options& settings_;
    membership& members_;
    courier& mail_;
    std::mt19937_64& random_;
    schedule& time_;
    tally& tally_;
    discovery::announcing beacon_;
    bool stopped_ = false;
};

} // namespace baton::core
