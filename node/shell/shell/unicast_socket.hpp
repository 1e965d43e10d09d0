// unicast_socket: the UDP socket beside the ROUTER, with the same port number: small datagrams to one node
// and from one, told apart by what they hold.
//
// Belongs to the I/O thread after open(). Never blocks: a name is looked up by a thread of its own, and what
// is sent to it meanwhile is lost, as any datagram may be.
#pragma once

#include <baton/result.hpp>

#include <cstdint>
#include <functional>
#include <memory>
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
    /// `endpoint`: "tcp://HOST:PORT". False when the system did not take it, or HOST is not known yet.
    bool send(const std::string& endpoint, std::string_view bytes);
    /// Hands over up to `most` waiting datagrams: the numeric address each came from, and as an endpoint.
    void receive(
        std::size_t most,
        const std::function<void(std::string_view host, std::string endpoint, std::string_view bytes)>& take);

  private:
    struct names;
    unicast_socket(int fd, bool is_v6, std::shared_ptr<names> known)
        : fd_(fd)
        , is_v6_(is_v6)
        , names_(std::move(known)) {}

    int fd_;
    bool is_v6_; ///< takes IPv4 as mapped addresses
    std::shared_ptr<names> names_;
};

} // namespace baton::shell
