// options: what a program chooses when it starts a node, grouped by meaning.
//
//     // For three nodes where the network drops broadcast.
//     baton::options settings_for(std::string name, std::string key_file) {
//         auto settings = baton::options::lan();
//         settings.name = std::move(name);
//         settings.cluster = "harbour";
//         settings.seeds = {"node1.example:5670"};
//         settings.beacon.enabled = false;
//         settings.mesh_size = 3;
//         settings.security.key_file = std::move(key_file);
//         return settings;
//     }
//
// An aggregate with defaults; plain values, any thread; node::start copies it. Durations are chrono and at
// most a year, except the deadlines of leaves. Bounds end in `_max`, bytes in `_bytes`. What may be absent is
// std::optional; of texts an empty one is absent, and port 0 means any free one. Every option has a test.
#pragma once

#include <baton/api.hpp>
#include <baton/key.hpp>
#include <baton/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton {

/// The severity of a log line.
enum class log_level : std::uint8_t { debug, info, warning, error };

/// Receives the log of a node: one line per event, words of the form `key=value`. In names that come from
/// other nodes, control characters and bytes that are not UTF-8 are written as `\xNN`. The node calls it on
/// its I/O thread. It must not block and must not call the node. An exception from it ends the I/O thread:
/// the node accepts no more writes, and its state stays readable.
using log_sink = std::function<void(log_level, std::string_view line)>;

/// How a node announces itself and discovers others by UDP.
struct beacon_options {
    bool enabled = true;       ///< send and receive beacons; off where only seeds are to be used
    std::uint16_t port = 5671; ///< the UDP port, the same on all nodes

    /// Names of the interfaces to use. Empty: every interface that is up, or with options::host set the one
    /// that has this address.
    std::vector<std::string> interfaces{};
    /// Names of interfaces not to use, for example "docker0". They need not exist.
    std::vector<std::string> interfaces_excluded{};
    /// IPv4 multicast group. Beacons go to it and to the broadcast address of each interface.
    std::string group = "239.255.86.71";
    /// IPv6 multicast group of link-local scope (ffX2::/16). The default is a transient address whose last
    /// bytes spell "baton" (RFC 4291, 2.7).
    std::string group_ipv6 = "ff12::62:6174:6f6e";
    /// Base interval between two beacons. Beacons come faster at the start, and up to four times slower while
    /// no node joins or leaves. A node skips a beacon after it has heard eight others in the interval.
    std::chrono::milliseconds every{1000};
};

/// When a node considers a silent or disconnected member suspect, crashed or gone.
struct liveness_options {
    /// Interval between two heartbeats (HELLO on PUB).
    std::chrono::milliseconds heartbeat_every{250};
    /// After this much silence a member is suspect.
    std::chrono::milliseconds suspect_after{1500};
    /// After this much silence a suspect is crashed, unless another member still hears it.
    std::chrono::milliseconds crashed_after{4000};
    /// A member whose connection closed and does not reopen is crashed after this time.
    std::chrono::milliseconds closed_after{400};
    /// How long after a crash the member's id stays in the cuts that nodes exchange. The member may still
    /// return later.
    std::chrono::milliseconds archive_after{5000};
    /// How long a node tries the address of a crashed member, so that a partition heals without a beacon:
    /// without pause for a minute, then about once a minute, and by one datagram a second.
    std::chrono::seconds redial_for{6 * 3600};
};

