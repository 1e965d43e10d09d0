#include "sim/campaign.hpp"

#include "sim/draws.hpp"

#include <algorithm>
#include <cstdio>

namespace baton::sim {

using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t writes_max = 500;
constexpr auto brief_max = 3000ms; // the longest time to live

class campaign {
  public:
    campaign(std::uint64_t seed, const campaign_options& how)
        : luck_(seed)
        , brief_luck_(seed ^ 0x771)
        , leave_luck_(seed ^ 0x1ea7e)
        , node_luck_(seed ^ 0x40de)
        , slots_(luck_.between(3, luck_.chance(300) ? 9 : 5))
        , crowded_(luck_.chance(80))
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

    outcome run() {
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

  private:
    world::settings draw(std::uint64_t seed) {
        world::settings s;
        s.seed = seed ^ 0x5157;
        // Few keys, so that writes conflict; or more than one slice of work takes, all written at once.
        s.keys = crowded_ ? luck_.between(300, 700) : luck_.between(5, 30);
        auto throws = luck_.fork();
        s.faults = rates::draw(throws);
        s.node = draw_world(luck_, slots_, how_.broken);
        s.watch = true;
        // A session waits 3.3 s for a server that is silent, then for the next one; and where much is lost,
        // each of its chunks takes several tries.
        s.standstill_max = s.faults.loss > 150 || s.faults.late > 20 ? 20s : 10s;
        if (seed % 4 == 3) s.node.keys = {*mesh_key::from_bytes(std::string(mesh_key::size, 'k'))};
        // Of a chance of their own, so that the other stories stay as they are.
        one_seed_ = !s.node.beacon && dice(seed ^ 0x5eed).chance(500);
        if (one_seed_) s.node.seeds.resize(1);
        s.mixed_versions = dice(seed ^ 0x7e25).chance(300);
        if (luck_.chance(400)) s.merged = luck_.chance(500) ? "key-1" : "key-";
        return s;
    }

    void faults() {
        for (slot_number s = 0; s < slots_; ++s) {
            if (s > 1 && luck_.chance(250)) continue; // comes later, if ever
            world_.after(luck_.between(0ms, 1000ms), [this, s] { start(s); });
        }
        world_.after(200ms, [this] { write(); });
        if (crowded_) world_.after(luck_.between(100ms, 3000ms), [this] { crowd(); });
        world_.after(luck_.between(500ms, 2000ms), [this] { mischief(); });
        world_.run_for(luck_.between(4s, 15s));
    }

    // Everything that is broken is mended; what is dead stays dead, but there are two at least, and the seed
    // if it is all that is known.
    void peace() {
        peace_ = world_.now();
        at_peace_ = true;
        auto& f = world_.faults();
        held_up_ = std::max<duration>(3s, f.late == 0 ? 0ms : f.late_max + 100ms);
        f = {};
        f.slices = luck_.chance(500) ? 300 : 0;
        for (const auto& [from, to] : blocked_) world_.block(from, to, false);
        blocked_.clear();
        for (const auto p : world_.alive()) world_.freeze(p, false);
        while (staying() < 2) {
            const auto before = world_.processes();
            start_somewhere();
            if (world_.processes() == before) world_.run_for(50ms); // until one that leaves has made room
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
        // Until a broken connection is redialled, or what was sent late has come, the other side may yet look
        // silent.
        if (world_.now() < peace_ + held_up_) world_.run_for(peace_ + held_up_ - world_.now());
        if (!world_.run_until([&] { return world_.settled(); }, 5s))
            throw violation("settled and then: " + world_.unsettled());
        if (!world_.run_until([&] { return world_.unowned().empty(); }, 12s))
            throw violation(world_.unowned());
        world_.run_for(600ms); // what was released last may be merged now
        if (!world_.run_until([&] { return world_.settled(); }, 5s))
            throw violation("claims settled and then: " + world_.unsettled());
        world_.check_everything();
        // What the nodes write by themselves from here on, to archive who is gone, reaches everybody too.
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
    void outlive() {
        const auto removed = [this] {
            const auto all = world_.alive();
            return std::none_of(all.begin(), all.end(),
                                [this](process_number p) { return world_.mesh(p).state().has_deadlines(); });
        };
        if (!world_.run_until([&] { return removed() && world_.settled(); }, brief_max + 10s))
            throw violation("what is over is not removed, or: " + world_.unsettled());
        world_.check_everything();
    }

    // ---------------------------------------------------------------- the workload

    void write() {
        if (quiet_ || writes_ >= writes_max || (at_peace_ && world_.now() - peace_ > 500ms)) return;
        world_.after(luck_.between(0ms, 2 * writes_every_), [this] { write(); });
        const auto all = writers();
        if (all.empty()) return;
        const auto who = all[luck_.below(all.size())];
        for (auto burst = luck_.chance(50) ? luck_.between(2, 40) : 1; burst != 0; --burst) {
            const auto key = luck_.below(luck_.chance(300) ? 3 : keys());
            ++writes_;
            if (brief_ && brief_luck_.chance(200)) {
                const auto ttl = brief_luck_.between(1, brief_luck_.chance(500) ? brief_max / 1ms : 300);
                world_.stash_for(who, "brief-" + std::to_string(brief_luck_.below(12)),
                                 std::to_string(brief_luck_.below(100)), std::chrono::milliseconds{ttl});
            }
            if (luck_.chance(drops_)) {
                world_.drop(who, key);
            } else if (luck_.chance(60)) {
                world_.ask(who, key);
            } else if (luck_.chance(40)) {
                together(who);
            } else if (typed_ && key % 6 != 0) {
                operate(who, key);
            } else if (typed_ && !is_plain(who, key)) {
                continue;
            } else if (luck_.chance(claims_)) {
                own(who, key);
            } else if (luck_.chance(large_)) {
                world_.stash(who, key,
                             std::string(luck_.between(100, 6000), static_cast<char>('a' + luck_.below(26))));
            } else {
                auto value = luck_.chance(30) ? std::string{} : std::to_string(luck_.below(1000));
                if (luck_.chance(100)) {
                    world_.prove(who, key, std::move(value), luck_.between(2, slots_));
                } else {
                    world_.stash(who, key, std::move(value));
                }
            }
        }
    }

    void together(process_number who) {
        std::vector<std::pair<std::size_t, std::string>> values;
        for (auto left = luck_.between(2, luck_.chance(100) ? 300 : 6); left != 0; --left) {
            const auto key = luck_.below(keys());
            if (!typed_ || key % 6 == 0) values.emplace_back(key, std::to_string(luck_.below(1000)));
        }
        if (!values.empty()) world_.stash_all(who, values);
    }

    // A claim, and what its owner does then; mostly of few keys, so that they meet.
    void own(process_number who, std::size_t key) {
        if (!world_.owns(who, key)) {
            world_.claim(who, key,
                         luck_.chance(300) ? std::optional(luck_.between(50ms, 2000ms)) : std::nullopt);
        } else if (luck_.chance(300)) {
            world_.release(who, key);
        } else {
            world_.commit(who, key, std::to_string(luck_.below(1000)));
        }
    }
    // A key has its type, as a rule; sometimes two sides make it different things at once.
    void operate(process_number who, std::size_t key) {
        constexpr std::array types{value_type::counter, value_type::set, value_type::map, value_type::flag,
                                   value_type::counter};
        operation what;
        what.type = types[luck_.chance(60) ? luck_.below(types.size()) : key % 6 - 1];
        what.removal = luck_.chance(drops_);
        if (has_element(what.type)) what.element = luck_.below(world::elements);
        if (what.type == value_type::counter && !what.removal)
            what.amount = static_cast<std::int64_t>(luck_.below(200)) - 100;
        if (what.type == value_type::map && !what.removal) what.value = std::to_string(luck_.below(1000));
        world_.operate(who, key, std::move(what));
    }
    // A register can be written here: the key does not hold another type.
    bool is_plain(process_number who, std::size_t key) {
        const auto types = world_.mesh(who).state().types_of(world::key_name(key));
        return types == 0 || (types & 1) != 0;
    }

    void crowd() {
        const auto all = writers();
        if (all.empty()) return;
        const auto who = all[luck_.below(all.size())];
        for (std::size_t key = 0; key < keys(); ++key) world_.stash(who, key, std::to_string(key));
    }

    // ---------------------------------------------------------------- the mischief

    void mischief() {
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
            return world_.after(luck_.between(10ms, luck_.chance(300) ? 8s : 1s),
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
                    if (const auto other = world_.at_slot(b); other && !world_.at(*other).frozen)
                        leave(*other);
                });
            }
            return;
        default:
            return start_somewhere();
        }
    }

