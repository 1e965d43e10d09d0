// gate: a TCP port that listens for libzmq, and can be shut without closing what has come in by it. libzmq
// itself accepts whoever connects, and costs a processor when there is no descriptor for it.
//
// One thread, beside libzmq's own, which accepts from the same port.
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
    /// Listens at a numeric address; "" and "::": at every one of both families, or of IPv4 where there is no
    /// IPv6; "0.0.0.0": at every one of IPv4. Port 0: any. `may_be_missing`: the address need not be this
    /// machine's yet. Otherwise the system's error number.
    [[nodiscard]] static std::variant<gate, int> open(const std::string& host, std::uint16_t port,
                                                      bool may_be_missing = false);
    [[nodiscard]] std::uint16_t port() const { return port_; }
    /// A descriptor of the same port, for its new owner to close; negative when there is none.
    [[nodiscard]] int lend() const;

    /// Nobody comes in from now on; who tries is not answered, as if the network were down.
    void shut() const;
    void reopen() const;
    /// Closes what waits to be accepted, and says how many that were. Needs no descriptor.
    [[nodiscard]] std::size_t turn_away() const;

  private:
    explicit gate(descriptor listening)
        : listening_(std::move(listening)) {}
    descriptor listening_;
    std::uint16_t port_ = 0;
};

} // namespace baton::shell
