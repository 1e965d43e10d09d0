// watch_back_to_back, watch_1ms: put on A → told to a handler on B, two processes, beside put → applied and
// readable on B (visible.cpp), of the same puts: what waking the dispatcher adds.
#include "bench.hpp"
#include "mesh.hpp"
#include "visible.hpp"

#include <baton/watch.hpp>

#include <atomic>

namespace baton::bench {

namespace {

std::vector<row> run(const benchmark& self, const settings& how, json told) {
    told.update(mesh_settings());
    rounds p50, p99;
    for (std::size_t i = 0; i < how.rounds; ++i) {
        child reader{"watch_reader", told};
        auto both = told;
        both.update(reader.hear());
        child writer{"visible_writer", both};
        writer.hear();
        reader.hear();
        writer.tell("go");
        const std::vector<std::int64_t> sent = writer.hear()["sent"];
        const auto heard = reader.hear();
        const std::vector<std::int64_t> seen = heard["seen"], handled = heard["handled"];
        std::vector<double> visible, delivered; // the first tenth warms up
        for (std::size_t put = sent.size() / 10; put < sent.size(); ++put) {
            visible.push_back(static_cast<double>(seen.at(put) - sent[put]) / 1e3);
            delivered.push_back(static_cast<double>(handled.at(put) - sent[put]) / 1e3);
        }
        p50.ours.push_back(quantile(delivered, 0.5));
        p50.reference.push_back(quantile(visible, 0.5));
        p99.ours.push_back(quantile(delivered, 0.99));
        p99.reference.push_back(quantile(visible, 0.99));
        progress(self.rows[0], i,
                 "p50/p99 delivered " + figure(p50.ours.back()) + "/" + figure(p99.ours.back()) +
                     " µs, visible " + figure(p50.reference.back()) + "/" + figure(p99.reference.back()) +
                     " µs");
    }
    return {summarise(self.rows[0], "µs", p50, "put to visible, the same puts, p50",
                      {target::kind::ratio_at_most, 1.5}),
            summarise(self.rows[1], "µs", p99, "put to visible, the same puts, p99", {})};
}

} // namespace

std::vector<row> run_watch_back_to_back(const benchmark& self, const settings& how) {
    return run(self, how, {{"count", how.quick ? 1'000 : 5'000}, {"pace_ns", 0}});
}

std::vector<row> run_watch_paced(const benchmark& self, const settings& how) {
    return run(self, how, {{"count", how.quick ? 500 : 2'500}, {"pace_ns", 1'000'000}});
}

// The handler of the watch answers, where an answer is waited for.
void role_watch_reader(const json& told, parent& up) {
    const std::uint64_t count = told["count"];
    const bool answer = told["pace_ns"] == 0;
    std::vector<std::int64_t> seen, handled;
    seen.reserve(count);
    handled.reserve(count);
    std::atomic<bool> complete{false};
    std::atomic<std::size_t> applied{0};
    auto self = start_node(told, [&](std::size_t n) {
        seen.insert(seen.end(), n, now_ns());
        applied += n;
    });
    up.tell({{"seed", self.endpoint()}});
    await_synced(self);
    payload data;
    const auto watching = expect(self.watch("", [&](const change& what) {
        if (what.kind != change_kind::put || what.written.id.replica == self.id()) return;
        handled.push_back(now_ns());
        if (answer) expect(self.stash(data.key(count + handled.size()), data.value(0)));
        if (handled.size() != count) return;
        complete = true;
        complete.notify_one();
    }));
    up.tell("ready");
    complete.wait(false);
    while (applied < count) sleep_for_us(100);
    up.tell({{"seen", seen}, {"handled", handled}});
    up.hear();
}

} // namespace baton::bench
