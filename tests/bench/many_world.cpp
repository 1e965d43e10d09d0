#include "many_world.hpp"

#include "sim/world.hpp"

#include <stdexcept>

namespace baton::bench {

using namespace std::chrono_literals;

small_talk many_world(std::size_t nodes) {
    sim::world::settings how{.keys = nodes, .check = false};
    how.node.limits.peers_max = nodes + 10;
    sim::world world{std::move(how)};
    for (std::size_t i = 0; i < nodes; ++i) {
        world.start(i);
        world.run_for(std::chrono::duration_cast<sim::duration>(1s) / nodes);
    }
    for (std::size_t i = 0; i < nodes; ++i) world.stash(i, i, "here");
    const auto all_met = [&] {
        for (std::size_t i = 0; i < nodes; ++i) {
            auto& mesh = world.mesh(i);
            if (mesh.stats().members_up + 1 < nodes || mesh.state().keys() < nodes) return false;
        }
        return true;
    };
    for (int tenths = 0; !all_met(); ++tenths) { // asked seldom: it takes longer than a step of the world
        if (tenths == 600) throw std::runtime_error("not all have met");
        world.run_for(100ms);
    }
    const auto joined = std::chrono::duration<double>(world.now().time_since_epoch()).count();
    world.run_for(40s); // beacons have become as slow as they become

    constexpr double seconds = 10;
    double hello = 0, beacons = 0, other = 0, count = 0;
    world.set_filter([&](sim::process_number, sim::process_number, sim::channel on, std::string_view bytes) {
        const auto size = static_cast<double>(bytes.size());
        (on == sim::channel::broadcast ? hello : on == sim::channel::beacon ? beacons : other) += size;
        count += on == sim::channel::beacon ? 1 : 0;
        return true;
    });
    world.run_for(10s);
    const auto rate = [&](double of) { return of / seconds / static_cast<double>(nodes); };
    const auto hearers = static_cast<double>(nodes - 1); // of each beacon, which is one datagram
    return {rate(hello), rate(beacons / hearers), rate(other), rate(count / hearers), joined};
}

} // namespace baton::bench
