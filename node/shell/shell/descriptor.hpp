// descriptor: a file descriptor, closed with its object.
//
// A value that moves; as thread-safe as an int.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace baton::shell {

class descriptor {
  public:
    /// Negative: none.
    explicit descriptor(int number = -1)
        : number_(number) {}
    descriptor(descriptor&& other) noexcept
        : number_(std::exchange(other.number_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    [[nodiscard]] int get() const { return number_; }

  private:
    int number_;
};

/// Before bind(): an address that this machine does not have yet will do (ip(7), IP_FREEBIND; it holds for
/// IPv6 as well).
inline void allow_missing_address(int socket) {
    const int yes = 1;
    ::setsockopt(socket, IPPROTO_IP, IP_FREEBIND, &yes, sizeof yes);
}

} // namespace baton::shell
