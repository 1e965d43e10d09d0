// knocker: tests whether a process listens at an address, by a TCP connection that is closed at once.
// libzmq's monitors report that a connection failed, but not why, and a ZeroMQ socket is expensive for one
// question.
//
// Of the I/O thread. A knock holds one descriptor, for patience at most.
#pragma once

#include "core/io.hpp"
#include "shell/descriptor.hpp"
#include "shell/poller.hpp"

#include <string>
#include <vector>

namespace baton::shell {

class knocker {
  public:
    static constexpr auto patience = std::chrono::seconds{1};
    static constexpr std::size_t knocks_max = 16; ///< at a time; a further one counts as silent at once

    /// `of`: its name at the poller.
    explicit knocker(poller::name of)
        : name_(of) {}
    /// `endpoint`: "tcp://HOST:PORT", numeric. A name counts as silent, since a look-up may take long.
    void knock(const core::knock& at, poller& sources, instant now);
    /// Returns the knocks that are answered or over. Call it when the poller names it, and at due().
    [[nodiscard]] std::vector<core::knocked> collect(poller& sources, instant now);
    [[nodiscard]] instant due() const;

  private:
    struct attempt {
        core::knocked what;
        descriptor socket;
        instant until{};
    };
    poller::name name_;
    std::vector<attempt> under_way_;
    std::vector<core::knocked> answered_; ///< without waiting
};

} // namespace baton::shell
