// door_socket: the ROUTER that clients talk to, in a ZeroMQ context of its own, so that neither their number
// nor their traffic takes a socket, a thread or a queue from the mesh's own links.
//
// Made by the thread that starts the node; used and closed by the desk's thread alone.
#pragma once

#include "discovery/access.hpp"
#include "shell/descriptors.hpp"
#include "shell/gate.hpp"

#include <baton/options.hpp>
#include <baton/result.hpp>

#include <zmq.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace baton::shell {

class door_socket {
  public:
    /// Binds the port at options::host; with `key` clients must know the door's public key. Errors:
    /// address_in_use; network, also if there are not enough descriptors or threads.
    [[nodiscard]] static result<std::unique_ptr<door_socket>> open(const options& settings,
                                                                   const mesh_key* key);
    ~door_socket();
    door_socket(const door_socket&) = delete;

    [[nodiscard]] std::uint16_t port() const { return gate_.port(); }
    [[nodiscard]] std::size_t connections_max() const { return connections_max_; }
    [[nodiscard]] std::size_t connections() const { return open_.size(); }
    zmq::socket_t& router() { return router_; }
    zmq::socket_t& monitor() { return monitor_; }
    /// The next message and its sender; false if none waits. A message of several parts is dropped.
    bool receive(std::string& from, zmq::message_t& into);
    /// False if the client is gone, or takes nothing more.
    bool send(std::string_view to, std::string_view bytes);
    /// Reads what has become of connections, and shuts or opens the gate. Returns how many connections broke
    /// off before they could speak: without the key, or of another program.
    std::size_t tend();

  private:
    door_socket(const options& settings, gate at, descriptor_share share, std::size_t connections_max);

    descriptor_share share_;
    std::size_t connections_max_;
    zmq::context_t context_;
    zmq::socket_t router_, monitor_;
    gate gate_;
    std::set<int> open_; ///< descriptors of the connections
    bool shut_ = false;
};

} // namespace baton::shell
