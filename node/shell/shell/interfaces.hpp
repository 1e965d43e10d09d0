// interfaces: the network interfaces of this machine that a node may use, one entry per address. A snapshot;
// any thread.
#pragma once

#include "crdt/time.hpp"

#include <baton/options.hpp>
#include <baton/result.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace baton::shell {

struct interface {
    std::string name;
    unsigned number = 0; ///< as in if_nametoindex
    std::string host;    ///< numeric; of a link-local address with its zone
    bool ipv6 = false;
    bool link_local = false;     ///< IPv6 only
    std::uint32_t address = 0;   ///< IPv4, host byte order
    std::uint32_t broadcast = 0; ///< directed broadcast, host byte order; `address` where there is none
    bool loopback = false;
    bool running = false; ///< its cable is in
    bool operator==(const interface&) const = default;
};

/// Addresses of interfaces that are up, narrowed by options.host, options.beacon.interfaces and
/// interfaces_excluded. IPv4 first, otherwise as the system lists them. Errors: unknown_interface, naming the
/// interface or address that this machine does not have, unless `some_may_be_missing`; network, if the list
/// cannot be read now; the interfaces may still exist.
[[nodiscard]] result<std::vector<interface>> usable_interfaces(const options& settings,
                                                               bool some_may_be_missing = false);

/// The best address of these interfaces to give to other nodes: that of the default route, otherwise any that
/// is not a bridge's, otherwise a bridge's, otherwise a link-local one. "127.0.0.1" if there is none.
[[nodiscard]] std::string best_host(const std::vector<interface>& usable);
/// The addresses that other machines may dial, separated by blanks: neither loopback nor link-local, up to a
/// bound.
[[nodiscard]] std::string hosts_of(const std::vector<interface>& usable);

/// Every address, separated by blanks; link-local ones with their zones.
[[nodiscard]] std::string all_hosts_of(const std::vector<interface>& usable);
/// Whether silence on these interfaces can mean that no other node is there. One of them must have its link
/// up, or the node uses this machine only; and if beacons are the only way to find others, this node must
/// hear them (`beacon`).
[[nodiscard]] bool is_attached(const options& settings, const std::vector<interface>& usable, bool beacon);

/// Whether `host` stands for every address: empty, "0.0.0.0" or "::".
[[nodiscard]] bool is_every_host(const std::string& host);

/// The interfaces as the I/O thread last saw them, and when it looks again.
struct interfaces_seen {
    std::vector<interface> all;
    crdt::instant look_at{};
    bool added = false;      ///< an address has been added since, or can be used only now
    bool unreadable = false; ///< the log has it that the list cannot be read
};

} // namespace baton::shell
