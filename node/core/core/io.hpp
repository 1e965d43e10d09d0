// io: what goes into the mesh's state machine and what comes out. The seam between the pure core and the
// shell: the shell turns sockets into inputs and actions into sends; the simulator does the same under a
// virtual clock.
//
// Values; the views in inputs are valid during the call only.
// Source: the `Ready` struct of etcd's raft and quinn-proto's polling API: outputs are data, not callbacks.
#pragma once

#include "core/redialling.hpp"
#include "crdt/time.hpp"
#include "discovery/names.hpp"
#include "discovery/roster.hpp"

#include <baton/event.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace baton::core {

/// One outgoing connection: a DEALER to a peer's ROUTER, and the SUB connection to its PUB.
enum class link_id : std::uint32_t {};

// --- inputs ---
struct beacon_arrived {
    std::string_view host; ///< numeric address it came from
    std::string_view bytes;
};
struct datagram_arrived {  ///< on the UDP port beside the ROUTER's
    std::string_view host; ///< numeric address it came from
    std::string endpoint;  ///< "tcp://HOST:PORT" of where it came from: what send_datagram takes
    std::string_view bytes;
};
struct broadcast_arrived { ///< on SUB
    std::string_view bytes;
};
struct request_arrived { ///< on ROUTER
    replica_id from{};   ///< the routing id; checked against what the frame says
    std::string_view host;
    std::string_view bytes;
};
struct reply_arrived { ///< on the DEALER of a link
    link_id link{};
    std::string_view host;
    std::string_view bytes;
};
struct link_changed {
    link_id link{};
    bool open = false;
    bool refused = false; ///< for good: whoever is there does not understand, or want, this kind of link
};
struct subscriber_changed { ///< seen on XPUB: `who` receives, or no longer receives, what we publish
    replica_id who{};
    bool present = false;
};
struct noise_arrived { ///< something that is no frame at all
    const char* what;  ///< a literal
};
struct addresses_changed { ///< those of this machine, as in mesh_options::reach, own_hosts and attached
    std::string_view hosts, own_hosts{};
    bool attached = true;
};
struct knocked {      ///< the answer to knock
    replica_id who{}; ///< as in the question
    std::string endpoint;
    knock_outcome how{};
};
struct resolved { ///< an answer to resolve, or a part of one
    discovery::name_answer said;
};
struct time_passed {};
/// One file of a spill, as the shell numbers them.
enum class spill_id : std::uint32_t {};
struct spill_found { ///< at the start; `whole`: every checksum of it is right
    spill_id file{};
    bool whole = false;
    timestamp clock{};            ///< of its head
    std::string_view commit;      ///< its last chunk, if it is whole
    std::uint64_t written_ms = 0; ///< by the wall clock of its writer; 0: not known
    replica_id writer{};          ///< lives no more
};
/// `all`: every file has been looked at, or there are none. Otherwise one has come to light that somebody
/// still writes.
struct spills_listed {
    bool all = true;
};
struct spill_read { ///< the answer to read_spill
    spill_id file{};
    std::string_view bytes; ///< a chunk; empty: no more is readable
};
using input = std::variant<beacon_arrived, datagram_arrived, broadcast_arrived, request_arrived,
                           reply_arrived, link_changed, subscriber_changed, noise_arrived, addresses_changed,
                           time_passed, spill_found, spills_listed, spill_read, knocked, resolved>;

// --- outputs ---
struct send_beacon {
    std::string bytes;
};
struct send_datagram {
    std::string endpoint; ///< "tcp://HOST:PORT" of a ROUTER, beside which the UDP port of that number listens
    std::string bytes;
};
struct admit { ///< links by this key are let in from now on, as this node's and nobody else's
    replica_id id{};
    discovery::link_key key{};
};
struct expel { ///< no new ones
    replica_id id{};
};
struct send_broadcast {
    std::string bytes;
};
struct send_request {
    link_id link{};
    std::string bytes;
};
struct send_reply {
    replica_id to{};
    std::string bytes;
};
struct dial {
    link_id link{};
    std::string endpoint;      ///< "tcp://HOST:PORT" of a ROUTER
    discovery::link_key key{}; ///< of whoever is there; none in an open mesh
    bool once = false;         ///< not again by the transport, before it has been open
};
struct subscribe { ///< replaces the link's former subscription
    link_id link{};
    std::string endpoint;      ///< of a PUB
    discovery::link_key key{}; ///< as with dial
};
struct hang_up {
    link_id link{};
};
struct knock { ///< a TCP connection, closed at once: does anybody listen there? To be answered by knocked
    replica_id who{}; ///< is expected there; nil: whoever, as it is a seed
    std::string endpoint;
};
struct resolve { ///< the addresses of a name, of both families; to be answered by resolved
    std::uint32_t number = 0;
    std::string name;
    bool service = false; ///< by its SRV records
};
struct read_spill { ///< to be answered by spill_read, in a later input
    spill_id file{};
    bool from_start = false; ///< its first readable chunk; otherwise the next one
};
struct drop_spill { ///< others hold what is in it
    spill_id file{};
};
struct keep_spill_aside { ///< damaged: under another name, so that it is not found again
    spill_id file{};
};
using action =
    std::variant<send_beacon, send_datagram, admit, expel, send_broadcast, send_request, send_reply, dial,
                 subscribe, hang_up, read_spill, drop_spill, keep_spill_aside, knock, resolve>;

/// One step of the story, for logs and transcripts; never acted upon.
struct trace {
    std::string_view what; ///< a literal
    replica_id who{};
    std::uint64_t a = 0, b = 0;
};

struct outbox {
    std::vector<action> actions; ///< in order
    std::vector<event> events;
    std::vector<trace> traces;
    std::vector<std::string> remarks; ///< warnings for the log, a line each
    std::size_t events_applied = 0;
    bool acknowledged = false;      ///< somebody has told what it has applied
    bool merges_ready = false;      ///< mesh::next_merge() may have something
    std::optional<instant> wake_at; ///< call step(time_passed) then at the latest

    void note(std::string_view what, const replica_id& who, std::uint64_t a = 0, std::uint64_t b = 0) {
        traces.push_back({what, who, a, b});
    }
    void clear() {
        actions.clear();
        events.clear();
        traces.clear();
        remarks.clear();
        events_applied = 0;
        acknowledged = false;
        merges_ready = false;
        wake_at.reset();
    }
};

/// Why an input was turned away; null when it was taken. The text is a literal and counts by itself in stats.
struct verdict {
    const char* refused = nullptr;
    [[nodiscard]] explicit operator bool() const { return refused == nullptr; }
};

} // namespace baton::core
