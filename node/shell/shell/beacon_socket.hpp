// beacon_socket: the UDP sockets, one for IPv4 and one for IPv6, that hear beacons on the chosen interfaces
// and send them there: by directed broadcast, IPv4 multicast and IPv6 link-local multicast. Belongs to the
// I/O thread after open(). Several processes of a machine share the port.
#pragma once

#include "shell/interfaces.hpp"

#include <netinet/in.h>

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace baton::shell {

class beacon_socket {
  public:
    /// One of the two families is enough. Errors: address_in_use, network. The node goes on without a beacon
    /// then.
    [[nodiscard]] static result<beacon_socket> open(const beacon_options& settings,
                                                    std::vector<interface> on);
    beacon_socket(beacon_socket&& other) noexcept;
    beacon_socket& operator=(beacon_socket&&) = delete;
    ~beacon_socket();

    /// Descriptors to wait for; -1 where this machine does not have the family.
    [[nodiscard]] int fd() const { return ipv4_; }
    [[nodiscard]] int ipv6_fd() const { return ipv6_; }
    /// Uses these interfaces from now on: joins and leaves multicast groups.
    void use(std::vector<interface> on);
    /// Sends on every interface; the number of datagrams that the system took. Never blocks.
    std::size_t send(std::string_view bytes);
    /// Passes on up to `most` waiting datagrams of each family that came in on a chosen interface; `host` has
    /// a zone if it is link-local. Never blocks.
    void receive(std::size_t most,
                 const std::function<void(std::string_view host, std::string_view bytes)>& take);

  private:
    beacon_socket() = default;
    [[nodiscard]] bool send_ipv4(const interface& one, std::uint32_t to, std::string_view bytes) const;
    [[nodiscard]] bool send_ipv6(const interface& one, std::string_view bytes) const;
    void receive_on(int fd, std::size_t most,
                    const std::function<void(std::string_view host, std::string_view bytes)>& take) const;
    void join(unsigned number, bool on, bool ipv6) const;

    int ipv4_ = -1, ipv6_ = -1;
    std::uint16_t port_ = 0;
    in_addr group_{};
    in6_addr group_ipv6_{};
    std::vector<interface> interfaces_;
    std::set<unsigned> heard_;                        ///< numbers of interfaces
    std::set<std::pair<unsigned, bool>> memberships_; ///< number, IPv6
};

} // namespace baton::shell
