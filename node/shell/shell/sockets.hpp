// sockets: every ZeroMQ socket of a node, and their settings (reasons: node/README.md, "Socket settings").
//
// The I/O thread alone makes, uses and closes them, except PUB: other threads may also send on it, all under
// one mutex.
#pragma once

#include "core/io.hpp"
#include "shell/doorkeeper.hpp"
#include "shell/gate.hpp"
#include "shell/poller.hpp"
#include "shell/uninterrupted.hpp"

#include <baton/options.hpp>

#include <zmq.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace baton::shell {

/// One context per process, shared by its nodes, destroyed with the last one.
class surroundings {
  public:
    surroundings();
    ~surroundings();
    surroundings(const surroundings&) = delete;
    /// Any thread.
    static std::shared_ptr<surroundings> shared();

    zmq::context_t context;
    /// Made at the first call. Any thread.
    doorkeeper& keeper();

  private:
    std::once_flag keeping_;
    std::unique_ptr<doorkeeper> keeper_;
};

/// What the sockets need in a mesh with a key.
struct link_security {
    link_pair own;
    std::shared_ptr<guest_list> guests = std::make_shared<guest_list>();
};

/// The next message, if one is waiting.
inline bool receive(zmq::socket_t& from, zmq::message_t& into) {
    return uninterrupted([&] { return from.recv(into, zmq::recv_flags::dontwait).has_value(); });
}

/// Before bind() or connect(): the kernel closes connections whose other end does not answer. ZeroMQ's own
/// heartbeat is not used: with 4.3.4 it ended processes in tests of many nodes.
void close_unanswered(zmq::socket_t& socket);

/// A poller's names for what a node reads.
enum source : poller::name {
    publications,
    broadcasts,
    requests,
    refusals,
    addresses,
    beacons,
    datagrams,
    knocks,
    names,
    first_link
};
inline poller::name source_of(core::link_id link) { return first_link + static_cast<poller::name>(link); }

class sockets {
  public:
    /// Binds PUB and ROUTER; with `security` every socket is CURVE. Errors: address_in_use, network.
    [[nodiscard]] static result<std::unique_ptr<sockets>>
    open(const options& settings, const replica_id& self, const std::optional<link_security>& security = {});
    ~sockets();

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] std::uint16_t publish_port() const { return publish_port_; }

    struct connection {
        zmq::socket_t dealer;
        zmq::socket_t monitor;
        std::string subscribed{};
        std::string endpoint{};
        std::string local{};                ///< our address on it; empty while not known
        bool once = false;                  ///< not tried again by libzmq when it fails or closes
        bool opened = false, ended = false; ///< of one that is tried once
    };
    /// `once`: libzmq tries it once; after it has been open it is like any other connection.
    void dial(core::link_id link, const std::string& endpoint, const discovery::link_key& key, bool once);
    /// Reads the monitor of a connection, which may have been tried `once`.
    static void note_event(connection& of, std::uint16_t what);
    /// Everything that has come by it has been read: if it has ended for good, it is made again.
    void mend(core::link_id link);
    /// Repeats dials that found no descriptor.
    void dial_again();
    void subscribe(core::link_id link, const std::string& endpoint, const discovery::link_key& key);
    void admit(const replica_id& id, const discovery::link_key& key);
    void expel(const replica_id& id);
    void hang_up(core::link_id link);
    /// Reconnects every connection from this local address: the address is gone, which TCP would notice late.
    void redial_from(const std::string& local);
    void broadcast(std::string_view bytes);
    /// False if the link cannot accept it now; it is not queued.
    bool request(core::link_id link, std::string_view bytes);
    bool reply(const replica_id& to, std::string_view bytes);

    zmq::socket_t& publisher() { return publisher_; }
    /// Whether a subscription waits to be read.
    [[nodiscard]] bool publisher_readable() {
        return (uninterrupted([&] { return publisher_.get(zmq::sockopt::events); }) & ZMQ_POLLIN) != 0;
    }
    zmq::socket_t& router() { return router_; }
    zmq::socket_t& subscriber() { return subscriber_; }
    /// Monitors of ROUTER and PUB: links that others have failed to open. None in an open mesh.
    std::vector<zmq::socket_t>& doors() { return doors_; }
    /// The ports of ROUTER and PUB.
    [[nodiscard]] const std::vector<gate>& gates() const { return gates_; }
    /// Whether the message came by a link of that replica; always, in an open mesh.
    [[nodiscard]] bool is_from(zmq::message_t& message, const replica_id& who) const;
    /// Messages of a closed link come under a routing id that ROUTER has made up, once a later link has the
    /// peer's routing id. They belong to a peer that came back after a cut, which repeats important frames.
    [[nodiscard]] static bool is_of_a_replaced_link(std::string_view routing_id, zmq::message_t& message);
    /// Whether the message came by a link: libzmq itself makes the message that a subscriber has gone.
    [[nodiscard]] static bool is_of_a_link(zmq::message_t& message);
    std::map<core::link_id, connection>& connections() { return connections_; }
    /// Contains every socket, and other descriptors that are added. The I/O thread calls touched() after its
    /// own broadcasts; another thread that broadcasts wakes the I/O thread instead.
    [[nodiscard]] poller& sources() { return poller_; }

    /// The replica named by the subscription that each node makes to be recognised; nullopt for other topics.
    [[nodiscard]] static std::optional<replica_id> subscriber_of(std::string_view topic);
    [[nodiscard]] static std::optional<replica_id> replica_of(std::string_view routing_id);
    /// The peer's numeric address without port; empty if it is not known.
    [[nodiscard]] static std::string host_of(zmq::message_t& message);

  private:
    sockets(const options& settings, const replica_id& self, const std::optional<link_security>& security);
    /// False if no descriptors are free.
    bool try_dial(core::link_id link, const std::string& endpoint, const discovery::link_key& key, bool once);
    void secure_server(zmq::socket_t& socket);
    void secure_client(zmq::socket_t& socket) const;
    void unsubscribe(core::link_id link);
    void watch(zmq::socket_t& socket, poller::name of);
    void forget(zmq::socket_t& socket);
    void close(connection& of);
    void replace(core::link_id link);
    static void reconnect(zmq::socket_t& socket, const std::string& endpoint);
    void tune(zmq::socket_t& socket) const;
    result<std::uint16_t> bind(zmq::socket_t& socket, const char* what, std::uint16_t port);

    std::shared_ptr<surroundings> around_;
    options settings_;
    replica_id self_;
    std::optional<link_security> security_;
    poller poller_;
    std::vector<zmq::socket_t> doors_; ///< monitors of ROUTER and PUB
    std::vector<gate> gates_;          ///< their ports
    zmq::socket_t publisher_, router_, subscriber_;
    std::uint16_t port_ = 0, publish_port_ = 0;
    std::map<core::link_id, connection> connections_;
    struct wanted {
        std::string endpoint;
        discovery::link_key key;
        std::string subscribed;
        bool once = false;
    };
    std::map<core::link_id, wanted> undialled_;
};

} // namespace baton::shell