/// Bounds. A call that exceeds one fails with an error that names it; bytes of a peer that exceed one are
/// counted in stats(). Members may have different bounds: those of keys, values and frames apply to what this
/// node writes and packs. A node applies whatever another member may send within the bounds of the wire.
struct limit_options {
    /// Bytes of a key that this node writes; at most 512.
    std::size_t key_bytes_max = 512;
    /// Bytes of a value that this node writes; at most 8 MiB.
    std::size_t value_bytes_max = std::size_t{8} << 20;
    /// Bytes of a frame that this node packs; at most 1 MiB, which every node accepts.
    std::size_t frame_bytes_max = std::size_t{1} << 20;
    /// Bytes of one packed DELTA. Other nodes fetch a larger event by PULL.
    std::size_t delta_bytes_max = std::size_t{128} << 10;
    /// Bytes of one STATE chunk that this node asks for in a PULL.
    std::size_t chunk_bytes_max = std::size_t{512} << 10;
    /// Bytes of STATE that are on their way in one session.
    std::size_t credit_bytes = std::size_t{4} << 20;
    /// Bytes of own deltas that are not sent yet. Above it, writes wait.
    std::size_t unsent_bytes_max = std::size_t{32} << 20;
    /// Bytes of deltas that this node keeps because an earlier event is missing.
    std::size_t early_bytes_max = std::size_t{4} << 20;
    /// Members and candidates that a node knows at a time. If the limit of open files suffices for fewer (7
    /// each), the node takes fewer and logs a warning.
    std::size_t peers_max = 150;
    /// Ids unknown to this node that one member may name in its reports. The node ignores and counts the
    /// rest. At least 1024.
    std::size_t unknown_ids_max = 4096;
    /// Sessions that a node serves at a time.
    std::size_t sessions_max = 8;
    /// Bytes of the store. At the bound the node is *full*: it refuses writes and applies none. At least
    /// 4 MiB; nullopt: no bound.
    std::optional<std::size_t> bytes_max{};
    /// Own events by which a member may lag before writers wait; at least 1000.
    std::uint64_t lag_max = 2'000'000;
    /// Bytes of own writes, overwritten ones included, by which a member may lag before writers wait; at
    /// least 16 MiB.
    std::uint64_t lag_bytes_max = std::uint64_t{256} << 20;
    /// Concurrent values of a register or field. Above it one member removes all but the value that is read.
    /// At least 2.
    std::size_t siblings_max = 16;
    /// Frames per peer that wait in libzmq. Above it PUB drops frames, and the peer repairs the loss by PULL.
    std::size_t send_frames_max = 2000;
    /// Addresses that a node dials in a second because of beacons.
    std::size_t dials_max = 200;
    /// Introductions that a node answers or begins in a second (in a mesh with a key).
    std::size_t introductions_max = 100;
    /// Events that the program has not read. Above it the oldest are dropped, and the event `dropped` reports
    /// how many.
    std::size_t events_max = 10000;
    /// Watches at a time.
    std::size_t watches_max = 1000;
    /// Changed keys that a watch has not reported yet. Above it the watch reports `lagged` and begins again
    /// with a snapshot.
    std::size_t watch_keys_max = 65536;
};

/// Who may join, and who can read what travels. In a mesh with a key all traffic is authenticated and links
/// are encrypted: beacons are sealed, links use CURVE with a new key pair for each start, and a node accepts
/// only links that a sealed beacon vouches for. SECURITY.md lists what that protects and what it does not.
struct security_options {
    /// The keys of the mesh, at most 8. This node seals with the first and accepts all. Without keys here and
    /// in `key_file` the mesh is open, and the node logs a warning.
    std::vector<mesh_key> keys{};
    /// A file of keys that only its owner can read, one key a line in base64 or hexadecimal digits. The node
    /// reads it at the start and appends its keys to `keys`. The start fails with bad_key if the file cannot
    /// be used.
    std::string key_file{};
    /// A node believes the beacon of an unknown node at once if the clocks of the two differ by less than
    /// this. Otherwise it asks the unknown node first, which takes one round trip.
    std::chrono::milliseconds beacon_window{60'000};
};

/// The door for clients that are no members (client.hpp). It has sockets, threads and bounds of its own: what
/// clients do there does not touch the mesh's own links.
struct door_options {
    /// nullopt: open only if options::host is a loopback address.
    std::optional<bool> enabled{};
    std::uint16_t port = 0; ///< TCP port of the door; 0: any free one
    /// Clients at a time; others are refused by name. A connection that is no client counts until it closes.
    std::size_t clients_max = 256;
    /// Bytes that are on their way between one client and this node, in each direction; at least 512 KiB.
    std::size_t credit_bytes = std::size_t{1} << 20;
    /// Bytes of calls and answers that this node keeps for all clients. Above it a call is `busy`. At least
    /// 16 MiB.
    std::size_t bytes_max = std::size_t{64} << 20;
    /// Answers in a second to clients that search by UDP.
    std::size_t searches_max = 200;
};

/// Everything a program chooses when it starts a node. The defaults suit one LAN.
struct options {
    std::string name{};              ///< for people; empty: "node-" and 8 digits of the id
    std::string cluster = "default"; ///< a node ignores nodes of other clusters; at most 64 bytes

    /// Local address to bind and advertise, IPv4 or IPv6. Empty or "::": every usable interface, both
    /// families; "0.0.0.0": every usable interface, IPv4 only. "127.0.0.1" and "::1" keep all traffic on this
    /// machine.
    std::string host{};
    /// Start even if `host` or an interface of `beacon.interfaces` does not exist yet, and use it as soon as
    /// it does. For programs that start before the network is configured. The interface of a link-local
    /// `host` must exist in any case.
    bool wait_for_interface = false;
    std::uint16_t port = 0;         ///< TCP port for requests, which others use as a seed; 0: any free one
    std::uint16_t publish_port = 0; ///< TCP port for broadcasts of writes; 0: any free one

