// Nodes of the benchmark: baton on loopback, in a cluster of its own.
//
// For child processes only (process.hpp). Any failure throws; the child reports it.
#pragma once

#include "process.hpp"

#include <baton/node.hpp>

#include <functional>
#include <string>

namespace baton::bench {

/// What every node of one mesh is told: a cluster that no other run uses.
json mesh_settings();

/// The same, in a mesh with a key: sealed and encrypted.
json with_key(json told);

/// Starts a node from mesh_settings(), on loopback unless `told` names a host: by the seed in `told` where
/// there is one, else alone; by beacon only where `told` names a beacon port.
node start_node(const json& told, std::function<void(std::size_t)> on_applied = {});

/// Waits until this node has met another and holds what that holds.
void await_synced(const node& self);

/// Waits until this node counts a member as up, and returns that moment (now_ns) and the event.
std::pair<std::int64_t, event> await_joined(node& self, std::chrono::seconds within);

/// The digest, waiting while a large sync is being folded in.
std::string digest_of(const node& self);

/// Stashes the keys 0 … count - 1 of payload.
void load(node& self, std::uint64_t count);

/// The value, or an exception with the error's sentence.
template <class T>
T expect(result<T> outcome) {
    if (!outcome) throw std::runtime_error(outcome.error().what);
    return std::move(outcome).value();
}

} // namespace baton::bench
