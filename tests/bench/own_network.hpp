// A network of its own for a child of the benchmark and its children: nothing else speaks there, so what the
// kernel counts is theirs, and broadcasts reach nobody else. Linux network namespaces; as root, or where
// users may have user namespaces.
//
// For the one thread of a child process that has started no other.
#pragma once

#include <cstdint>
#include <string>

namespace baton::bench {

/// Leaves the machine's network for a new one with nothing but a loopback interface. False where that is not
/// allowed; then nothing has changed.
bool enter_own_network();

/// Makes an interface there that broadcasts, and returns its address. Needs the command `ip`; throws without.
std::string add_broadcast_interface(const std::string& name);

/// Bytes that an interface has sent, as the kernel counts them: headers down to Ethernet's included.
std::uint64_t bytes_sent_by(const std::string& interface);

} // namespace baton::bench
