// leave_100k: the leave of a node whose 100,000 keys another holds already. leave_10k_fresh: of one that has
// stashed 10,000 keys at once and leaves in the same breath.
#include "bench.hpp"
#include "measure.hpp"
#include "mesh.hpp"

namespace baton::bench {

namespace {

std::vector<row> run(const benchmark& self, const settings& how, bool fresh, double bound) {
    rounds took;
    for (std::size_t i = 0; i < how.rounds; ++i) {
        auto told = mesh_settings();
        told["count"] = self.keys;
        told["fresh"] = fresh;
        child stays{"leave_stayer", told};
        told.update(stays.hear());
        child leaves{"leave_leaver", told};
        const auto said = leaves.hear();
        stays.tell("count");
        const std::uint64_t held = stays.hear()["keys"];
        if (held != self.keys) throw std::runtime_error("only " + std::to_string(held) + " keys are held");
        took.ours.push_back(said["took_ns"].get<double>() / 1e6);
        progress(self.rows[0], i, figure(took.ours.back()) + " ms, " + said["outcome"].get<std::string>());
    }
    return {summarise(self.rows[0], "ms", took, "-", {target::kind::at_most, bound})};
}

} // namespace

std::vector<row> run_leave(const benchmark& self, const settings& how) { return run(self, how, false, 10); }
std::vector<row> run_leave_fresh(const benchmark& self, const settings& how) {
    return run(self, how, true, 200);
}

void role_leave_stayer(const json& told, parent& up) {
    const auto self = start_node(told);
    up.tell({{"seed", self.endpoint()}});
    up.hear();
    up.tell({{"keys", self.stats()->keys}});
    up.hear();
}

void role_leave_leaver(const json& told, parent& up) {
    auto self = start_node(told);
    await_synced(self);
    load(self, told["count"]);
    while (!told["fresh"] && self.members()->front().lag != 0) sleep_for_us(1000);
    const auto from = now_ns();
    const auto report = expect(self.leave());
    const auto took = now_ns() - from;
    if (report.outcome != leave_outcome::safe) throw std::runtime_error("not safe");
    up.tell({{"took_ns", took}, {"outcome", std::string(to_string(report.outcome))}});
    up.hear();
}

} // namespace baton::bench