    /// Members to contact, as "HOST:PORT" or "tcp://HOST:PORT". IPv6 stands in brackets, "[fd00::5]:5000",
    /// and a link-local address names its interface, "[fe80::5%eth0]:5000". One seed is enough for the whole
    /// mesh. HOST may be a name: the node dials each of its addresses, of both families, at most 32, and
    /// looks the name up again and again while it runs. "_baton._tcp.example.org" is a service: its SRV
    /// records give hosts and ports.
    std::vector<std::string> seeds{};
    /// Addresses under which others dial this node, for containers and NAT: up to 8 of "HOST", "HOST:PORT" or
    /// "HOST:PORT/PUBLISH_PORT". Empty: others dial the address at which they see it. HOST is numeric or a
    /// name; an IPv6 host with a port stands in brackets. A missing port is the bound port. This node looks
    /// names up, again and again, and advertises their present addresses. Others try the addresses in this
    /// order, a tenth of a second apart, and keep the first that answers.
    std::vector<std::string> advertise{};
    /// Name servers, "ADDR" or "ADDR:PORT". Empty: those of the system. The hosts file is read first in any
    /// case.
    std::vector<std::string> dns_servers{};
    /// Exchange addresses of members with other members, so that one seed is enough. Off: this node dials
    /// only seeds and nodes whose beacons it hears, and reports no addresses to others.
    bool exchange_peers = true;
    beacon_options beacon{};     ///< discovery by UDP
    liveness_options liveness{}; ///< when a member is suspect or crashed
    limit_options limits{};      ///< bounds
    security_options security{}; ///< the key of the mesh
    door_options clients{};      ///< the door for clients

    /// How many members the mesh is meant to have, so that a minority knows that it is one. At least 1;
    /// nullopt: not known.
    std::optional<std::size_t> mesh_size{};
    /// Set on the first node of a new mesh: it is synced without meeting a member, and reports absent keys as
    /// `absent_confirmed` while it is alone.
    bool founding = false;
    /// A node that has met no member for this long considers itself alone, if it also hears of no other node,
    /// has a network interface that is up (the loopback interface counts if `host` is on it), and every
    /// address of each seed refuses connections or is the node's own. A seed may be running if it is silent
    /// or unreachable, or if its name has no address. A node that is alone continues with the state of its
    /// files in `spill_dir`.
    std::chrono::milliseconds alone_after{5000};
    /// This node does not follow a timestamp that is further ahead of its clock than this. It counts such
    /// timestamps and reports the event `clock_skew`.
    std::chrono::milliseconds clock_skew_max{5000};
    /// Default deadline of leave(). It fits the grace period of Kubernetes, 30 s.
    std::chrono::milliseconds leave_within{25000};
    /// Deadline of the leave that the destructor performs if leave() was not called.
    std::chrono::milliseconds destructor_leave_within{2000};
    /// Folder for spills; empty: none. If no member takes the state over, a leave writes all of it to a file
    /// there. A start reads the files of its cluster from it. The folder is created if it does not exist; the
    /// start fails with bad_option if a file there cannot be created, locked and written. While another
    /// process still writes a file, this node waits for it and confirms no key as absent. It reads only files
    /// that belong to this user or root and that nobody else can use; in a mesh with a key, only files that
    /// one of its keys has sealed.
    std::string spill_dir{};
    /// Start even if `spill_dir` cannot be used, with a warning at the start and at the leave.
    bool spill_dir_optional = false;
    /// Keep a spill until a later one replaces it, in case all nodes crash. Off: the node removes it as soon
    /// as other members hold its contents in memory.
    bool keep_spills = false;
    /// In a mesh with a key: read spills without a seal, too, whoever wrote them. For the first start with a
    /// key.
    bool accept_keyless_spills = false;
    log_sink log{}; ///< receives the log; empty: no log

    /// Called on the I/O thread after events of other members have been applied and are readable, for
    /// measurements. It obeys the same rules as `log`.
    std::function<void(std::size_t events_applied)> on_applied{};
    /// Seed of every random choice except the node's id; nullopt: a random seed.
    std::optional<std::uint64_t> random_seed{};

    /// Checks all values and opens nothing. The error lists every fault, one sentence each, joined by "; ".
    /// Errors: bad_option, bad_seed.
    [[nodiscard]] BATON_API result<void> validate() const;

    BATON_API static options lan();      ///< the defaults: all nodes of one LAN find each other
    BATON_API static options loopback(); ///< host 127.0.0.1: no traffic leaves the machine, beacons included
    BATON_API static options wan();      ///< no beacons, more patience with silence; needs seeds
};

} // namespace baton
