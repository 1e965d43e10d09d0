// options: everything a node can be told at its start, grouped by meaning.
//
// An aggregate with defaults; plain values, any thread, copied by node::start. Durations are chrono, at most
// a year, but for deadlines of leaves; bounds end in `_max`, bytes in `_bytes`. No option is only documented:
// each is covered by a test.
#pragma once

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

enum class log_level : std::uint8_t { debug, info, warning, error };

/// Called from the node's I/O thread, one line an event, `key=value` words; names of others stand in it with
/// control characters and what is no UTF-8 as \xNN. Must not block and must not call the node. What it throws
/// ends the node's I/O thread: nothing more is written, what is there stays readable.
using log_sink = std::function<void(log_level, std::string_view line)>;

/// How a node announces itself and hears of others by UDP.
struct beacon_options {
    bool enabled = true;
    std::uint16_t port = 5671;
    /// Interfaces to use by name; empty: every one that is up (with `options::host` set: the one that has
    /// it).
    std::vector<std::string> interfaces{};
    /// Interfaces not to use by name, e.g. "docker0"; need not be there.
    std::vector<std::string> interfaces_excluded{};
    /// IPv4 multicast group beside the directed broadcast.
    std::string group = "239.255.86.71";
    /// IPv6 multicast group of link-local scope (ffX2::/16). The default is a transient one that spells
    /// "baton" (RFC 4291, 2.7).
    std::string group_ipv6 = "ff12::62:6174:6f6e";
    /// Between two announcements once the node has been up for a while. At the start they come faster, in a
    /// mesh where nobody comes or goes up to four times as slow, and where more than eight are heard not from
    /// everybody.
    std::chrono::milliseconds every{1000};
};

/// When a silent or closed peer is believed to be gone.
struct liveness_options {
    /// Between two heartbeats (HELLO on PUB).
    std::chrono::milliseconds heartbeat_every{250};
    /// Silence until a member becomes suspect.
    std::chrono::milliseconds suspect_after{1500};
    /// Silence until a suspect is called crashed.
    std::chrono::milliseconds crashed_after{4000};
    /// From a closed connection that does not come back to `crashed`.
    std::chrono::milliseconds closed_after{400};
    /// From a crash to taking the member's id out of the vectors that travel; it may come back later.
    std::chrono::milliseconds archive_after{5000};
    /// How long the address of a crashed member is tried: for a partition that nothing else would end. All
    /// the time for a minute, then about once a minute, and by a datagram a second.
    std::chrono::seconds redial_for{6 * 3600};
};

/// Bounds. What is over one is refused with an error that names it, or counted in stats(). Members may have
/// different ones: those of keys and values are for what is written here, those of frames for what is packed
/// here. Whatever another member may write, up to the bounds of the wire, is applied.
struct limit_options {
    std::size_t key_bytes_max = 512;                      ///< of keys written here; at most 512
    std::size_t value_bytes_max = std::size_t{8} << 20;   ///< of values written here; at most 8 MiB
    std::size_t frame_bytes_max = std::size_t{1} << 20;   ///< one message packed here; at most 1 MiB, which
                                                          ///< every node takes
    std::size_t delta_bytes_max = std::size_t{128} << 10; ///< one packed DELTA; a larger event goes by PULL
    std::size_t chunk_bytes_max = std::size_t{512} << 10; ///< one STATE chunk asked for in a PULL
    std::size_t credit_bytes = std::size_t{4} << 20;      ///< STATE bytes under way in one session
    std::size_t unsent_bytes_max = std::size_t{32} << 20; ///< own deltas not yet sent; stash() waits above it
    std::size_t early_bytes_max = std::size_t{4}
                                  << 20; ///< deltas kept because something before them is missing
    std::size_t peers_max = 150;         ///< members and candidates known at a time; fewer, and a warning,
                                         ///< where the limit of open files suffices for fewer (7 each)
    std::size_t unknown_ids_max = 4096;  ///< ids that one member may name in what it reports and that are
                                         ///< new here; the rest is ignored and counted. At least 1024
    std::size_t sessions_max = 8;        ///< PULLs served at once
    std::size_t bytes_max = 0; ///< memory of the store; then the node is full. 0: none; or at least 4 MiB
    std::uint64_t lag_max =
        2'000'000; ///< own events a member may be behind before writers wait; at least 1000
    std::uint64_t lag_bytes_max = std::uint64_t{256}
                                  << 20; ///< bytes of own writes a member may be behind before writers
                                         ///< wait, overwritten ones included; at least 16 MiB
    std::size_t siblings_max = 16; ///< concurrent values of a register or field; above it one member takes
                                   ///< away all but the one that is read. At least 2
    std::size_t send_frames_max = 2000;  ///< per peer in libzmq before PUB drops (repaired by PULL)
    std::size_t dials_max = 200;         ///< addresses dialled a second because of beacons
    std::size_t introductions_max = 100; ///< introductions answered, and challenged, a second (security)
    std::size_t events_max = 10000;      ///< unread events; then the oldest go, and it says so
    std::size_t watches_max = 1000;      ///< watches at a time
    std::size_t watch_keys_max = 65536;  ///< changed keys that a watch has not been told of; then it starts
                                         ///< again with all there is, and says so
};

