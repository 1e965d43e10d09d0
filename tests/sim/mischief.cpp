// The faults of a simulated world.
#include "sim/story.hpp"

namespace baton::sim {

namespace {
constexpr std::size_t restarts_max = 2500;
} // namespace

void story::mischief() {
    if (at_peace_) return;
    world_.after(luck_.between(50ms, 1500ms), [this] { mischief(); });
    const auto& f = world_.faults();
    const std::array<std::uint64_t, 7> weights{f.clog,       f.partition, f.crash, f.pause,
                                               f.clock_step, f.leave,     4};
    auto draw = luck_.below(std::accumulate(weights.begin(), weights.end(), std::uint64_t{0}));
    std::size_t which = 0;
    while (draw >= weights[which]) draw -= weights[which++];
    const auto a = luck_.below(slots_), b = luck_.below(slots_);
    const auto who = world_.at_slot(a);
    switch (which) {
    case 0:
        if (a == b) return;
        world_.counted()(fault::clog);
        return sever({{a, b}, {b, a}}, luck_.between(5ms, 250ms));
    case 1:
        return partition(a, b);
    case 2:
        if (who) crash(*who, fault::crash);
        return;
    case 3:
        if (!who || world_.at(*who).frozen) return;
        world_.counted()(fault::pause);
        world_.freeze(*who, true);
        return world_.after(kind_.sleeps && node_luck_.chance(300)
                                ? node_luck_.between(5s, 100s)
                                : luck_.between(10ms, luck_.chance(300) ? 8s : 1s),
                            [this, p = *who] { world_.freeze(p, false); });
    case 4:
        if (!who) return;
        world_.counted()(fault::clock_step);
        world_.set_drift(*who, static_cast<std::int64_t>(luck_.below(2 * f.drift + 1)) -
                                   static_cast<std::int64_t>(f.drift));
        return world_.step_clock(*who, static_cast<std::int64_t>(luck_.below(7'200'000)) - 3'600'000);
    case 5:
        if (!who || world_.at(*who).frozen) return;
        world_.counted()(fault::leave);
        if (luck_.chance(300)) return leave_all();
        leave(*who);
        if (luck_.chance(400)) { // several at once
            world_.after(luck_.between(0ms, 20ms), [this, b] {
                if (const auto other = world_.at_slot(b); other && !world_.at(*other).frozen) leave(*other);
            });
        }
        return;
    default:
        return start_somewhere();
    }
}

void story::partition(slot_number a, slot_number b) {
    if (a == b) return;
    world_.counted()(fault::partition);
    const auto length = luck_.between(100ms, luck_.chance(300) ? 10s : 2s);
    switch (luck_.below(3)) {
    case 0:
        return sever({{a, b}, {b, a}}, length);
    case 1:
        return sever({{a, b}}, length);
    default: {
        const auto island = luck_.next();
        std::vector<std::pair<slot_number, slot_number>> paths;
        for (slot_number x = 0; x < slots_; ++x) {
            for (slot_number y = 0; y < slots_; ++y) {
                if ((island >> x & 1) != (island >> y & 1)) paths.push_back({x, y});
            }
        }
        return sever(std::move(paths), length);
    }
    }
}

void story::sever(std::vector<std::pair<slot_number, slot_number>> paths, duration length) {
    for (const auto& path : paths) {
        world_.block(path.first, path.second, true);
        blocked_.push_back(path);
    }
    world_.after(length, [this, paths = std::move(paths)] {
        for (const auto& path : paths) {
            const auto at = std::find(blocked_.begin(), blocked_.end(), path);
            if (at == blocked_.end()) continue; // peace came first
            blocked_.erase(at);
            world_.block(path.first, path.second, false);
        }
    });
}

// A server or a receiver dies in the middle of a session.
void story::ambush(process_number who, const core::trace& t) {
    const bool serving = t.what == "serve";
    if (serving) ++sessions_;
    spills_merged_ += t.what == "spill merged";
    recovered_ += t.what == "recovered" && t.a != 0;
    if (at_peace_ || (!serving && t.what != "pull" && t.what != "spill")) return;
    if ((kind_.sleeps || kind_.forgets) && node_luck_.chance(40)) // it goes on with the session, if it may
        world_.after(node_luck_.between(0ms, 8ms), [this, who] { sleep(who); });
    const auto& f = world_.faults();
    if (!luck_.chance(serving ? f.server_crash : f.receiver_crash)) return;
    const auto kind = serving ? fault::server_crash : fault::receiver_crash;
    world_.after(luck_.between(0ms, 8ms), [this, who, kind] { crash(who, kind); });
}

void story::sleep(process_number who) {
    if (at_peace_ || !world_.at(who).alive() || world_.at(who).frozen) return;
    world_.counted()(fault::pause);
    world_.freeze(who, true);
    world_.after(node_luck_.between(500ms, node_luck_.chance(500) ? 5s
                                           : kind_.sleeps         ? 60s
                                                                  : 15s),
                 [this, who] { world_.freeze(who, false); });
}

// A service that dies at once and is started again and again.
void story::restart_often() {
    if (at_peace_ || world_.processes() > restarts_max) return;
    world_.after(node_luck_.between(1ms, 8ms), [this] { restart_often(); });
    const auto slot = node_luck_.below(slots_);
    if (const auto who = world_.at_slot(slot)) {
        world_.counted()(fault::crash);
        world_.crash(*who, node_luck_.chance(700));
    }
    start(slot);
}

void story::crash(process_number who, fault kind) {
    if (at_peace_ || !world_.at(who).alive()) return;
    world_.counted()(kind);
    world_.crash(who, luck_.chance(700));
    if (!luck_.chance(700)) return;
    const auto slot = world_.at(who).slot;
    world_.after(luck_.between(1ms, luck_.chance(300) ? 6s : 600ms), [this, slot] {
        if (!at_peace_) start(slot);
    });
}

// The whole mesh is stopped, and comes back: from its files, where it has any.
void story::leave_all() {
    for (slot_number slot = 0; slot < slots_; ++slot) {
        if (const auto who = world_.at_slot(slot); who && !world_.at(*who).frozen)
            world_.leave(*who, luck_.between(1, 3), luck_.between(50ms, 800ms));
        world_.after(luck_.between(900ms, 4s), [this, slot] {
            if (!at_peace_) start(slot);
        });
    }
}

// Now and then a successor waits for a key before it is written, by one that leaves at once.
void story::leave(process_number who) {
    const auto all = writers();
    const auto key = leave_luck_.below(keys());
    const auto heir = all.empty() ? who : all[leave_luck_.below(all.size())];
    const bool writes = std::find(all.begin(), all.end(), who) != all.end();
    if (heir != who && writes && is_plain(who, key) && leave_luck_.chance(500)) {
        world_.wait_for(heir, key);
        world_.stash(who, key, std::to_string(leave_luck_.below(1000)));
    }
    world_.leave(who, luck_.between(1, 3), luck_.between(200ms, 5s));
}

void story::start(slot_number slot) {
    if (world_.at_slot(slot)) return;
    std::optional<replica_id> id;
    for (process_number p = 0; p < world_.processes(); ++p) {
        if (world_.at(p).slot != slot) continue;
        if (!id) world_.counted()(fault::restart);
        id = world_.at(p).id;
    }
    auto kind = kind_;
    if (at_peace_) kind.fills = kind.boasts = false;
    const auto who = world_.start(slot, draw_node(world_.common(), kind, node_luck_),
                                  how_.broken == mutation::i6_reuse_replica ? id : std::nullopt);
    if (kind.boasts && node_luck_.chance(300)) world_.boast(who, node_luck_.between(1, 20));
}

void story::start_somewhere() {
    const auto first = luck_.below(slots_);
    for (slot_number i = 0; i < slots_; ++i) {
        const auto slot = (first + i) % slots_;
        if (!world_.at_slot(slot)) return start(slot);
    }
}

} // namespace baton::sim
