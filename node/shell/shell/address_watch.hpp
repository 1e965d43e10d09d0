// address_watch: reports when the addresses or interfaces of this machine may have changed, by the kernel's
// routing messages (netlink(7), rtnetlink(7)). Belongs to the I/O thread.
#pragma once

#include <string>

namespace baton::shell {

class address_watch {
  public:
    /// If the kernel gives no such socket, fd() is -1, and the caller must check from time to time.
    address_watch();
    address_watch(const address_watch&) = delete;
    ~address_watch();

    [[nodiscard]] int fd() const { return fd_; }
    enum class news { none, changed, added }; ///< `added`: an address that was not usable before
    /// The news since the last call. Never blocks.
    news read();

  private:
    int fd_ = -1;
};

/// The numeric address at this end of a connected socket, without a zone; empty if it is not known.
[[nodiscard]] std::string local_host(int socket);

} // namespace baton::shell