/// Who may join, and what is read on the way. With a key everything is authenticated and encrypted: beacons
/// are sealed, links are CURVE with a key pair of this start, and only those let in whom a sealed beacon has
/// vouched for. SECURITY.md says what that protects, and what it does not.
struct security_options {
    /// The keys of the mesh: the first seals what this node sends, all are accepted; at most 8. None, and no
    /// key_file: the mesh is open, and a warning in the log says so.
    std::vector<mesh_key> key{};
    /// A file of keys, one a line in base64 or hexadecimal digits, that nobody but its owner can read. Read
    /// at the start; what is in it stands behind `key`. A file that cannot be used is the error bad_key.
    std::string key_file{};
    /// How far the clock of a node that was not heard before may be from ours for its beacon to be believed
    /// at once. One that is further off is asked first, which takes a round trip.
    std::chrono::milliseconds beacon_window{60'000};
};

struct options {
    std::string name{};              ///< for people; empty: "node-" and 8 digits of the id
    std::string cluster = "default"; ///< nodes of other clusters are ignored; at most 64 bytes
    /// Local address to bind and advertise, IPv4 or IPv6; empty or "::": every usable interface, by both;
    /// "0.0.0.0": by IPv4 alone. "127.0.0.1" and "::1" keep everything on this machine.
    std::string host{};
    /// The node starts though `host`, or an interface of `beacon.interfaces`, is not there yet, and uses it
    /// once it is: at boot, before the network is configured. A link-local `host` needs its interface.
    bool wait_for_interface = false;
    std::uint16_t port = 0;         ///< the port others name as a seed; 0: any free one
    std::uint16_t publish_port = 0; ///< the port of the delta stream; 0: any free one
    /// "HOST:PORT" or "tcp://HOST:PORT" of members to join by; IPv6 in brackets: "[fd00::5]:5000", and with
    /// an interface where it is link-local: "[fe80::5%eth0]:5000". One is enough for the whole mesh. HOST may
    /// be a name: every address of it, of both families, is dialled, at most 32, and it is asked for again
    /// and again, as long as the node runs. "_baton._tcp.example.org" is a service, whose SRV records have
    /// the hosts and ports.
    std::vector<std::string> seeds{};
    /// Under which addresses others are to dial this node, instead of where it is seen, for containers and
    /// NAT: up to 8 of "HOST", "HOST:PORT" or "HOST:PORT/PUBLISH_PORT", numeric or a name, an IPv6 host with
    /// a port in brackets. Ports not said are those bound. Others are told numbers: a name is looked up here,
    /// again and again, and counts while it has addresses. Tried in this order, a tenth of a second apart;
    /// the first that answers is kept.
    std::vector<std::string> advertise{};
    /// Name servers to ask, "ADDR" or "ADDR:PORT"; none: the system's. The machine's hosts file comes first.
    std::vector<std::string> dns_servers{};
    /// Members tell one another of members, so that one seed is enough. Off: only who is in `seeds`, or heard
    /// by beacon, is dialled from here, and nobody is told of others.
    bool exchange_peers = true;
    beacon_options beacon{};
    liveness_options liveness{};
    limit_options limits{};
    security_options security{};
    /// How many members the mesh is meant to have, so that a minority can tell that it is one. 0: not known.
    std::size_t mesh_size = 0;
    /// The first node of a new mesh: it needs nobody to be synced, and may call a key absent while alone.
    bool founding = false;
    /// A node that has met nobody for this long takes itself for the only one, if it hears of nobody, has a
    /// network interface that is up (on loopback, where `host` is), and every address of each seed refuses
    /// connections or is its own. A seed that is silent, cannot be reached, or whose name has no address, may
    /// be there. One that has met nobody goes on with what its files in `spill_dir` hold.
    std::chrono::milliseconds alone_after{5000};
    /// A peer's clock further ahead than this does not drag ours along; it is counted.
    std::chrono::milliseconds clock_skew_max{5000};
    /// Default deadline of leave(); fits Kubernetes' 30 s grace period.
    std::chrono::milliseconds leave_within{25000};
    /// Deadline of the leave that the destructor performs when leave() was not called.
    std::chrono::milliseconds destructor_leave_within{2000};
    /// Where a leave that nobody takes over writes the whole state to a file, and where files of this cluster
    /// are looked for at the start; made if it is not there. Empty: none. A folder in which no file can be
    /// made, locked and written ends the start with bad_option. A file that a process is still writing is
    /// waited for: no key is absent until then. Of the files only those are read that belong
    /// to this user (or root) alone, and with a key only those that one of its keys has sealed.
    std::string spill_dir{};
    /// Start also where `spill_dir` cannot be used: with a warning, now and at the leave.
    bool spill_dir_optional = false;
    /// A file stays until a later one is on the disk in its place, for the day on which all nodes crash. Off:
    /// it is removed once others hold in memory what is in it.
    bool keep_spills = false;
    /// With a key: files without a seal are merged, too, whoever wrote them. For the first start with a key.
    bool accept_keyless_spills = false;
    log_sink log{};
    /// Called on the I/O thread after events have been applied and are readable, e.g. to measure. Same rules
    /// as `log`.
    std::function<void(std::size_t events_applied)> on_applied{};
    /// Seed of every random choice but the node's id; nothing: taken from the system.
    std::optional<std::uint64_t> random_seed{};

    /// Every fault at once, one sentence each, joined by "; ". Checks values only, opens nothing.
    [[nodiscard]] result<void> validate() const;

    static options lan();      ///< the defaults
    static options loopback(); ///< host 127.0.0.1: nothing leaves the machine, the beacon included
    static options wan();      ///< no beacon, slower judgement of silence; name seeds
};

} // namespace baton
