// uninterrupted: calls of libzmq that a signal does not end.
//
// Any thread.
#pragma once

#include <zmq.hpp>

#include <cerrno>

namespace baton::shell {

/// A signal interrupts libzmq's calls even if they do not wait, since each first reads the messages of
/// libzmq's own threads. This repeats the call until it returns something other than EINTR.
template <class Call>
auto uninterrupted(Call call) {
    for (;;) {
        try {
            return call();
        } catch (const zmq::error_t& failure) {
            if (failure.num() != EINTR) throw;
        }
    }
}

} // namespace baton::shell
