#include "sim/faults.hpp"

namespace baton::sim {

using namespace std::chrono_literals;

rates rates::draw(dice& luck) {
    rates r;
    const auto mood = luck.below(8);
    const std::uint64_t scale = mood < 4 ? 100 : mood < 7 ? 500 : 1000;
    const auto up_to = [&](std::uint64_t most) {
        return luck.chance(600) ? luck.below(most * scale / 1000 + 1) : 0;
    };

    r.loss = up_to(400);
    r.duplicate = up_to(500);
    r.reorder = up_to(400);
    r.late = up_to(60);
    r.garbage = luck.chance(60) ? luck.between(1, 50) : 0;
    r.delay_max = luck.between(200us, luck.chance(200) ? 80ms : 3ms);
    r.late_max = luck.between(20ms, luck.chance(300) ? 5s : 500ms);
    r.high_water = luck.chance(300) ? luck.between(1, 30) : 1000;

    const auto some = [&](std::uint64_t most) { return luck.chance(600) ? luck.between(1, most) : 0; };
    r.server_crash = luck.chance(400) ? luck.between(5, 100) : 0;
    r.receiver_crash = luck.chance(300) ? luck.between(5, 60) : 0;
    r.clog = some(6);
    r.partition = some(6);
    r.crash = some(4);
    r.pause = some(3);
    r.clock_step = some(3);
    r.leave = some(6);
    r.spill_damage = luck.chance(600) ? luck.between(100, 900) : 0;
    r.drift = luck.chance(300) ? luck.below(50) : 0;
    r.slices = luck.chance(700) ? luck.between(100, 900) : 0;
    r.leave_crash = luck.chance(400) ? luck.between(20, 300) : 0;
    return r;
}

} // namespace baton::sim
