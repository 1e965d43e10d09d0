// beacon_socket: one UDP socket that hears beacons on the chosen interfaces and sends them there, by directed
// broadcast and by multicast. Belongs to the I/O thread after open(). Several processes of a machine share
// the port.
#pragma once

#include "shell/interfaces.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace baton::shell {

class beacon_socket {
  public:
    /// Errors: address_in_use, network. The node goes on without a beacon then.
    [[nodiscard]] static result<beacon_socket> open(const beacon_options& settings,
                                                    std::vector<interface> on);
    beacon_socket(beacon_socket&& other) noexcept;
    beacon_socket& operator=(beacon_socket&&) = delete;
    ~beacon_socket();

    [[nodiscard]] int fd() const { return fd_; }
    /// Sends on every interface; the number of datagrams that the system took. Never blocks.
    std::size_t send(std::string_view bytes);
    /// Hands over up to `most` waiting datagrams that came in on a chosen interface. Never blocks.
    void receive(std::size_t most,
                 const std::function<void(std::string_view host, std::string_view bytes)>& take);

  private:
    beacon_socket(int fd, std::uint16_t port, std::uint32_t group, std::vector<interface> on)
        : fd_(fd)
        , port_(port)
        , group_(group)
        , interfaces_(std::move(on)) {}
    bool send_on(const interface& one, std::uint32_t to, std::string_view bytes) const;

    int fd_;
    std::uint16_t port_;
    std::uint32_t group_;
    std::vector<interface> interfaces_;
};

} // namespace baton::shell
