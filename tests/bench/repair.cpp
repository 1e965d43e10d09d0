// repair_*: what it costs to repair d lost events among n keys: baton's bytes both ways (PULL, STATE, CREDIT,
// whatever else it takes; no ZeroMQ, no TCP) beyond the keys and values that were missing, and the round
// trips. Counted in the simulator (repair_world.hpp), in a child process for its memory.
#include "bench.hpp"
#include "repair_world.hpp"

#include <array>

namespace baton::bench {

namespace {

constexpr std::array<std::uint64_t, 5> sizes{1, 10, 100, 1'000, 10'000}; // d; the rows have every other one
constexpr std::size_t others = 9;                                        // with A and B: 11 origins

/// A repair of each size, with 2 origins in the cut and with 11.
struct costs {
    std::vector<repair_cost> few, many;
};

std::vector<repair_cost> read(const json& said) {
    std::vector<repair_cost> found;
    for (const auto& c : said) found.push_back({c["events"], c["origins"], c["bytes"], c["trips"]});
    return found;
}

costs measure(std::uint64_t keys) {
    child simulated{"repair", {{"keys", keys}}};
    const auto said = simulated.hear(std::chrono::seconds{300});
    return {read(said["few"]), read(said["many"])};
}

std::string of_keys(std::uint64_t n) { return n == 10'000 ? "n = 10^4" : "n = 10^6"; }

row bytes_row(const std::string& name, std::size_t size, const costs& here, const costs* elsewhere,
              const std::string& reference) {
    const bool one = sizes[size] == 1;
    const auto each = [&](const std::vector<repair_cost>& of) {
        return of[size].bytes / static_cast<double>(sizes[size]);
    };
    const auto held = [&](const costs& c) -> const auto& { return one ? c.many : c.few; };
    const auto& beside = one ? here.few : here.many;
    rounds measured{{each(held(here))}, {}};
    if (elsewhere != nullptr) measured.reference.push_back(each(held(*elsewhere)));
    auto r = summarise(name, one ? "B" : "B/event", measured, reference,
                       {target::kind::at_most, one ? 256.0 : 8.0});
    r.note = std::to_string(held(here)[size].origins) + " origins in the cut; " +
             std::to_string(beside[size].origins) + ": " + figure(each(beside)) + " " + r.unit;
    progress(name, 0, figure(*r.ours) + " " + r.unit + ", " + r.note);
    return r;
}

} // namespace

void role_repair(const json& told, parent& up) {
    repair_world nodes{told["keys"]};
    const auto lose_each = [&] {
        json found = json::array();
        for (const auto d : sizes) {
            const auto c = nodes.lose(d);
            found.push_back(
                {{"events", c.events}, {"origins", c.origins}, {"bytes", c.bytes}, {"trips", c.trips}});
        }
        return found;
    };
    json said{{"few", lose_each()}};
    nodes.join_others(others);
    said["many"] = lose_each();
    up.tell(said);
    up.hear();
}

std::vector<row> run_repair(const benchmark& self, const settings& how) {
    constexpr std::uint64_t fewer = 10'000;
    const auto here = measure(self.keys);
    std::optional<costs> elsewhere;
    if (self.keys != fewer) elsewhere = measure(fewer);
    const auto reference = elsewhere ? "itself at " + of_keys(fewer) : "-";

    std::vector<row> rows;
    for (std::size_t size = 0; size < sizes.size(); size += 2) {
        rows.push_back(
            bytes_row(self.rows[rows.size()], size, here, elsewhere ? &*elsewhere : nullptr, reference));
    }
    double trips = 0;
    for (const auto* each : {&here.few, &here.many}) {
        for (const auto& c : *each) {
            trips = std::max(trips, c.trips);
            how.plots->add("repair", of_keys(self.keys) + ", " + std::to_string(c.origins) + " origins",
                           {static_cast<double>(c.events), c.bytes});
        }
    }
    rows.push_back(
        summarise(self.rows.back(), "round trips", {{trips}, {}}, "-", {target::kind::at_most, 1}));
    rows.back().note = "the most of any d";
    return rows;
}

} // namespace baton::bench
