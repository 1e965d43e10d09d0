// many_*: a mesh of 10 and of 50 nodes, each a process of its own that finds the others by beacon: from
// before the first is started until all have met and hold the same; and what they say to one another once
// nothing happens, counted by the kernel in a network of their own. The same for 200 nodes in the simulator
// (many_world.hpp).
#include "bench.hpp"
#include "many_world.hpp"
#include "measure.hpp"
#include "mesh.hpp"
#include "own_network.hpp"

#include <sys/socket.h>

#include <list>

namespace baton::bench {

namespace {

constexpr int quiet_after = 40; // seconds: beacons have become as slow as they become
constexpr int quiet_for = 10;

double total(std::list<child>& nodes, const char* what) {
    double sum = 0;
    for (auto& node : nodes) node.tell("stats");
    for (auto& node : nodes) sum += node.hear()[what].get<double>();
    return sum;
}

} // namespace

std::vector<row> run_many(const benchmark& self, const settings& how) {
    const bool once = how.quick;
    rounds joined, quiet;
    std::string lacking, note;
    for (std::size_t round = 0; round < (once ? 1 : how.rounds); ++round) {
        const bool last = round + 1 == (once ? 1 : how.rounds);
        child mesh{"many", {{"nodes", self.keys}, {"quiet", last && !once}}};
        const auto got = mesh.hear(std::chrono::seconds{120});
        joined.ours.push_back(got["joined"].get<double>());
        progress(self.rows[0], round, figure(joined.ours.back()) + " s");
        if (!last || once) continue;
        const auto counted = mesh.hear(std::chrono::seconds{120});
        if (!counted.contains("bytes")) lacking = "needs a network namespace";
        if (counted.contains("bytes")) quiet.ours.push_back(counted["bytes"].get<double>());
        note = "HELLO alone, without headers, " + figure(counted["hello"].get<double>()) + " B/s; " +
               figure(counted["beacons"].get<double>()) + " beacons/s";
    }
    auto time = summarise(self.rows[0], "s", joined, "-", {target::kind::at_most, 5});
    time.note = "median of " + std::to_string(joined.ours.size()) + ", " + figure(quantile(joined.ours, 0)) +
                " … " + figure(quantile(joined.ours, 1)) + " s";
    if (once) return {time};
    row rate{.name = self.rows[1], .unit = "B/s"};
    if (lacking.empty()) rate = summarise(self.rows[1], "B/s", quiet, "-", {});
    rate.note = lacking + (lacking.empty() ? "" : "; ") + "a node, all headers included; " + note;
    return {time, rate};
}

std::vector<row> run_many_simulated(const benchmark& self, const settings&) {
    const auto said = many_world(self.keys);
    auto r = summarise(self.rows[0], "B/s", {{said.total()}, {}}, "-", {});
    r.note = "a node, without headers: HELLO " + figure(said.hello) + ", beacons " + figure(said.beacons) +
             " (" + figure(said.beacons_sent) + " a second), other " + figure(said.other) +
             "; all joined after " + figure(said.joined_after) + " s";
    progress(r.name, 0, figure(said.total()) + " B/s");
    return {r};
}

void role_many(const json& told, parent& up) {
    const bool counted = enter_own_network();
    auto node = mesh_settings();
    node["beacon_port"] = free_port(SOCK_DGRAM);
    node["nodes"] = told["nodes"];
    const double count = told["nodes"];
    const auto start = now_ns();
    std::list<child> nodes;
    for (double i = 0; i < count; ++i) nodes.emplace_back("many_node", node);
    std::int64_t last = 0;
    json digest;
    for (auto& each : nodes) {
        const auto got = each.hear();
        last = std::max(last, got["at"].get<std::int64_t>());
        if (!digest.is_null() && digest != got["digest"]) throw std::runtime_error("unequal digests");
        digest = got["digest"];
    }
    up.tell({{"joined", static_cast<double>(last - start) / 1e9}});
    if (!told["quiet"]) return;
    sleep_for_us(quiet_after * 1'000'000LL);
    const auto hello = total(nodes, "hello_bytes"), beacons = total(nodes, "beacons");
    const auto from = now_ns();
    const auto bytes = counted ? bytes_sent_by("lo") : 0;
    sleep_until_ns(from + quiet_for * 1'000'000'000LL);
    const auto sent = counted ? bytes_sent_by("lo") - bytes : 0;
    const auto rate = [&](double of) { return of / quiet_for / count; };
    json found{{"hello", rate((total(nodes, "hello_bytes") - hello) * (count - 1))},
               {"beacons", rate(total(nodes, "beacons") - beacons)}};
    if (counted) found["bytes"] = rate(static_cast<double>(sent));
    up.tell(found);
}

void role_many_node(const json& told, parent& up) {
    auto self = start_node(told);
    expect(self.stash(self.id().to_string(), "here"));
    const std::uint64_t count = told["nodes"];
    for (const auto deadline = now_ns() + 60'000'000'000;; sleep_for_us(10'000)) {
        const auto now = expect(self.stats());
        if (now.members_up + 1 == count && now.keys == count) break;
        if (now_ns() > deadline) throw std::runtime_error("not all met within 60 s");
    }
    const auto digest = digest_of(self);
    up.tell({{"at", now_ns()}, {"digest", digest}});
    for (;;) {
        up.hear();
        const auto now = expect(self.stats());
        up.tell({{"hello_bytes", now.hello_bytes_sent}, {"beacons", now.beacons_sent}});
    }
}

} // namespace baton::bench
