// uninterrupted: calls of libzmq that a signal does not end.
//
// Any thread.
#pragma once

#include <zmq.hpp>

#include <cerrno>

namespace baton::shell {

/// A signal interrupts libzmq's calls even where they do not wait: before they do anything they look for what
/// its own threads have to tell. Again, until the call has an answer of its own.
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
