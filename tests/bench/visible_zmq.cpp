// The reference of visible_*: raw libzmq PUB/SUB over tcp loopback, one message a put, its time inside it.
#include "bench.hpp"
#include "measure.hpp"
#include "zmq_socket.hpp"

namespace baton::bench {

namespace {
constexpr std::size_t message_bytes = key_bytes + value_bytes;
}

void role_visible_zmq_writer(const json& told, parent& up) {
    const std::uint64_t count = told["count"];
    const std::int64_t pace = told["pace_ns"];
    zmq_socket puts{ZMQ_XPUB}, answers{ZMQ_SUB};
    up.tell({{"endpoint", puts.bind()}});
    answers.connect(up.hear()["endpoint"]);
    char message[message_bytes] = {}, answer[message_bytes];
    puts.receive(answer, sizeof answer);    // the subscription to puts
    answers.receive(answer, sizeof answer); // the reader has seen ours to answers

    auto next = now_ns();
    for (std::uint64_t i = 0; i < count; ++i) {
        if (pace > 0) sleep_until_ns(next += pace);
        const auto at = now_ns();
        std::memcpy(message + key_bytes, &at, sizeof at);
        puts.send(message, sizeof message);
        if (pace == 0) answers.receive(answer, sizeof answer);
    }
    up.hear();
}

void role_visible_zmq_reader(const json& told, parent& up) {
    const std::uint64_t count = told["count"];
    const bool answer = told["pace_ns"] == 0;
    zmq_socket puts{ZMQ_SUB}, answers{ZMQ_XPUB};
    puts.connect(told["endpoint"]);
    up.tell({{"endpoint", answers.bind()}});
    char message[message_bytes] = {};
    answers.receive(message, sizeof message);
    answers.send(message, sizeof message);

    std::vector<std::int64_t> latencies(count);
    for (auto& latency : latencies) {
        puts.receive(message, sizeof message);
        std::int64_t at;
        std::memcpy(&at, message + key_bytes, sizeof at);
        latency = now_ns() - at;
        if (answer) answers.send(message, sizeof message);
    }
    up.tell({{"latencies", latencies}});
    up.hear();
}

} // namespace baton::bench
