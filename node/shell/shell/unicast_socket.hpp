// unicast_socket: the UDP socket with the port number of the ROUTER: small datagrams to and from one node,
// distinguished by their contents.
//
// Belongs to the I/O thread after open(). Never blocks.
#pragma once

#include <baton/result.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace baton::shell {

class unicast_socket {
  public:
    /// `host`: a numeric address, or empty for all; `may_be_missing`: it need not be this machine's yet.
    /// Errors: address_in_use, network.
    [[nodiscard]] static result<unicast_socket> open(const std::string& host, std::uint16_t port,
                                                     bool may_be_missing = false);
    unicast_socket(unicast_socket&& other) noexcept;
    unicast_socket& operator=(unicast_socket&&) = delete;
    ~unicast_socket();

    [[nodiscard]] int fd() const { return fd_; }
    /// `endpoint`: "tcp://HOST:PORT", numeric. False if the system did not accept it.
    bool send(const std::string& endpoint, std::string_view bytes);
    /// Passes on up to `most` waiting datagrams, each with its source as a numeric address and as an
    /// endpoint.
    void receive(
        std::size_t most,
        const std::function<void(std::string_view host, std::string endpoint, std::string_view bytes)>& take);

  private:
    unicast_socket(int fd, bool is_v6)
        : fd_(fd)
        , is_v6_(is_v6) {}

    int fd_;
    bool is_v6_; ///< takes IPv4 as mapped addresses
};

} // namespace baton::shell
