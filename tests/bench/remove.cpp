// remove_1m: what is left of keys that have been dropped. Both nodes of a pair must come to hold no removal
// record; then their stores are compared to what they took when they were empty.
#include "bench.hpp"
#include "measure.hpp"
#include "remote_node.hpp"

namespace baton::bench {

namespace {
constexpr std::int64_t patience_ns = 60'000'000'000;
}

std::vector<row> run_remove(const benchmark& self, const settings&) {
    remote_pair nodes;
    const auto bytes = [](const json& stats) { return stats["store_bytes"].get<double>(); };
    const auto empty_a = bytes(nodes.a.stats()), empty_b = bytes(nodes.b.stats());
    nodes.a.load(self.keys);
    nodes.await_equal(self.keys);
    nodes.a.drop(self.keys);
    const auto from = now_ns();
    nodes.await_equal(0);
    auto a = nodes.a.stats(), b = nodes.b.stats();
    for (; a["removals"] != 0 || b["removals"] != 0; a = nodes.a.stats(), b = nodes.b.stats()) {
        if (now_ns() - from > patience_ns) {
            throw std::runtime_error("removal records left after 60 s: A " + a["removals"].dump() + ", B " +
                                     b["removals"].dump());
        }
        sleep_for_us(250'000);
    }
    const auto took = figure(static_cast<double>(now_ns() - from) / 1e9) + " s after the last drop";
    sleep_for_us(1'000'000); // memory may be given back a little later
    a = nodes.a.stats(), b = nodes.b.stats();
    const auto left = std::max(bytes(a) - empty_a, bytes(b) - empty_b);
    auto r = summarise(self.rows[0], "MiB", {{left / (1 << 20)}, {}}, "-", {target::kind::at_most, 1});
    r.note = figure(left) + " B, the larger of the two; no removal record left " + took;
    progress(self.rows[0], 0, r.note);
    return {r};
}

} // namespace baton::bench
