// resolver: looks names up: in the machine's hosts file, then by the name service, A and AAAA at once, or the
// SRV records of a service and the names in them. libzmq would look them up on the one thread that serves
// every socket of the process, and a name server that does not answer would delay all of them.
//
// Of the I/O thread. Never waits: c-ares sends and receives on sockets of its own, behind one descriptor.
#pragma once

#include "core/io.hpp"
#include "shell/descriptor.hpp"
#include "shell/poller.hpp"

#include <memory>
#include <string>
#include <vector>

namespace baton::shell {

class resolver {
  public:
    /// `servers`: "ADDR" or "ADDR:PORT" each, an IPv6 address with a port in brackets; none: the system's, as
    /// they are at each question. `of`: its name at the poller.
    resolver(const std::vector<std::string>& servers, poller::name of);
    resolver(const resolver&) = delete;
    ~resolver();

    void ask(const core::resolve& what, poller& sources);
    /// Returns complete and partial answers. Call it when the poller names it, and at due().
    [[nodiscard]] std::vector<core::resolved> collect(poller& sources);
    [[nodiscard]] instant due(instant now) const;

    /// "ADDR" or "ADDR:PORT".
    [[nodiscard]] static bool is_server(std::string_view text);

  private:
    class job;
    std::string servers_; ///< as c-ares takes them
    poller::name name_;
    descriptor epoll_; ///< has every socket of every job; made with the first
    std::vector<std::unique_ptr<job>> jobs_;
    std::vector<core::resolved> answered_; ///< without asking anybody
};

} // namespace baton::shell
