// memory_*: what a key takes beside its own bytes, in the resident memory of a lone node's process: grown by
// the load, less key and value.
#include "bench.hpp"
#include "measure.hpp"
#include "mesh.hpp"
#include "remote_node.hpp"

namespace baton::bench {

std::vector<row> run_memory(const benchmark& self, const settings&) {
    const auto keys = static_cast<double>(self.keys);
    remote_node lone{mesh_settings()};
    const double before = lone.stats()["rss"];
    lone.load(self.keys);
    const auto after = lone.stats();
    const double grown = after["rss"].get<double>() - before, user = keys * (key_bytes + value_bytes);
    const double store = after["store_bytes"], live = after["key_value_bytes"];
    auto r =
        summarise(self.rows[0], "B/key", {{(grown - user) / keys}, {}}, "-", {target::kind::at_most, 40});
    r.note = "one load; stats().store_bytes says " + figure((store - live) / keys) + " B/key";
    progress(self.rows[0], 0, figure(*r.ours) + " B/key, " + r.note);
    return {r};
}

} // namespace baton::bench
