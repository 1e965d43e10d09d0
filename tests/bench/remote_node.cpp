// Both sides of remote_node: one command a line, one answer a command.
#include "remote_node.hpp"

#include "bench.hpp"
#include "measure.hpp"
#include "mesh.hpp"
#include "resident.hpp"

#include <malloc.h>

#include <optional>

namespace baton::bench {

namespace {

constexpr auto patience = std::chrono::seconds{150};

json stats_of(const node& self) {
    const auto digest = digest_of(self);
    const auto s = expect(self.stats());
    malloc_trim(0);
    const auto memory = resident_now();
    return {{"keys", s.keys},
            {"removals", s.removals},
            {"store_bytes", s.store_bytes},
            {"key_value_bytes", s.key_value_bytes},
            {"hello_bytes", s.hello_bytes_sent},
            {"digest", digest},
            {"rss", memory.bytes},
            {"peak", memory.peak}};
}

void drop_all(node& self, std::uint64_t keys) {
    payload data;
    for (std::uint64_t i = 0; i < keys; ++i) {
        if (!expect(self.drop(data.key(i))).changed) throw std::runtime_error("a key to drop is not there");
    }
}

} // namespace

remote_node::remote_node(json told)
    : process_("node", told)
    , told_(std::move(told)) {
    told_["seed"] = process_.hear()["endpoint"];
}

json remote_node::ask(const json& what) {
    process_.tell(what);
    return process_.hear(patience);
}

void remote_node::load(std::uint64_t keys) { ask({{"do", "load"}, {"keys", keys}}); }
void remote_node::drop(std::uint64_t keys) { ask({{"do", "drop"}, {"keys", keys}}); }
json remote_node::stats() { return ask({{"do", "stats"}}); }
void remote_node::begin_pickups(std::uint64_t keys) { ask({{"do", "begin_pickups"}, {"keys", keys}}); }
pickups::latencies remote_node::end_pickups(std::int64_t from, std::int64_t to) {
    const auto said = ask({{"do", "end_pickups"}, {"from", from}, {"to", to}});
    return {said["from_due"], said["from_begin"]};
}

remote_pair::remote_pair()
    : a(mesh_settings())
    , b(a.neighbour()) {}

void remote_pair::await_equal(std::uint64_t keys) {
    json held_by_a, held_by_b;
    for (const auto deadline = now_ns() + 120'000'000'000; now_ns() < deadline; sleep_for_us(50'000)) {
        held_by_a = a.stats(), held_by_b = b.stats();
        if (held_by_a["keys"] == keys && held_by_b["keys"] == keys &&
            held_by_a["digest"] == held_by_b["digest"])
            return;
    }
    throw std::runtime_error("not equal within 120 s: " + held_by_a.dump() + ", " + held_by_b.dump());
}

void role_node(const json& told, parent& up) {
    auto self = start_node(told);
    if (told.contains("seed")) await_synced(self);
    up.tell({{"endpoint", self.endpoint()}});
    std::optional<pickups> picking;
    for (;;) {
        const auto asked = up.hear();
        const std::string what = asked["do"];
        json answer = "done";
        if (what == "load") load(self, asked["keys"]);
        if (what == "drop") drop_all(self, asked["keys"]);
        if (what == "stats") answer = stats_of(self);
        if (what == "begin_pickups") picking.emplace(self, asked["keys"]);
        if (what == "end_pickups") {
            const auto found = picking->end(asked["from"], asked["to"]);
            answer = {{"from_due", found.from_due}, {"from_begin", found.from_begin}};
        }
        up.tell(answer);
    }
}

} // namespace baton::bench
