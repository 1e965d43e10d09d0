// A reference of visible_*: raw libzmq PUB/SUB over tcp loopback, one message a put.
#include "bench.hpp"
#include "visible.hpp"
#include "zmq_socket.hpp"

namespace baton::bench {

void role_visible_zmq_writer(const json& told, parent& up) {
    zmq_socket puts{ZMQ_XPUB}, answers{ZMQ_SUB};
    puts.bind(told["puts"]);
    puts.await_subscriber();
    answers.connect(told["answers"]);
    answers.receive(); // the reader has seen our subscription
    payload data;
    char message[key_bytes + value_bytes];
    send_puts(
        told, up,
        [&](std::uint64_t i) {
            data.fill(message, i);
            puts.send(message, sizeof message);
        },
        [&](std::uint64_t) { answers.receive(); });
}

void role_visible_zmq_reader(const json& told, parent& up) {
    zmq_socket puts{ZMQ_SUB}, answers{ZMQ_XPUB};
    puts.connect(told["puts"]);
    up.tell({{"answers", answers.bind()}});
    answers.await_subscriber();
    char answer[key_bytes + value_bytes] = {};
    const auto say = [&] { answers.send(answer, sizeof answer); };
    say();
    stamp_puts(
        told, up, [&] { puts.receive(); }, say);
}

} // namespace baton::bench
