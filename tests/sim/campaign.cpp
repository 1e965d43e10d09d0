#include "sim/story.hpp"

namespace baton::sim {

outcome story::run() {
    outcome result;
    try {
        faults();
        peace();
        result.settling = settled_ - peace_;
    } catch (const violation& what) {
        result.failure = what.what();
    }
    result.faults = world_.counted();
    result.simulated = world_.now().time_since_epoch();
    result.trace_hash = world_.trace_hash();
    result.writes = writes_;
    result.sessions = sessions_;
    result.spills_merged = spills_merged_;
    result.recovered = recovered_;
    result.processes = world_.processes();
    result.half_folded = world_.half_folded();
    result.promises_kept = world_.promises_kept();
    result.woken = world_.woken();
    result.statements = world_.statements_checked();
    result.most = world_.most_spent();
    result.standstill = world_.longest_standstill();
    for (process_number p = 0; p < world_.processes(); ++p) result.leaves_met += world_.at(p).met != 0;
    return result;
}

world::settings story::draw(std::uint64_t seed) {
    world::settings s;
    s.seed = seed ^ 0x5157;
    // Few keys, so that writes conflict; or more than one slice of work takes, all written at once.
    s.keys = crowded_ ? luck_.between(300, 700) : luck_.between(5, 30);
    auto throws = luck_.fork();
    s.faults = rates::draw(throws);
    s.node = draw_world(luck_, slots_, how_.broken);
    s.watch = true;
    // A session waits 3.3 s for a server that is silent, then for the next one; and where
    // something is lost, each chunk and each question of a comparison takes several tries: of those there are
    // many where a node draws few ranges a question. Where a third is lost, every other server is given up.
    s.standstill_max = s.faults.loss > 200 ? 40s : s.faults.loss > 50 || s.faults.late > 20 ? 30s : 15s;
    if (seed % 4 == 3) s.node.keys = {*mesh_key::from_bytes(std::string(mesh_key::size, 'k'))};
    // Drawn from a generator of their own, so that the other stories stay the same.
    one_seed_ = !s.node.beacon && dice(seed ^ 0x5eed).chance(500);
    if (one_seed_) s.node.seeds.resize(1);
    s.mixed_versions = dice(seed ^ 0x7e25).chance(300);
    if (luck_.chance(400)) s.merged = luck_.chance(500) ? "key-1" : "key-";
    return s;
}

void story::faults() {
    for (slot_number s = 0; s < slots_; ++s) {
        if (s > 1 && luck_.chance(250)) continue; // comes later, if ever
        world_.after(luck_.between(0ms, 1000ms), [this, s] { start(s); });
    }
    world_.after(200ms, [this] { write(); });
    if (crowded_) world_.after(luck_.between(100ms, 3000ms), [this] { crowd(); });
    world_.after(luck_.between(500ms, 2000ms), [this] { mischief(); });
    if (claims_ != 0) look_at_owners();
    if (kind_.restarts) world_.after(1s, [this] { restart_often(); });
    world_.run_for(luck_.between(4s, 15s));
    if (kind_.sleeps) world_.run_for(node_luck_.between(30s, 120s));
}

// Everything broken is mended, and nodes with little room are stopped. Dead nodes stay dead, but at least two
// nodes live, and so does the seed if it is the only known address.
void story::peace() {
    peace_ = world_.now();
    at_peace_ = true;
    auto& f = world_.faults();
    held_up_ = std::max<duration>(3s, f.late == 0 ? 0ms : f.late_max + 100ms);
    f = {};
    f.slices = luck_.chance(500) ? 300 : 0;
    for (const auto& [from, to] : blocked_) world_.block(from, to, false);
    blocked_.clear();
    for (const auto p : world_.alive()) {
        world_.freeze(p, false);
        world_.boast(p, 0);
        if (world_.mesh(p).settings().limits.bytes_max) world_.crash(p); // it could not hold the state of all
    }
    while (staying() < 2) {
        const auto before = world_.processes();
        start_somewhere();
        if (world_.processes() == before) world_.run_for(50ms); // until a leaving node has made room
    }
    while (one_seed_ && (!world_.at_slot(0) || world_.at(*world_.at_slot(0)).leaving)) {
        start(0);
        world_.run_for(50ms);
    }
    std::string why;
    // Looked at now and then, as it is not cheap.
    const bool done = world_.run_until(
        [&] {
            if (world_.now() < look_at_) return false;
            look_at_ = world_.now() + 20ms;
            why = world_.unsettled();
            return why.empty();
        },
        settle_within);
    if (!done) throw violation("not settled after " + std::to_string(settle_within / 1s) + " s: " + why);
    settled_ = world_.now();
    quiet_ = true;
    // Until a broken connection is redialled, or a late frame has arrived, the other side may look silent.
    if (world_.now() < peace_ + held_up_) world_.run_for(peace_ + held_up_ - world_.now());
    if (!world_.run_until([&] { return world_.settled(); }, 5s))
        throw violation("settled and then: " + world_.unsettled());
    if (!world_.run_until([&] { return world_.unowned().empty(); }, 12s)) throw violation(world_.unowned());
    world_.run_for(600ms); // a key released last may be merged now
    if (!world_.run_until([&] { return world_.settled(); }, 5s))
        throw violation("claims settled and then: " + world_.unsettled());
    world_.check_everything();
    // Events that the nodes write by themselves from here on, to archive nodes that are gone, reach every
    // node too.
    world_.run_for(300ms);
    if (!world_.run_until([&] { return world_.settled(); }, 5s))
        throw violation("settled and then: " + world_.unsettled());
    if (brief_) outlive();
    std::string left;
    const bool tidy = world_.run_until(
        [&] {
            if (world_.now() < look_at_) return false;
            look_at_ = world_.now() + 100ms;
            left = world_.untidy();
            return left.empty();
        },
        tidy_within);
    if (!tidy) throw violation("not tidy after " + std::to_string(tidy_within / 1s) + " s: " + left);
}

// Whatever has a time to live is over, and removed from everywhere by the ordinary work of one member.
void story::outlive() {
    const auto removed = [this] {
        const auto all = world_.alive();
        return std::none_of(all.begin(), all.end(),
                            [this](process_number p) { return world_.mesh(p).state().has_deadlines(); });
    };
    if (!world_.run_until([&] { return removed() && world_.settled(); }, brief_max + 10s))
        throw violation("what is over is not removed, or: " + world_.unsettled());
    world_.check_everything();
}

outcome run_seed(std::uint64_t seed, const campaign_options& how) { return story(seed, how).run(); }

} // namespace baton::sim
