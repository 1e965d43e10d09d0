// ready_descriptor: a descriptor for poll() and epoll that is readable while its owner has something to read.
// It is made on demand, since most programs never ask for one.
//
// Owned by a queue, and used under the queue's lock.
#pragma once

#include "shell/descriptor.hpp"
#include "shell/text.hpp"

#include <baton/result.hpp>

#include <sys/eventfd.h>

#include <cstdint>

namespace baton::shell {

class ready_descriptor {
  public:
    /// Made at the first call, closed with this object. `ready`: there is something to read now. Errors:
    /// network, with what the system says.
    result<int> get(bool ready) {
        if (event_.get() < 0) {
            event_ = descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
            if (event_.get() < 0) return error{errc::network, "eventfd: " + message_of_errno()};
            show(ready);
        }
        return event_.get();
    }
    /// Makes it readable, or not readable, if it has been made.
    void show(bool ready) const {
        if (event_.get() < 0) return;
        std::uint64_t count = 1;
        [[maybe_unused]] const auto moved =
            ready ? ::write(event_.get(), &count, sizeof count) : ::read(event_.get(), &count, sizeof count);
    }

  private:
    descriptor event_;
};

} // namespace baton::shell
