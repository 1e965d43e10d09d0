// puts_100k, puts_1m: replicated puts a second, distinct keys, from the first stash on A until B holds all of
// them with an equal digest; beside Redis with one replica, pipelined SETs until the replica holds all, and
// beside raw libzmq.
//
// Every round starts every process anew, so that each grows its table from nothing.
#include "bench.hpp"
#include "measure.hpp"
#include "mesh.hpp"
#include "redis.hpp"
#include "zmq_socket.hpp"

namespace baton::bench {

namespace {

double per_second(std::uint64_t count, std::int64_t from, std::int64_t to) {
    return static_cast<double>(count) * 1e9 / static_cast<double>(to - from);
}

struct put_rate {
    double replicated = 0, stashed = 0;
};

put_rate ours(std::uint64_t count) {
    json told = mesh_settings();
    told["count"] = count;
    child reader{"puts_reader", told};
    told["seed"] = reader.hear()["endpoint"];
    child writer{"puts_writer", told};
    writer.hear();
    reader.hear();
    reader.tell("go");
    writer.tell("go");
    const auto put = writer.hear(std::chrono::seconds{150}), held = reader.hear(std::chrono::seconds{150});
    if (put["digest"] != held["digest"])
        throw std::runtime_error("A and B hold all keys with unequal digests");
    return {per_second(count, put["from"], held["at"]), per_second(count, put["from"], put["to"])};
}

double redis(std::uint64_t count) {
    redis_server master, replica;
    replica.follow(master);
    replica.await_replica(0);
    master.await_stream();
    auto client = master.connect();
    const auto from = now_ns();
    client.load(count);
    replica.await_replica(count);
    return per_second(count, from, now_ns());
}

double zmq(std::uint64_t count) {
    const json told{{"count", count}};
    child writer{"puts_zmq_writer", told};
    child reader{"puts_zmq_reader", {{"count", count}, {"endpoint", writer.hear()["endpoint"]}}};
    const std::int64_t from = writer.hear()["from"];
    return per_second(count, from, reader.hear()["at"]);
}

} // namespace

std::vector<row> run_puts(const benchmark& self, const settings& how) {
    const auto redis_version = redis_name();
    rounds beside_redis, beside_zmq;
    for (std::size_t i = 0; i < how.rounds; ++i) {
        const auto a = ours(self.keys);
        auto said = figure(a.replicated) + "/s (stashed at " + figure(a.stashed) + "/s)";
        beside_redis.ours.push_back(a.replicated);
        if (redis_version) {
            beside_redis.reference.push_back(redis(self.keys));
            said += ", Redis " + figure(beside_redis.reference.back()) + "/s";
        }
        beside_zmq.ours.push_back(a.replicated);
        beside_zmq.reference.push_back(zmq(self.keys));
        progress(self.rows[0], i, said + ", libzmq " + figure(beside_zmq.reference.back()) + "/s");
    }
    const auto redis_text = redis_version ? *redis_version + ", one replica, pipelined SET"
                                          : std::string{"redis-server is not installed"};
    return {
        summarise(self.rows[0], "puts/s", beside_redis, redis_text, {target::kind::ratio_at_least, 2}),
        summarise(self.rows[1], "puts/s", beside_zmq, zmq_name() + " PUB/SUB, unbatched 120 B messages", {})};
}

void role_puts_writer(const json& told, parent& up) {
    auto self = start_node(told);
    await_synced(self);
    up.tell("ready");
    up.hear();
    const auto from = now_ns();
    load(self, told["count"]);
    const auto to = now_ns();
    up.tell({{"from", from}, {"to", to}, {"digest", digest_of(self)}});
    up.hear();
}

void role_puts_reader(const json& told, parent& up) {
    const std::uint64_t count = told["count"];
    auto self = start_node(told);
    up.tell({{"endpoint", self.endpoint()}});
    await_synced(self);
    up.tell("ready");
    up.hear();
    for (const auto deadline = now_ns() + 120'000'000'000; self.stats().keys < count; sleep_for_us(500)) {
        if (now_ns() > deadline) {
            throw std::runtime_error("B holds " + std::to_string(self.stats().keys) + " keys of " +
                                     std::to_string(count) + " after 120 s");
        }
    }
    const auto digest = digest_of(self);
    const auto at = now_ns();
    up.tell({{"at", at}, {"digest", digest}});
    up.hear();
}

} // namespace baton::bench
