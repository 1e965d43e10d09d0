// newcomer_100k, newcomer_1m: a new node, from `joined` until it holds everything with an equal digest;
// beside the full resync of a fresh Redis replica (diskless on both sides, no delay), from REPLICAOF until it
// is linked and holds all.
//
// The holder and the master are loaded once; every round brings a new process.
#include "bench.hpp"
#include "measure.hpp"
#include "mesh.hpp"
#include "redis.hpp"

#include <optional>

namespace baton::bench {

namespace {

struct arrival {
    double from_joined_ms = 0, from_start_ms = 0;
};

arrival ours(const json& told) {
    child newcomer{"newcomer", told};
    const auto said = newcomer.hear(std::chrono::seconds{150});
    newcomer.finish();
    const double start = said["start"], joined = said["joined"], synced = said["synced"];
    return {(synced - joined) / 1e6, (synced - start) / 1e6};
}

double redis(const redis_server& master, std::uint64_t keys) {
    redis_server replica;
    const auto from = now_ns();
    replica.follow(master);
    replica.await_replica(keys);
    return static_cast<double>(now_ns() - from) / 1e6;
}

} // namespace

std::vector<row> run_newcomer(const benchmark& self, const settings& how) {
    json told = mesh_settings();
    told["count"] = self.keys;
    child holder{"newcomer_holder", told};
    told.update(holder.hear());

    const auto redis_version = redis_name();
    std::optional<redis_server> master;
    if (redis_version) master.emplace().connect().load(self.keys);

    rounds measured;
    for (std::size_t i = 0; i < how.rounds; ++i) {
        const auto a = ours(told);
        measured.ours.push_back(a.from_joined_ms);
        auto said = figure(a.from_joined_ms) + " ms (" + figure(a.from_start_ms) + " from its start)";
        if (master) {
            measured.reference.push_back(redis(*master, self.keys));
            said += ", Redis " + figure(measured.reference.back()) + " ms";
        }
        progress(self.rows[0], i, said);
    }
    const auto redis_text = redis_version ? *redis_version + ", full diskless resync of a fresh replica"
                                          : std::string{"redis-server is not installed"};
    return {summarise(self.rows[0], "ms", measured, redis_text, {target::kind::faster_by, 1})};
}

void role_newcomer_holder(const json& told, parent& up) {
    auto self = start_node(told);
    load(self, told["count"]);
    up.tell({{"seed", self.endpoint()}, {"digest", digest_of(self)}});
    up.hear();
}

void role_newcomer(const json& told, parent& up) {
    const std::string wanted = told["digest"];
    const auto start = now_ns();
    auto self = start_node(told);
    const auto joined = await_joined(self, std::chrono::seconds{30}).first;
    if (!self.wait_synced(std::chrono::seconds{120})) throw std::runtime_error("not synced within 120 s");
    const auto digest = digest_of(self);
    const auto synced = now_ns();
    if (digest != wanted) throw std::runtime_error("synced, but the digests differ");
    if (self.stats().keys != told["count"]) throw std::runtime_error("synced, but keys are missing");
    up.tell({{"start", start}, {"joined", joined}, {"synced", synced}});
    expect(self.leave({.within = std::chrono::milliseconds{1000}}));
}

} // namespace baton::bench
