// A reference of puts_*: raw libzmq PUB/SUB over tcp loopback, a message of 120 bytes a put, nothing
// batched.
#include "bench.hpp"
#include "measure.hpp"
#include "zmq_socket.hpp"

namespace baton::bench {

void role_puts_zmq_writer(const json& told, parent& up) {
    const std::uint64_t count = told["count"];
    zmq_socket puts{ZMQ_XPUB};
    up.tell({{"endpoint", puts.bind()}});
    puts.await_subscriber();
    payload data;
    char message[key_bytes + value_bytes];
    const auto from = now_ns();
    for (std::uint64_t i = 0; i < count; ++i) {
        data.fill(message, i);
        puts.send(message, sizeof message);
    }
    up.tell({{"from", from}});
    up.hear();
}

void role_puts_zmq_reader(const json& told, parent& up) {
    const std::uint64_t count = told["count"];
    zmq_socket puts{ZMQ_SUB};
    puts.connect(told["endpoint"]);
    for (std::uint64_t i = 0; i < count; ++i) puts.receive();
    up.tell({{"at", now_ns()}});
    up.hear();
}

} // namespace baton::bench
