// idle_bytes: what two converged nodes say to each other while nothing happens: the bytes of HELLO that both
// count in stats().hello_bytes_sent.
#include "bench.hpp"
#include "measure.hpp"
#include "remote_node.hpp"

namespace baton::bench {

std::vector<row> run_idle(const benchmark& self, const settings& how) {
    remote_pair nodes;
    nodes.a.load(self.keys);
    nodes.await_equal(self.keys);
    sleep_for_us(2'000'000); // what the load has changed has been told by then
    struct sample {
        double bytes;
        std::int64_t at;
    };
    const auto sample_now = [&]() -> sample {
        const double a = nodes.a.stats()["hello_bytes"], b = nodes.b.stats()["hello_bytes"];
        return {a + b, now_ns()};
    };
    const int seconds = how.quick ? 3 : 10;
    const auto first = sample_now();
    sleep_until_ns(first.at + seconds * 1'000'000'000LL);
    const auto last = sample_now();
    const auto rate = (last.bytes - first.bytes) * 1e9 / static_cast<double>(last.at - first.at);
    auto r = summarise(self.rows[0], "B/s", {{rate}, {}}, "-", {target::kind::at_most, 200});
    r.note = "both ways, over " + std::to_string(seconds) + " s; HELLO is all: there are no probes beside it";
    progress(self.rows[0], 0, figure(rate) + " B/s");
    return {r};
}

} // namespace baton::bench
