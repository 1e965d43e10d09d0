// interfaces: the network interfaces of this machine that a node may use, one entry an address. A snapshot;
// any thread.
#pragma once

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
/// interfaces_excluded. IPv4 first, otherwise as the system lists them.
/// Errors: unknown_interface, naming the interface or address that this machine does not have, unless
/// `some_may_be_missing`; network, when the list cannot be read now, which says nothing of the interfaces.
[[nodiscard]] result<std::vector<interface>> usable_interfaces(const options& settings,
                                                               bool some_may_be_missing = false);

/// The address under which a node on these interfaces is best named to others: that of the default route,
/// then any that is not a bridge's, then a bridge's, then a link-local one. "127.0.0.1" when there is none.
[[nodiscard]] std::string best_host(const std::vector<interface>& usable);
/// Those that other machines may dial, separated by blanks: neither loopback nor link-local, and not too
/// many.
[[nodiscard]] std::string hosts_of(const std::vector<interface>& usable);

/// Every address, separated by blanks; link-local ones with their zones.
[[nodiscard]] std::string all_hosts_of(const std::vector<interface>& usable);
/// Whether silence on these can mean that nobody is there: one of them has its cable in, or the node is to
/// stay on this machine; and beacons are heard, by `beacon`, if nothing else was to find others.
[[nodiscard]] bool is_attached(const options& settings, const std::vector<interface>& usable, bool beacon);

/// Whether `host` stands for every address: empty, "0.0.0.0" or "::".
[[nodiscard]] bool is_every_host(const std::string& host);

} // namespace baton::shell
