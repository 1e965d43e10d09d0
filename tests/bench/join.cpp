// join: start of a second node → `joined` on both, found by beacon on loopback. From just before node::start
// until the later of the two events reached a thread that waits for it. Every start is a process of its own.
#include "bench.hpp"
#include "measure.hpp"
#include "mesh.hpp"

#include <sys/socket.h>

namespace baton::bench {

namespace {

constexpr auto patience = std::chrono::seconds{20};

double join_ms(child& host, const json& told) {
    child guest{"join_guest", told};
    const auto there = guest.hear();
    auto here = host.hear();
    while (here["id"] != there["id"]) here = host.hear();
    guest.tell("leave");
    guest.finish();
    const std::int64_t start = there["start"], on_guest = there["joined"], on_host = here["joined"];
    return static_cast<double>(std::max(on_guest, on_host) - start) / 1e6;
}

} // namespace

std::vector<row> run_join(const benchmark& self, const settings& how) {
    json told = mesh_settings();
    told["beacon_port"] = free_port(SOCK_DGRAM);
    child host{"join_host", told};
    host.hear();
    const std::size_t starts = how.quick ? 5 : std::max<std::size_t>(20, how.rounds);
    rounds measured;
    for (std::size_t i = 0; i < starts; ++i) {
        measured.ours.push_back(join_ms(host, told));
        progress(self.rows[0], i, figure(measured.ours.back()) + " ms");
    }
    auto middle = summarise(self.rows[0], "ms", measured, "-", {target::kind::at_most, 50});
    middle.note = "median of " + std::to_string(starts) + " starts";
    rounds worst;
    worst.ours.push_back(quantile(measured.ours, 1));
    return {middle, summarise(self.rows[1], "ms", worst, "-", {})};
}

void role_join_host(const json& told, parent& up) {
    auto self = start_node(told);
    up.tell("ready");
    for (;;) { // until the parent kills it
        if (const auto e = self.next_event(std::chrono::seconds{1}); e && e->kind == event_kind::joined) {
            up.tell({{"joined", now_ns()}, {"id", e->id.to_string()}});
        }
    }
}

void role_join_guest(const json& told, parent& up) {
    const auto start = now_ns();
    auto self = start_node(told);
    const auto joined = await_joined(self, patience).first;
    up.tell({{"start", start}, {"joined", joined}, {"id", self.id().to_string()}});
    up.hear();
    expect(self.leave({.within = std::chrono::milliseconds{1000}}));
}

} // namespace baton::bench
