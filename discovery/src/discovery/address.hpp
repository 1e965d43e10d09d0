// address: where a node can be dialled, as text, for IPv4 and IPv6: "10.0.0.5", "fd00::5", "fe80::5%eth0",
// and with ports "10.0.0.5:5000/5001", "[fd00::5]:5000". Numeric only: libzmq would look a name up on the one
// thread that serves every socket, and delay all of them.
//
// Pure; values; any thread. The zone after '%' is the name of an interface of this machine; it has no meaning
// on other machines.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::discovery {

struct address {
    std::string host; ///< numeric, without brackets
    std::uint16_t port = 0, publish_port = 0;
    bool operator==(const address&) const = default;
};

/// 1 to 65535, in decimal digits alone.
[[nodiscard]] std::optional<std::uint16_t> parse_port(std::string_view digits);
[[nodiscard]] bool is_ipv4(std::string_view host);
/// A zone is allowed with link-local addresses alone.
[[nodiscard]] bool is_ipv6(std::string_view host);
[[nodiscard]] inline bool is_numeric(std::string_view host) { return is_ipv4(host) || is_ipv6(host); }
/// IPv6 only. Precondition of these two: is_numeric(host).
[[nodiscard]] bool is_link_local(std::string_view host);
[[nodiscard]] bool is_loopback(std::string_view host);
/// "eth0" of "fe80::5%eth0"; empty if there is none.
[[nodiscard]] std::string_view zone_of(std::string_view host);
[[nodiscard]] std::string_view without_zone(std::string_view host);
/// The IPv4 address that is written as IPv6, in the form of a socket of both families ("::ffff:10.0.0.5").
[[nodiscard]] std::string_view plain(std::string_view host);

/// "tcp://HOST:PORT", with brackets where they are needed.
[[nodiscard]] std::string endpoint_of(std::string_view host, std::uint16_t port);
/// The host of "tcp://HOST:PORT" without brackets: numeric or a name.
[[nodiscard]] std::string host_in(std::string_view endpoint);

/// HOST, HOST:PORT or HOST:PORT/PUBLISH_PORT, an IPv6 host with a port in brackets. Missing ports are taken
/// from `other_ports`. nullopt if it has none of these forms, or is a name.
[[nodiscard]] std::optional<address> parse_address(std::string_view text, const address& other_ports = {});
/// With its ports, if it has any.
[[nodiscard]] std::string to_text(const address& from);

/// At most this many addresses of one node are kept, reported or dialled.
constexpr std::size_t addresses_max = 8;
/// The valid addresses of a list separated by blanks, from a node that was seen at `seen_at`. Link-local
/// addresses are assumed to be on the link where it was seen; if `seen_at` is not link-local, they are left
/// out.
[[nodiscard]] std::vector<address> parse_hosts(std::string_view text, const address& other_ports,
                                               std::string_view seen_at);

} // namespace baton::discovery
