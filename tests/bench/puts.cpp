// puts_100k, puts_1m: replicated puts a second, distinct keys, from the first stash on A until B has applied
// all of them and its digest equals A's; beside Redis with one replica, pipelined SETs until the replica
// holds all, and beside raw libzmq. puts_hot: the same over few keys, beside raw libzmq.
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

bool by_counter(const dot& a, const dot& b) { return a.counter < b.counter; }

struct put_rate {
    double replicated = 0, stashed = 0;
};

/// `count` puts over `keys` keys.
put_rate ours(std::uint64_t count, std::uint64_t keys, json told = mesh_settings()) {
    told.update({{"count", count}, {"keys", keys}});
    child reader{"puts_reader", told};
    told["seed"] = reader.hear()["endpoint"];
    child writer{"puts_writer", told};
    writer.hear();
    reader.hear();
    reader.tell("go");
    writer.tell("go");
    const auto put = writer.hear(std::chrono::seconds{150}), held = reader.hear(std::chrono::seconds{150});
    if (put["digest"] != held["digest"]) throw std::runtime_error("A and B have all puts, unequal digests");
    return {per_second(count, put["from"], held["at"]), per_second(count, put["from"], put["to"])};
}

double redis(std::uint64_t count) {
    redis_pair servers;
    auto client = servers.master.connect();
    const auto from = now_ns();
    client.load(count);
    servers.replica.await_replica(count);
    return per_second(count, from, now_ns());
}

double zmq(std::uint64_t count) {
    const json told{{"count", count}};
    child writer{"puts_zmq_writer", told};
    child reader{"puts_zmq_reader", {{"count", count}, {"endpoint", writer.hear()["endpoint"]}}};
    const std::int64_t from = writer.hear()["from"];
    return per_second(count, from, reader.hear()["at"]);
}

/// A round of ours and of libzmq after it, and how to say it.
std::string round(rounds& beside_zmq, std::uint64_t count, std::uint64_t keys) {
    const auto a = ours(count, keys);
    beside_zmq.ours.push_back(a.replicated);
    beside_zmq.reference.push_back(zmq(count));
    return figure(a.replicated) + "/s (stashed at " + figure(a.stashed) + "/s), libzmq " +
           figure(beside_zmq.reference.back()) + "/s";
}

row zmq_row(const std::string& name, const rounds& measured, target goal) {
    return summarise(name, "puts/s", measured, zmq_name() + " PUB/SUB, unbatched 120 B messages", goal);
}

} // namespace

std::vector<row> run_puts(const benchmark& self, const settings& how) {
    const auto redis_version = redis_name();
    rounds beside_redis, beside_zmq;
    for (std::size_t i = 0; i < how.rounds; ++i) {
        auto said = round(beside_zmq, self.keys, self.keys);
        if (redis_version) {
            beside_redis.reference.push_back(redis(self.keys));
            said += ", Redis " + figure(beside_redis.reference.back()) + "/s";
        }
        progress(self.rows[0], i, said);
    }
    beside_redis.ours = beside_zmq.ours;
    const auto redis_text = redis_version ? *redis_version + ", one replica, pipelined SET" : no_redis;
    const auto goal = self.keys < 1'000'000 ? target{} : target{target::kind::ratio_at_least, 5};
    return {summarise(self.rows[0], "puts/s", beside_redis, redis_text, goal),
            zmq_row(self.rows[1], beside_zmq, {})};
}

std::vector<row> run_puts_hot(const benchmark& self, const settings& how) {
    rounds beside_zmq;
    for (std::size_t i = 0; i < how.rounds; ++i) {
        progress(self.rows[0], i, round(beside_zmq, 1'000'000, self.keys));
    }
    return {zmq_row(self.rows[0], beside_zmq, {target::kind::ratio_at_least, 1})};
}

// puts_secure: the same in a mesh with a key, beside one without, by turns.
std::vector<row> run_puts_secure(const benchmark& self, const settings& how) {
    rounds beside_open;
    for (std::size_t i = 0; i < how.rounds; ++i) {
        beside_open.ours.push_back(ours(self.keys, self.keys, with_key(mesh_settings())).replicated);
        beside_open.reference.push_back(ours(self.keys, self.keys).replicated);
        progress(self.rows[0], i,
                 figure(beside_open.ours.back()) + "/s, open " + figure(beside_open.reference.back()) + "/s");
    }
    return {summarise(self.rows[0], "puts/s", beside_open, "baton without a key",
                      {target::kind::ratio_at_least, 0.5})};
}

void role_puts_writer(const json& told, parent& up) {
    const std::uint64_t count = told["count"], keys = told["keys"];
    auto self = start_node(told);
    await_synced(self);
    up.tell("ready");
    up.hear();
    payload data;
    const auto from = now_ns();
    for (std::uint64_t i = 0; i < count; ++i) {
        expect(self.stash(data.key(keys == count ? i : scramble(i) % keys), data.value(i)));
    }
    const auto to = now_ns();
    up.tell({{"from", from}, {"to", to}, {"digest", digest_of(self)}});
    up.hear();
}

void role_puts_reader(const json& told, parent& up) {
    const std::uint64_t count = told["count"], keys = told["keys"];
    auto self = start_node(told);
    up.tell({{"endpoint", self.endpoint()}});
    await_synced(self);
    up.tell("ready");
    up.hear();
    const auto applied = [&] { // of the one writer
        const auto cut = expect(self.cut());
        return cut.empty() ? 0 : std::max_element(cut.begin(), cut.end(), by_counter)->counter;
    };
    for (const auto deadline = now_ns() + 120'000'000'000; applied() < count; sleep_for_us(500)) {
        if (now_ns() > deadline) {
            throw std::runtime_error("B has applied " + std::to_string(applied()) + " puts of " +
                                     std::to_string(count) + " after 120 s");
        }
    }
    const auto digest = digest_of(self);
    const auto at = now_ns();
    if (self.stats()->keys != keys) throw std::runtime_error("B has applied all puts, but keys are missing");
    up.tell({{"at", at}, {"digest", digest}});
    up.hear();
}

} // namespace baton::bench