    void partition(slot_number a, slot_number b) {
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

    void sever(std::vector<std::pair<slot_number, slot_number>> paths, duration length) {
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
    void ambush(process_number who, const core::trace& t) {
        const bool serving = t.what == "serve";
        if (serving) ++sessions_;
        spills_merged_ += t.what == "spill merged";
        recovered_ += t.what == "recovered" && t.a != 0;
        if (at_peace_ || (!serving && t.what != "pull" && t.what != "spill")) return;
        const auto& f = world_.faults();
        if (!luck_.chance(serving ? f.server_crash : f.receiver_crash)) return;
        const auto kind = serving ? fault::server_crash : fault::receiver_crash;
        world_.after(luck_.between(0ms, 8ms), [this, who, kind] { crash(who, kind); });
    }

    void crash(process_number who, fault kind) {
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
    void leave_all() {
        for (slot_number slot = 0; slot < slots_; ++slot) {
            if (const auto who = world_.at_slot(slot); who && !world_.at(*who).frozen)
                world_.leave(*who, luck_.between(1, 3), luck_.between(50ms, 800ms));
            world_.after(luck_.between(900ms, 4s), [this, slot] {
                if (!at_peace_) start(slot);
            });
        }
    }

    // Now and then a successor waits for a key before it is written, by one that leaves at once.
    void leave(process_number who) {
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

    void start(slot_number slot) {
        if (world_.at_slot(slot)) return;
        std::optional<replica_id> id;
        for (process_number p = 0; p < world_.processes(); ++p) {
            if (world_.at(p).slot != slot) continue;
            if (!id) world_.counted()(fault::restart);
            id = world_.at(p).id;
        }
        world_.start(slot, draw_node(world_.common(), node_luck_),
                     how_.broken == mutation::i6_reuse_replica ? id : std::nullopt);
    }

    void start_somewhere() {
        const auto first = luck_.below(slots_);
        for (slot_number i = 0; i < slots_; ++i) {
            const auto slot = (first + i) % slots_;
            if (!world_.at_slot(slot)) return start(slot);
        }
    }

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

    dice luck_, brief_luck_, leave_luck_, node_luck_;
    std::size_t slots_;
    bool crowded_;
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

} // namespace

outcome run_seed(std::uint64_t seed, const campaign_options& how) { return campaign(seed, how).run(); }

} // namespace baton::sim
