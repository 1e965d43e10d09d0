// A leave as a process goes through it, step by step, and what may happen to it between two of them.
#include "sim/world.hpp"

namespace baton::sim {

using namespace std::chrono_literals;

namespace {
constexpr auto poll = 5ms; // how often a leaving process looks how far it is
constexpr auto farewell_within = 300ms;
} // namespace

void world::leave(process_number who, std::size_t copies, duration within) {
    auto& p = *processes_[who];
    if (!p.alive() || p.leaving) return;
    p.leaving = true;
    p.leave_began = clock_.now();
    p.leave_within = within;
    tell(p, "begins to leave");
    out_.clear();
    p.mesh->begin_leave(moment_of(p), copies, out_);
    absorb(p);
    reach(p, leave_step::announced);
    await_copies(who, within);
}

void world::await_copies(process_number who, duration left) {
    auto& p = *processes_[who];
    if (!p.alive()) return;
    const auto progress = p.mesh->leaving_progress();
    if (progress.copies != 0) reach(p, leave_step::acknowledged);
    if (!p.alive()) return;
    if (!p.frozen && ((progress.met && !progress.pulled) || left <= 0ns)) {
        if (how_.watch && progress.met && progress.copies == 0) check_met(p);
        if (progress.met && progress.copies != 0) {
            p.met = ++leaves_met_;
            std::size_t stayed = 0; // a node that was leaving already cannot have promised to stay
            for (const auto& other : processes_) {
                if (other->number == who || !covers(other->cut, p.cut)) continue;
                p.heirs.push_back(other->number);
                stayed += other->leave_began >= p.leave_began;
            }
            if (stayed < progress.copies) fail(p, "counts more copies than there are");
        }
        if (how_.watch && !progress.met) check_unsafe(p);
        if (!progress.met && progress.copies == 0 && p.mesh->settings().spills) {
            auto& file = write_spill(who);
            if (luck_.chance(how_.faults.spill_damage)) damage(file, luck_);
        }
        reach(p, leave_step::proven);
        if (!p.alive()) return;
        tell(p, "says goodbye: met=" + std::to_string(progress.met) +
                    " copies=" + std::to_string(progress.copies));
        out_.clear();
        p.mesh->say_left(moment_of(p), out_);
        absorb(p);
        reach(p, leave_step::said);
        return await_farewell(who, farewell_within);
    }
    clock_.after(poll, [this, who, left] { await_copies(who, left - poll); });
}

void world::await_farewell(process_number who, duration left) {
    auto& p = *processes_[who];
    if (!p.alive()) return;
    if (!p.frozen && (p.mesh->farewell_heard() || left <= 0ns)) {
        tell(p, "exits");
        p.left = true;
        if (clock_.now() > p.leave_began + p.leave_within + farewell_within + p.stood_still + 2 * poll)
            fail(p, "leaves later than it was told to (G8)");
        return exit(p, true);
    }
    clock_.after(poll, [this, who, left] { await_farewell(who, left - poll); });
}

// Reports each step once. The process may be gone afterwards.
void world::reach(process& p, leave_step step) {
    if (p.reached >= step) return;
    p.reached = step;
    if (on_leave_step) on_leave_step(p.number, step);
}

} // namespace baton::sim
