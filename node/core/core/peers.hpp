// peers: what a mesh knows of each other node, and of each connection that it has made.
//
// Plain records; the mesh that holds them keeps them consistent.
#pragma once

#include "core/agreement.hpp"
#include "core/evidence.hpp"
#include "core/io.hpp"
#include "core/pull_pace.hpp"
#include "core/redialling.hpp"
#include "crdt/cut.hpp"
#include "crdt/digest.hpp"
#include "discovery/address.hpp"
#include "discovery/liveness.hpp"
#include "discovery/probe.hpp"
#include "discovery/roster.hpp"

#include <baton/stats.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
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
    bool doubted = false; ///< somebody else may answer there now: ask until a HELLO comes on it
    bool stale = false;   ///< its peer is silent there, or has that address no more: any other way is better
    std::optional<replica_id>
        trying; ///< dialled because this one may be there, by `until`; nobody answered yet
    instant until{};
    instant greet_at{};
    mesh_clock::duration greet_every{};
    bool answered = false;           ///< something has come by it since it opened
    std::optional<instant> asked_at; ///< for an answer; nothing has come since
    std::optional<instant> check_at; ///< when it is doubted once more
    // mesh_introduce.cpp
    discovery::link_key key{}; ///< of whoever is there; none in an open mesh, and as long as it is not known
    bool dialled = false;
    /// Nobody has proved yet to be there: in an open mesh it is dialled once at a time, and seldom again; in
    /// one with a key it is asked first, and seldom.
    bool contact = false;
    instant dial_at{}, ask_at{}; ///< not before; while it is not open
    mesh_clock::duration ask_every{}, dial_every{};
    unsigned unanswered = 0;
};
/// One incarnation of another node, from its first word until it is forgotten.
struct peer {
    std::string name;
    std::uint64_t version = 0; ///< of the wire: the newest that both speak; 0: not known yet
    member_state state = member_state::contacting;
    std::optional<link_id> via;
    std::string host;     ///< where it was last seen
    std::string endpoint; ///< of its ROUTER
    std::string publish_endpoint;
    std::vector<discovery::address> ways; ///< other addresses, the latest last; bounded
    std::uint64_t beacon_sequence = 0;    ///< of its last beacon
    bool greeted = false;                 ///< a HELLO of this incarnation has come
    bool sees_me = false;                 ///< its PUB has seen our subscription
    bool routable = false;                ///< our ROUTER has heard it, so it can be answered there
    discovery::liveness life;
    // mesh_life.cpp
    instant redialled_at{}; ///< when its connection was last replaced for its silence
    instant inquire_at{};   ///< when others are to be asked about it
    instant probe_at{};     ///< when it is to be probed
    std::uint32_t probed_from = 0, probes = 0, inquired_from = 0,
                  inquiries = 0; ///< numbers of the probes since it was last heard
    std::optional<instant>
        one_way_since; ///< it has been heard, but not both ways work; one that was up for a while
    bool one_way_told = false;
    instant probed_at{}; ///< when it was last asked for a sign of life on somebody's behalf
    /// Who wants to know when it is heard: by a link, or by a datagram.
    struct inquirer {
        bool by_link = false;
        std::string endpoint{};
        std::uint32_t number = 0;
    };
    std::map<replica_id, inquirer> inquirers;
    redial_record redial;               ///< while it is crashed (mesh_redial.cpp)
    std::optional<replica_id> namesake; ///< a member of the same name that has been asked whether it lives
    instant namesake_asked_at{};
    cut seen;                                ///< all it has told that it has applied
    cut told;                                ///< its whole cut, as it stood at one moment
    bool overfull = false;                   ///< its last whole cut named more than is kept (told.hpp)
    digest archive{};                        ///< of its archive, as of the last standing
    std::uint64_t final = 0;                 ///< of its LEFT
    bool full = false;                       ///< it applies no deltas at present
    std::optional<std::uint64_t> live_bytes; ///< of its state; nothing: not told
    bool wants_archive = false, compare_next = false, wants_cut = false; ///< for the next PULL
    bool told_otherwise = false; ///< it has a later word of ours than the last one on PUB
    std::optional<cut> settling; ///< once it has seen this, its counter leftovers up to then may go
    std::size_t settling_count = 0;
    bool kept_up = false;      ///< has been no more than lag_max behind
    bool evicted = false;      ///< too far behind to hold back others (I7)
    std::uint64_t lag_low = 0; ///< the smallest lag since it fell behind
    instant lag_since{};
    std::uint64_t standing_hash = 0;
    bool hash_known = false;
    // acknowledgements (mesh_proof.cpp)
    std::uint64_t owes = 0; ///< it waits to hear that we have applied its events up to here
    cut wanted;             ///< and these
    mesh_clock::duration round_trip{std::chrono::milliseconds(10)}; ///< smoothed
    bool timed = false;      ///< it is of acknowledgements, not a guess
    instant awaited_since{}; ///< of the first write it has not acknowledged though somebody waits
    instant ask_at{};        ///< when to ask it; never, when zero
    mesh_clock::duration ask_every{};
    std::uint64_t asked = 0; ///< highest number of an ASK sent to it
    instant asked_question_at{};
    agreement agreed;                            ///< on claims of this node
    answer_record answer;                        ///< to the latest that it has answered
    std::set<std::string, std::less<>> manifest; ///< what it announced as it began to leave
    std::size_t manifest_bytes = 0;
    bool told_manifest = false; ///< it has been sent ours
    cut at_join;                ///< what it held when it came up
    bool synced = false;
    std::optional<instant> pull_at; ///< it holds something we lack: ask for it then, if that is still so
    pull_pace pace;                 ///< but not before this
    bool overstated = false;        ///< it has told of more than its COMMIT held
    instant greet_at{};
    mesh_clock::duration greet_every{};
    instant asked_at{};
    instant up_at{};                  ///< when it last came into view
    instant ended_at{};               ///< when it left or crashed
    std::uint64_t answer_leaving = 0; ///< number of its LEAVING that we have not answered yet
    std::uint64_t rumoured = 0;       ///< number of a LEAVING that PUB says is its; its own word is awaited
    instant rumoured_at{};            ///< when that was last looked into
    std::optional<instant> goodbye_at{}; ///< when PUB said, while it was up, that it has left
    std::uint64_t goodbye = 0;           ///< with this final counter
    std::uint64_t session_begun = 0;     ///< highest number of its PULLs that was taken
    std::optional<cut> acked;            ///< what it acknowledged in answer to our LEAVING
    bool acked_whole = false;            ///< that was everything under our cut
    bool acked_staying = false;
    bool heard_farewell = false;
    bool replaced = false;      ///< its address answers as somebody else: it is not merely out of reach
    bool address_taken = false; ///< another node has its address, and says so itself
    bool skew_told = false;
    bool diverged = false;
};
[[nodiscard]] inline bool is_member(const peer& p) {
    return p.state == member_state::up || p.state == member_state::suspect ||
           p.state == member_state::leaving;
}
[[nodiscard]] inline bool is_gone(const peer& p) {
    return p.state == member_state::left || p.state == member_state::crashed;
}
/// One that has greeted has told what it holds, and answers questions, though it may never come up: its PUB
/// may be out of reach. A beacon alone is no contact.
[[nodiscard]] inline bool can_answer(const peer& p) {
    return is_member(p) || (p.state == member_state::contacting && p.greeted);
}
/// What a process held is lost when another one has its address: nobody can send that any more. That an
/// address refuses connections proves less: a firewall may do so for a process that lives.
[[nodiscard]] inline bool is_lost_for_good(const peer& p) { return is_gone(p) && p.address_taken; }

/// A leave of this node's own.
struct own_leaving {
    std::uint64_t number;
    std::size_t copies;
    cut final;
    instant repeat_at;
    bool said_left = false;
    bool listed = false;                 ///< `manifest` is made: all is folded in
    std::vector<std::string> manifest{}; ///< keys that nobody has acknowledged, in bounded pieces
};
struct silence {
    std::uint64_t counter;
    instant since;
};

/// Keeps what `p` may be dialled at beside the address in use.
void learn_ways(peer& p, const std::vector<discovery::address>& ways);

} // namespace baton::core
