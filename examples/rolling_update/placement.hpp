// placement: which server is to take a free session, so that all of them decide alike without asking.
//
// Every server that serves is registered in the store, "server/<id>" = where clients reach it. A server that
// leaves takes its entry out *before* it gives up its sessions: causes come before effects on every node, so
// whoever sees one of its sessions free does not count on it any more. Of those that are registered and up
// the one with the highest hash of (session, server) takes the session: a server that comes or goes moves
// only the sessions that it takes or had. Source: Thaler, Ravishankar 1998, "Using name-based mappings to
// increase hit rates" (rendezvous hashing).
//
// Any thread, as node.
#pragma once

#include <baton/node.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace placement {

/// The registry's key of a server.
[[nodiscard]] std::string key_of(const baton::replica_id& server);
/// Where clients reach it; nothing if it is not registered.
[[nodiscard]] std::optional<std::string> address_of(const baton::node& seen_by,
                                                    const baton::replica_id& server);

/// The ids of the servers that may take sessions, as this node sees it. O(servers).
[[nodiscard]] std::vector<std::string> candidates(const baton::node& seen_by);
/// The one of them that is to take the session; nobody of none.
[[nodiscard]] std::optional<std::string> chosen(const std::vector<std::string>& candidates,
                                                std::string_view session);

} // namespace placement
