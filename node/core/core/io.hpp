// io: the inputs and outputs of the mesh's state machine, the seam between the pure core and the shell. The
// shell turns sockets into inputs and actions into sends; the simulator does the same under a virtual clock.
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
struct datagram_arrived {  ///< on the UDP port with the ROUTER's number
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
    bool refused = false; ///< for good: the other side does not know, or does not accept, this kind of link
};
struct subscriber_changed { ///< seen on XPUB: `who` receives, or no longer receives, what we publish
    replica_id who{};
    bool present = false;
};
struct noise_arrived { ///< bytes that are not a frame
    const char* what;  ///< a literal
};
struct addresses_changed { ///< those of this machine, as in mesh_options::reach, own_hosts and attached
    std::string_view hosts, own_hosts{};
    bool attached = true;
};
struct knocked {      ///< the answer to the action knock
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
    replica_id writer{};          ///< the node that wrote it, which has ended
};
/// `all`: every file has been looked at, or there are none. Otherwise a file was found that another process
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
    std::string endpoint; ///< "tcp://HOST:PORT" of a ROUTER; the datagram goes to the UDP port of that number
    std::string bytes;
};
struct admit { ///< accepts links with this key from now on, as links of that node only
    replica_id id{};
    discovery::link_key key{};
};
struct expel { ///< accepts no new links with that key
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
    discovery::link_key key{}; ///< of the node there; none in an open mesh
    bool once = false;         ///< the transport does not dial again before it has been open
};
struct subscribe { ///< replaces the link's former subscription
    link_id link{};
    std::string endpoint;      ///< of a PUB
    discovery::link_key key{}; ///< as with dial
};
struct hang_up {
    link_id link{};
};
struct knock { ///< opens a TCP connection and closes it at once, to see whether a process listens; answered
               ///< by knocked
    replica_id who{}; ///< the node expected there; nil: any, since it is a seed
    std::string endpoint;
};
struct resolve { ///< looks up the addresses of a name, of both families; answered by resolved
    std::uint32_t number = 0;
    std::string name;
    bool service = false; ///< by its SRV records
};
struct read_spill { ///< answered by spill_read, in a later input
    spill_id file{};
    bool from_start = false; ///< its first readable chunk; otherwise the next one
};
struct drop_spill { ///< other members hold its contents
    spill_id file{};
};
struct keep_spill_aside { ///< it is damaged: rename it, so that it is not found again
    spill_id file{};
};
using action =
    std::variant<send_beacon, send_datagram, admit, expel, send_broadcast, send_request, send_reply, dial,
                 subscribe, hang_up, read_spill, drop_spill, keep_spill_aside, knock, resolve>;

/// One step, for logs and transcripts; nothing acts on it.
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
    bool acknowledged = false;      ///< a member has reported what it has applied
    bool merges_ready = false;      ///< mesh::next_merge() may have something
    std::optional<instant> wake_at; ///< call step(time_passed) at this time at the latest

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

/// Why an input was refused; nullptr if it was accepted. The text is a literal; stats() counts each text.
struct verdict {
    const char* refused = nullptr;
    [[nodiscard]] explicit operator bool() const { return refused == nullptr; }
};

} // namespace baton::core
