// Proves which sockets may have something to read: what epoll reports, and what the descriptors of libzmq do
// not show.
#include "shell/poller.hpp"
#include "support/catch.hpp"

#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.hpp>

#include <chrono>

using namespace std::chrono_literals;
using baton::shell::descriptor;
using baton::shell::poller;
using names = std::vector<poller::name>;
using steady = std::chrono::steady_clock;

namespace {

descriptor new_event() { return descriptor(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }
void ring(const descriptor& bell) { REQUIRE(::eventfd_write(bell.get(), 1) == 0); }
void forget_all(poller& sources) {
    for (const auto each : names(sources.pending())) sources.drained(each);
}
bool waits(poller& sources) {
    const auto before = steady::now();
    sources.wait(50ms);
    return steady::now() - before >= 50ms;
}

} // namespace

TEST_CASE("poller: what is left unread is named again, what was read is not") {
    poller sources;
    const auto one = new_event(), other = new_event();
    sources.add(other.get(), 7);
    sources.add(one.get(), 3);
    CHECK(sources.pending() == names{3, 7}); // whatever was there before it was added
    CHECK_FALSE(waits(sources));
    forget_all(sources);
    CHECK(waits(sources));

    ring(one);
    CHECK_FALSE(waits(sources));
    CHECK(sources.pending() == names{3});
    sources.drained(3); // untruly
    sources.wait(0ms);
    CHECK(sources.is_pending(3));
    eventfd_t value = 0;
    REQUIRE(::eventfd_read(one.get(), &value) == 0);
    sources.drained(3);
    CHECK(waits(sources));

    ring(other);
    sources.remove(other.get());
    CHECK(waits(sources));
    CHECK(sources.pending().empty());
}

TEST_CASE("poller: a bell ends one wait each time that it rings, and is not read") {
    poller sources;
    const auto bell = new_event();
    sources.add_bell(bell.get());
    CHECK(waits(sources));
    for (int i = 0; i < 3; ++i) {
        ring(bell);
        ring(bell);
        CHECK_FALSE(waits(sources));
        CHECK(sources.pending().empty());
        CHECK(waits(sources));
    }
}

// Shows why users of a socket have to report their calls: the descriptor of libzmq is silent although a
// message is there.
TEST_CASE("poller: a message whose sign was taken away by another use of the socket is found") {
    zmq::context_t context;
    zmq::socket_t here(context, zmq::socket_type::dealer), there(context, zmq::socket_type::dealer);
    here.bind("inproc://poller");
    there.connect("inproc://poller");
    poller sources;
    sources.add(here.get(zmq::sockopt::fd), 1);
    zmq::message_t message;
    REQUIRE_FALSE(here.recv(message, zmq::recv_flags::dontwait)); // which also takes the connection in
    sources.drained(1);
    REQUIRE(waits(sources));

    REQUIRE(there.send(zmq::str_buffer("news")));
    CHECK((here.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0);
    CHECK(waits(sources));
    CHECK(sources.pending().empty());
    sources.touched(1);
    CHECK_FALSE(waits(sources));
    CHECK(sources.is_pending(1));
    CHECK(here.recv(message, zmq::recv_flags::dontwait));
}
