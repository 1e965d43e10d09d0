// peers: what a mesh knows of each other node, and of each connection that it has made.
//
// Plain records; the mesh that holds them keeps them consistent.
#pragma once

#include "core/agreement.hpp"
#include "core/io.hpp"
#include "core/peer_records.hpp"
#include "core/redialling.hpp"
#include "crdt/cut.hpp"
#include "discovery/address.hpp"
#include "discovery/roster.hpp"

#include <baton/stats.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace baton::core {

/// Where a frame came from; the view is valid during the call only.
struct arrival {
    std::optional<link_id> link;
    std::optional<replica_id> route;
    std::string_view host;
};
/// One DEALER connection, by its number.
struct link {
    std::string endpoint;
    std::string publish_endpoint; ///< what SUB is connected to
    std::optional<replica_id> peer;
    bool open = false;
    bool doubted = false; ///< another node may answer there now: ask until a HELLO comes on it
    bool stale = false;   ///< its peer is silent there, or has left that address: any other link is better
    std::optional<replica_id>
        trying; ///< dialled because this node may be there, until `until`; no answer yet
    instant until{};
    instant greet_at{};
    mesh_clock::duration greet_every{};
    bool answered = false;           ///< something has come by it since it opened
    std::optional<instant> asked_at; ///< when an answer was asked for; none has come since
    std::optional<instant> check_at; ///< when it is doubted once more
    // link_table.cpp
    discovery::link_key key{}; ///< of the node there; none in an open mesh, or while it is not known
    bool dialled = false;
    /// No node has proved yet to be there. In an open mesh it is dialled once at a time, and seldom again; in
    /// a mesh with a key it is asked first, and seldom.
    bool contact = false;
    instant dial_at{}, ask_at{}; ///< not before; while it is not open
    mesh_clock::duration ask_every{}, dial_every{};
    unsigned unanswered = 0;
};
/// Where a member stands. Only membership changes it.
class standing_state {
  public:
    operator member_state() const { return is_; } // NOLINT: it reads as the state itself

  private:
    friend class membership;
    member_state is_ = member_state::contacting;
};
/// One incarnation of another node, from its first frame until it is forgotten: its id and address, and one
/// record for each machine.
struct peer : contact_record {
    std::string name;
    std::uint16_t door = 0;    ///< its TCP port for clients; 0: none
    std::uint64_t version = 0; ///< of the wire: the newest that both speak; 0: not known yet
    bool skew_told = false;
    // membership
    standing_state state;
    bool synced = false;
    bool replaced = false;   ///< another node answers at its address: it is not merely out of reach
    cut at_join;             ///< what it held when it came up
    instant up_at{};         ///< when it last came into view
    instant ended_at{};      ///< when it left or crashed
    std::uint64_t final = 0; ///< its counter when it said goodbye
    // the machines
    holdings holds;
    health_record health;
    namesake_record namesake;
    redial_record redial; ///< while it is crashed
    proof_record proof;
    agreement agreed; ///< on claims of this node
    pull_record pull;
    serve_record serve;
    handover_record leave;
    lag_record lag;
};
[[nodiscard]] inline bool is_member(const peer& p) {
    return p.state == member_state::up || p.state == member_state::suspect ||
           p.state == member_state::leaving;
}
[[nodiscard]] inline bool is_gone(const peer& p) {
    return p.state == member_state::left || p.state == member_state::crashed;
}
/// A node that has greeted has reported what it holds and answers questions, although it may never come up:
/// its PUB may be out of reach. A beacon alone is not enough.
[[nodiscard]] inline bool can_answer(const peer& p) {
    return is_member(p) || (p.state == member_state::contacting && p.greeted);
}
/// If another process has the address of a process, what the former one held is lost: no node can send it any
/// more. A refused connection proves less: a firewall may refuse for a process that lives.
[[nodiscard]] inline bool is_lost_for_good(const peer& p) { return is_gone(p) && p.address_taken; }

/// Keeps the addresses at which `p` may be dialled in addition to the one in use.
void learn_ways(peer& p, const std::vector<discovery::address>& ways);

} // namespace baton::core
