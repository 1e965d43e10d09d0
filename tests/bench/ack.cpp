// stash_copies2: a stash that waits until another node has acknowledged it, one after the other, beside a raw
// DEALER/ROUTER round trip of as many bytes and Redis' SET and WAIT 1 with one replica.
#include "bench.hpp"
#include "measure.hpp"
#include "mesh.hpp"
#include "redis.hpp"
#include "zmq_socket.hpp"

#include <optional>

namespace baton::bench {

namespace {

/// Calls of one process, timed by it; the other side may need a process too.
struct caller {
    std::string role, partner, label;
    std::vector<double> p50{}, p99{};

    /// One round, in µs. The first tenth warms up.
    void measure(json told) {
        std::optional<child> other;
        if (!partner.empty()) {
            other.emplace(partner, told);
            told.update(other->hear());
        }
        child timed{role, told};
        const std::vector<double> took = timed.hear()["took"];
        const std::vector<double> warm(took.begin() + static_cast<std::ptrdiff_t>(took.size() / 10),
                                       took.end());
        p50.push_back(quantile(warm, 0.5));
        p99.push_back(quantile(warm, 0.99));
    }
    [[nodiscard]] std::string latest() const {
        return label + " " + figure(p50.back()) + "/" + figure(p99.back()) + " µs";
    }
};

template <class Call>
void time_calls(const json& told, parent& up, Call call) {
    std::vector<double> took;
    const std::uint64_t count = told["count"];
    took.reserve(count);
    payload data;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto from = now_ns();
        call(data, i);
        took.push_back(static_cast<double>(now_ns() - from) / 1e3);
    }
    up.tell({{"took", took}});
    up.hear();
}

} // namespace

std::vector<row> run_ack(const benchmark& self, const settings& how) {
    auto told = mesh_settings();
    told["count"] = how.quick ? 1'000 : 10'000;
    caller ours{"ack_writer", "ack_holder", "baton"}, zmq{"ack_zmq_writer", "ack_zmq_holder", zmq_name()},
        redis{"ack_redis_writer", "", ""};
    std::vector<caller*> all{&ours, &zmq};
    std::optional<redis_pair> servers;
    if (const auto name = redis_name()) {
        servers.emplace();
        told["master"] = servers->master.port();
        redis.label = *name;
        all.push_back(&redis);
    }
    for (std::size_t i = 0; i < how.rounds; ++i) {
        std::string said = "p50/p99";
        for (auto* each : all) {
            each->measure(told);
            said += (each == &ours ? " " : ", ") + each->latest();
        }
        progress(self.rows[0], i, said);
    }
    const auto round_trip = zmq.label + " DEALER/ROUTER round trip";
    const auto wait = servers ? redis.label + ", SET and WAIT 1" : no_redis;
    return {summarise(self.rows[0], "µs", {ours.p50, zmq.p50}, round_trip + ", p50",
                      {target::kind::ratio_at_most, 1.5}),
            summarise(self.rows[1], "µs", {ours.p99, zmq.p99}, round_trip + ", p99", {}),
            summarise(self.rows[2], "µs", {ours.p50, redis.p50}, wait + ", p50", {}),
            summarise(self.rows[3], "µs", {ours.p99, redis.p99}, wait + ", p99", {})};
}

void role_ack_holder(const json& told, parent& up) {
    const auto self = start_node(told);
    up.tell({{"seed", self.endpoint()}});
    up.hear();
}

void role_ack_writer(const json& told, parent& up) {
    auto self = start_node(told);
    await_synced(self);
    time_calls(told, up, [&](payload& data, std::uint64_t i) {
        const auto done = expect(self.stash(data.key(i), data.value(i), {.ack = ack_level::copies(2)}));
        if (!done.met) throw std::runtime_error("not acknowledged");
    });
}

void role_ack_zmq_holder(const json&, parent& up) {
    zmq_socket router{ZMQ_ROUTER};
    up.tell({{"router", router.bind()}});
    char answer[key_bytes] = {};
    for (;;) { // until the parent kills it
        const auto route = std::string(router.receive());
        router.receive();
        router.send(route.data(), route.size(), ZMQ_SNDMORE);
        router.send(answer, sizeof answer);
    }
}

void role_ack_zmq_writer(const json& told, parent& up) {
    zmq_socket dealer{ZMQ_DEALER};
    dealer.connect(told["router"]);
    char message[key_bytes + value_bytes];
    time_calls(told, up, [&](payload& data, std::uint64_t i) {
        data.fill(message, i);
        dealer.send(message, sizeof message);
        dealer.receive();
    });
}

void role_ack_redis_writer(const json& told, parent& up) {
    redis_client master{told["master"]};
    time_calls(told, up, [&](payload& data, std::uint64_t i) {
        if (master.ask({"SET", data.key(i), data.value(i)}) != "OK") throw std::runtime_error("SET");
        if (master.ask({"WAIT", "1", "1000"}) != "1") throw std::runtime_error("WAIT");
    });
}

} // namespace baton::bench
