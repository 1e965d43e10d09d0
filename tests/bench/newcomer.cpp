// newcomer_*: a new node, from `joined` until it holds everything with an equal digest; beside the full
// resync of a fresh Redis replica (diskless on both sides, no delay), from REPLICAOF until it is linked and
// holds all.
//
// The holder and the master are loaded once; every round brings a new process.
#include "newcomer.hpp"

#include "bench.hpp"
#include "measure.hpp"
#include "mesh.hpp"
#include "redis.hpp"
#include "resident.hpp"

#include <optional>

namespace baton::bench {

namespace {

constexpr auto patience = std::chrono::seconds{150};

double redis_ms(const redis_server& master, std::uint64_t keys) {
    redis_server replica;
    const auto from = now_ns();
    replica.follow(master);
    replica.await_replica(keys);
    return static_cast<double>(now_ns() - from) / 1e6;
}

} // namespace

holder::holder(std::uint64_t keys)
    : node(mesh_settings())
    , told(node.neighbour()) {
    node.load(keys);
    told.update({{"count", keys}, {"digest", node.stats()["digest"]}});
}

arrival holder::welcome() {
    child newcomer{"newcomer", told};
    const auto said = newcomer.hear(patience);
    newcomer.finish();
    return {said["start"], said["joined"], said["synced"], said["rss"], said["peak"]};
}

std::vector<row> run_newcomer(const benchmark& self, const settings& how) {
    holder held{self.keys};
    const auto redis_version = redis_name();
    std::optional<redis_server> master;
    if (redis_version) master.emplace().connect().load(self.keys);

    rounds measured;
    for (std::size_t i = 0; i < how.rounds; ++i) {
        const auto a = held.welcome();
        measured.ours.push_back(a.ms());
        auto said = figure(a.ms()) + " ms (" + figure(static_cast<double>(a.synced - a.start) / 1e6) +
                    " from its start)";
        if (master) {
            measured.reference.push_back(redis_ms(*master, self.keys));
            said += ", Redis " + figure(measured.reference.back()) + " ms";
        }
        progress(self.rows[0], i, said);
    }
    const auto n = static_cast<double>(self.keys);
    how.plots->add("newcomer", "baton", spread(n, measured.ours));
    if (master) how.plots->add("newcomer", *redis_version, spread(n, measured.reference));
    const auto redis_text =
        redis_version ? *redis_version + ", full diskless resync of a fresh replica" : no_redis;
    const auto goal = self.keys < 100'000 ? target{} : target{target::kind::faster_by, 5};
    return {summarise(self.rows[0], "ms", measured, redis_text, goal)};
}

std::vector<row> run_newcomer_large(const benchmark& self, const settings& how) {
    const auto measure = [&](std::uint64_t keys, std::size_t times) {
        struct {
            rounds seconds;
            arrival last;
            json holder;
        } found;
        holder held{keys};
        for (std::size_t i = 0; i < times; ++i) {
            found.last = held.welcome();
            found.seconds.ours.push_back(found.last.ms() / 1e3);
            progress(self.rows[0], i, figure(found.last.ms()) + " ms for " + figure(double(keys)) + " keys");
        }
        found.holder = held.node.stats();
        return found;
    };
    const auto ns_a_key = [](const rounds& seconds, std::uint64_t keys) {
        return figure(median(seconds.ours) * 1e9 / static_cast<double>(keys)) + " ns a key";
    };
    const auto mib = [](std::uint64_t bytes) { return figure(static_cast<double>(bytes) / (1 << 20)); };
    constexpr std::uint64_t fewer = 1'000'000;
    const auto less = measure(fewer, how.rounds), more = measure(self.keys, how.rounds / 2 + 1);
    auto r = summarise(self.rows[0], "s", more.seconds, "-", {});
    r.note = ns_a_key(more.seconds, self.keys) + ", 1 M keys " + ns_a_key(less.seconds, fewer) +
             "; resident MiB (peak): holder " + mib(more.holder["rss"]) + " (" + mib(more.holder["peak"]) +
             "), newcomer " + mib(more.last.rss) + " (" + mib(more.last.peak) + ")";
    return {r};
}

void role_newcomer(const json& told, parent& up) {
    const std::string wanted = told["digest"];
    const auto start = now_ns();
    auto self = start_node(told);
    const auto joined = await_joined(self, std::chrono::seconds{30}).first;
    if (!self.wait_synced(std::chrono::seconds{120})) throw std::runtime_error("not synced within 120 s");
    const auto digest = digest_of(self);
    const auto synced = now_ns();
    const auto memory = resident_now();
    if (digest != wanted) throw std::runtime_error("synced, but the digests differ");
    if (self.stats()->keys != told["count"]) throw std::runtime_error("synced, but keys are missing");
    up.tell({{"start", start},
             {"joined", joined},
             {"synced", synced},
             {"rss", memory.bytes},
             {"peak", memory.peak}});
    expect(self.leave({.within = std::chrono::milliseconds{1000}}));
}

} // namespace baton::bench
