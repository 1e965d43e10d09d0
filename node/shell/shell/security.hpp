// security: what a node needs at its start to be a member of a mesh with a key, and how keys are changed
// while it runs (node's own calls).
//
// Any thread; before there is an I/O thread.
#pragma once

#include "shell/sockets.hpp"
#include "shell/unicast_socket.hpp"

#include <optional>
#include <string>
#include <vector>

namespace baton::shell {

/// Takes the keys out of the options and their file. None: the mesh is open. Errors: bad_key.
[[nodiscard]] result<std::vector<mesh_key>> keys_of(options& settings);
/// A new key pair for the links, if there are keys.
[[nodiscard]] std::optional<link_security> security_of(const std::vector<mesh_key>& keys);
/// From the system, for nonces.
[[nodiscard]] std::string random_bytes(std::size_t count);

struct bound_ports {
    std::unique_ptr<sockets> links;
    std::optional<unicast_socket> unicast; ///< always with a key; else where that UDP port is free
};
/// ROUTER, PUB, and UDP on the ROUTER's number. Errors: those of sockets::open, and of UDP with a key.
[[nodiscard]] result<bound_ports> open_ports(const options& settings, const replica_id& self,
                                             const std::optional<link_security>& security);

} // namespace baton::shell
