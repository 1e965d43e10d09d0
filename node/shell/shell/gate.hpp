// gate: a TCP port that listens for libzmq and can be shut without closing its established connections.
// libzmq itself accepts every connection, and keeps a processor busy if it has no descriptor for it.
//
// One thread, in addition to libzmq's own, which accepts from the same port.
// Source: socket(7), SO_ATTACH_FILTER; close_range(2), CLOSE_RANGE_UNSHARE.
#pragma once

#include "shell/descriptor.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

namespace baton::shell {

class gate {
  public:
    /// Listens at a numeric address. "" and "::": at every address of both families, or of IPv4 if there is
    /// no IPv6. "0.0.0.0": at every IPv4 address. Port 0: any. `may_be_missing`: this machine need not have
    /// the address yet. Error: the system's error number.
    [[nodiscard]] static std::variant<gate, int> open(const std::string& host, std::uint16_t port,
                                                      bool may_be_missing = false);
    [[nodiscard]] std::uint16_t port() const { return port_; }
    /// Another descriptor of the same port, which the caller closes; negative: none is free.
    [[nodiscard]] int lend() const;

    /// Accepts no connections from now on; the other side gets no answer, as if the network were down.
    void shut() const;
    void reopen() const;
    /// Closes the connections that wait to be accepted, and returns their number. Needs no descriptor.
    [[nodiscard]] std::size_t turn_away() const;

  private:
    explicit gate(descriptor listening)
        : listening_(std::move(listening)) {}
    descriptor listening_;
    std::uint16_t port_ = 0;
};

} // namespace baton::shell
