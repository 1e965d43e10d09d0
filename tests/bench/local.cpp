// local_pickup_*, local_stash_*: one operation on a random existing key of a lone node, one thread, the copy
// of the value included; beside absl::flat_hash_map<std::string, std::string> behind a mutex.
#include "local.hpp"

#include "bench.hpp"
#include "mesh.hpp"

#include <optional>

namespace baton::bench {

namespace {

double ns_per_operation(child& store, bool pickup, std::uint64_t operations) {
    store.tell({{"pickup", pickup}, {"operations", operations}});
    return store.hear()["ns"];
}

} // namespace

std::vector<row> run_local(const benchmark& self, const settings& how) {
    const json told = [&] {
        auto settings = mesh_settings();
        settings["count"] = self.keys;
        return settings;
    }();
    child node{"local_node", told};
    node.hear();
    std::optional<child> map;
    if (has_local_map()) {
        map.emplace("local_map", told);
        map->hear();
    }
    const std::string reference =
        map ? "absl::flat_hash_map<string,string> behind a mutex" : "abseil is not installed";
    const bool held = self.keys >= 1'000'000;
    const std::uint64_t operations = how.quick ? 200'000 : 1'000'000;
    std::vector<row> rows;
    for (const bool pickup : {true, false}) {
        const auto& name = self.rows[pickup ? 0 : 1];
        rounds measured;
        for (std::size_t i = 0; i < how.rounds; ++i) {
            measured.ours.push_back(ns_per_operation(node, pickup, operations));
            auto said = figure(measured.ours.back()) + " ns";
            if (map) {
                measured.reference.push_back(ns_per_operation(*map, pickup, operations));
                said += ", absl " + figure(measured.reference.back()) + " ns";
            }
            progress(name, i, said);
        }
        const auto goal = held ? target{target::kind::ratio_at_most, pickup ? 0.5 : 1.0} : target{};
        rows.push_back(summarise(name, "ns", measured, reference, goal));
    }
    return rows;
}

void role_local_node(const json& told, parent& up) {
    struct {
        node self;
        std::size_t get(std::string_view key) const {
            const auto found = self.pickup(key);
            return found ? found->value.size() : 0;
        }
        void put(std::string_view key, std::string_view value) { expect(self.stash(key, value)); }
    } store{start_node(told)};
    serve_local(store, told, up);
}

} // namespace baton::bench
