// story: the life of one simulated world: its writes, its faults, and the peace after them.
#pragma once

#include "sim/campaign.hpp"
#include "sim/draws.hpp"

#include <algorithm>
#include <cstdio>

namespace baton::sim {

using namespace std::chrono_literals;

class story {
  public:
    story(std::uint64_t seed, const campaign_options& how)
        : luck_(seed)
        , brief_luck_(seed ^ 0x771)
        , leave_luck_(seed ^ 0x1ea7e)
        , node_luck_(seed ^ 0x40de)
        , slots_(luck_.between(3, luck_.chance(300) ? 9 : 5))
        , crowded_(luck_.chance(80))
        , kind_(draw_kind(dice(seed ^ 0x91d5), slots_))
        , how_(how)
        , world_(draw(seed)) {
        writes_every_ = luck_.between(10ms, 200ms);
        drops_ = luck_.between(50, 400);
        large_ = luck_.chance(500) ? luck_.between(5, 150) : 0;
        typed_ = !crowded_ && luck_.chance(500);
        claims_ = luck_.chance(500) ? luck_.between(20, 400) : 0;
        brief_ = brief_luck_.chance(250);
        world_.on_leave_step = [this](process_number who, world::leave_step) {
            if (!at_peace_ && leave_luck_.chance(world_.faults().leave_crash)) crash(who, fault::leave_crash);
        };
        world_.on_trace = [this](process_number who, const core::trace& t) { ambush(who, t); };
        if (how.tell) {
            world_.set_teller([this](const world::process& p, std::string_view line) {
                const auto us =
                    std::chrono::duration_cast<std::chrono::microseconds>(world_.now().time_since_epoch())
                        .count();
                char head[48];
                std::snprintf(head, sizeof head, "%10.3f ms  %-6s ", static_cast<double>(us) / 1000,
                              p.name.c_str());
                how_.tell(head + std::string(line));
            });
        }
    }

    outcome run();

  private:
    world::settings draw(std::uint64_t seed);
    void faults();
    void peace();
    void outlive();

    // workload.cpp
    void write();
    void together(process_number who);
    void look_at_owners();
    void own(process_number who, std::size_t key);
    void operate(process_number who, std::size_t key);
    bool is_plain(process_number who, std::size_t key);
    void crowd();

    // mischief.cpp
    void mischief();
    void partition(slot_number a, slot_number b);
    void sever(std::vector<std::pair<slot_number, slot_number>> paths, duration length);
    void ambush(process_number who, const core::trace& t);
    void sleep(process_number who);
    void restart_often();
    void crash(process_number who, fault kind);
    void leave_all();
    void leave(process_number who);
    void start(slot_number slot);
    void start_somewhere();

    [[nodiscard]] std::vector<process_number> writers() {
        auto all = world_.alive();
        std::erase_if(all, [this](process_number p) { return world_.at(p).leaving || world_.at(p).frozen; });
        return all;
    }
    [[nodiscard]] std::size_t staying() {
        const auto all = world_.alive();
        return static_cast<std::size_t>(std::count_if(
            all.begin(), all.end(), [this](process_number p) { return !world_.at(p).leaving; }));
    }
    [[nodiscard]] std::size_t keys() const { return world_.keys(); }

    static constexpr std::chrono::milliseconds brief_max{3000}; ///< the longest time to live

    dice luck_, brief_luck_, leave_luck_, node_luck_;
    std::size_t slots_;
    bool crowded_;
    world_kind kind_;
    bool one_seed_ = false; ///< nobody knows anybody but the first address
    const campaign_options& how_;
    world world_;
    duration writes_every_{};
    std::uint64_t drops_ = 0, large_ = 0, writes_ = 0, sessions_ = 0, spills_merged_ = 0, recovered_ = 0;
    std::uint64_t claims_ = 0;
    bool typed_ = false; ///< most keys are counters, sets, maps and flags
    bool brief_ = false; ///< some registers have a time to live
    bool at_peace_ = false, quiet_ = false;
    instant peace_{}, settled_{}, look_at_{};
    duration held_up_{}; ///< how long the faults may show after the peace
    std::vector<std::pair<slot_number, slot_number>> blocked_;
};

} // namespace baton::sim
