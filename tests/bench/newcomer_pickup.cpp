// newcomer_1m_pickup_*: reads on the node that serves a newcomer, while it does. The holder picks up random
// keys at 10 kHz (pickups.hpp); what was due between the newcomer's `joined` and its being synced counts.
#include "bench.hpp"
#include "measure.hpp"
#include "newcomer.hpp"

namespace baton::bench {

std::vector<row> run_newcomer_pickup(const benchmark& self, const settings& how) {
    holder held{self.keys};
    std::vector<double> from_due, from_begin;
    const auto ms = [](const std::vector<double>& ns, double share) { return quantile(ns, share) / 1e6; };
    for (std::size_t i = 0; i < how.rounds; ++i) {
        held.node.begin_pickups(self.keys);
        const auto a = held.welcome();
        const auto found = held.node.end_pickups(a.joined, a.synced);
        if (found.from_due.empty()) throw std::runtime_error("synced before the first pickup");
        progress(self.rows[0], i,
                 "p99.9 " + figure(ms(found.from_due, 0.999)) + " ms, max " + figure(ms(found.from_due, 1)) +
                     " ms of " + std::to_string(found.from_due.size()) + " in " + figure(a.ms()) + " ms");
        from_due.insert(from_due.end(), found.from_due.begin(), found.from_due.end());
        from_begin.insert(from_begin.end(), found.from_begin.begin(), found.from_begin.end());
    }
    auto tail = summarise(self.rows[0], "ms", {{ms(from_due, 0.999)}, {}}, "-", {target::kind::at_most, 1});
    auto worst = summarise(self.rows[1], "ms", {{ms(from_due, 1)}, {}}, "-", {target::kind::at_most, 10});
    tail.note = std::to_string(from_due.size()) + " pickups in " + std::to_string(how.rounds) +
                " syncs; from its actual start " + figure(ms(from_begin, 0.999)) + " ms";
    worst.note = "from its actual start " + figure(ms(from_begin, 1)) + " ms";
    return {tail, worst};
}

} // namespace baton::bench
