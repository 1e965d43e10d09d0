// A reference of visible_*: SET on a Redis master until its replica has told a subscriber that the key is
// set (a keyspace notification, sent by the replica after it has applied the SET). Polling the replica would
// take a core away from the servers. Back to back the reader answers by a raw libzmq message.
#include "bench.hpp"
#include "redis_client.hpp"
#include "visible.hpp"
#include "zmq_socket.hpp"

namespace baton::bench {

void role_visible_redis_writer(const json& told, parent& up) {
    redis_client master{told["master"]};
    zmq_socket answers{ZMQ_SUB};
    answers.connect(told["answers"]);
    answers.receive(); // the reader has seen our subscription
    payload data;
    send_puts(
        told, up,
        [&](std::uint64_t i) {
            if (const auto said = master.ask({"SET", data.key(i), data.value(i)}); said != "OK")
                throw std::runtime_error("SET: " + said);
        },
        [&](std::uint64_t) { answers.receive(); });
}

void role_visible_redis_reader(const json& told, parent& up) {
    redis_client replica{told["replica"]};
    if (replica.ask({"CONFIG", "SET", "notify-keyspace-events", "K$"}) != "OK")
        throw std::runtime_error("Redis replica refuses to notify");
    replica.ask({"PSUBSCRIBE", "__keyspace@0__:key:*"});
    zmq_socket answers{ZMQ_XPUB};
    up.tell({{"answers", answers.bind()}});
    answers.await_subscriber();
    char answer[key_bytes + value_bytes] = {};
    const auto say = [&] { answers.send(answer, sizeof answer); };
    say();
    stamp_puts(
        told, up, [&] { replica.hear(); }, say);
}

} // namespace baton::bench
