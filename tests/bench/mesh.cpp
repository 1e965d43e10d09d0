// Starting nodes, waiting for them and loading them.
#include "mesh.hpp"

#include "measure.hpp"

#include <unistd.h>

namespace baton::bench {

json mesh_settings() {
    static int meshes = 0;
    return {{"cluster", "bench-" + std::to_string(getpid()) + "-" + std::to_string(++meshes)}};
}

json with_key(json told) {
    told["key"] = std::string(64, '1');
    return told;
}

node start_node(const json& told, std::function<void(std::size_t)> on_applied) {
    auto settings = options::loopback();
    settings.host = told.value("host", settings.host);
    settings.cluster = told.at("cluster");
    settings.beacon.enabled = told.contains("beacon_port");
    settings.beacon.port = told.value("beacon_port", settings.beacon.port);
    if (told.contains("seed")) settings.seeds = {told.at("seed")};
    if (told.contains("key")) settings.security.keys = {*mesh_key::from_text(std::string(told.at("key")))};
    settings.on_applied = std::move(on_applied);
    return expect(node::start(std::move(settings)));
}

void await_synced(const node& self) {
    if (!self.wait_synced(std::chrono::seconds{30})) throw std::runtime_error("not synced within 30 s");
}

std::pair<std::int64_t, event> await_joined(node& self, std::chrono::seconds within) {
    const auto deadline = now_ns() + std::chrono::nanoseconds{within}.count();
    while (now_ns() < deadline) {
        auto e = self.next_event(std::chrono::milliseconds{100});
        const auto at = now_ns();
        if (e && e->kind == event_kind::joined) return {at, *e};
    }
    throw std::runtime_error("nobody joined");
}

std::string digest_of(const node& self) {
    for (const auto deadline = now_ns() + 60'000'000'000; now_ns() < deadline; sleep_for_us(500)) {
        if (auto digest = self.digest()) return *digest;
    }
    throw std::runtime_error("no digest within 60 s");
}

void load(node& self, std::uint64_t count) {
    payload data;
    for (std::uint64_t i = 0; i < count; ++i) expect(self.stash(data.key(i), data.value(i)));
}

} // namespace baton::bench
