// interfaces: the network interfaces of this machine that a node may use. A snapshot; any thread.
#pragma once

#include <baton/options.hpp>
#include <baton/result.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace baton::shell {

struct interface {
    std::string name;
    unsigned number = 0;         ///< as in if_nametoindex
    std::uint32_t address = 0;   ///< IPv4, host byte order
    std::uint32_t broadcast = 0; ///< directed broadcast, host byte order
    bool loopback = false;
};

/// Interfaces that are up and have an IPv4 address, narrowed by options.host and options.beacon.interfaces.
/// Errors: unknown_interface, naming the interface or address that this machine does not have.
[[nodiscard]] result<std::vector<interface>> usable_interfaces(const options& settings);

[[nodiscard]] std::string address_text(std::uint32_t address);

} // namespace baton::shell
