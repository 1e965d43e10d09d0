#include "sim/world.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace baton::sim {

using namespace std::chrono_literals;

namespace {
constexpr std::uint64_t wall_start_ms = 1'700'000'000'000;

std::optional<std::size_t> number_of_key(std::string_view name) {
    const auto digits = name.substr(std::min<std::size_t>(name.size(), 4));
    std::size_t number = 0;
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (failure != std::errc{} || world::key_name(number) != name) return std::nullopt;
    return number;
}
} // namespace

world::world(settings how)
    : how_(std::move(how))
    , luck_(how_.seed)
    , network_(clock_, luck_.fork(), how_.faults, tally_,
               [this](process_number who, const core::input& in) {
                   if (processes_[who]->alive()) give(who, in);
               })
    , oracle_(how_.keys) {
    if (how_.watch) watch();
}

world::~world() = default;

// ---------------------------------------------------------------- processes

process_number world::start(slot_number slot, std::optional<replica_id> id) {
    return start(slot, how_.node, id);
}

process_number world::start(slot_number slot, const core::mesh_options& own, std::optional<replica_id> id) {
    const auto number = processes_.size();
    auto& p = *processes_.emplace_back(std::make_unique<process>());
    p.number = number;
    p.slot = slot;
    if (id) {
        p.id = *id;
    } else {
        for (auto& byte : p.id.bytes) byte = static_cast<std::uint8_t>(luck_.next());
    }
    const auto earlier =
        std::count_if(processes_.begin(), processes_.end() - 1, [&](auto& o) { return o->slot == slot; });
    p.name = "n" + std::to_string(slot + 1);
    p.name +=
        earlier <= 8 ? std::string(static_cast<std::size_t>(earlier), '\'') : "'" + std::to_string(earlier);
    p.origin = by_id_.try_emplace(p.id, number).first->second;

    auto options = own;
    options.self = p.id;
    if (options.name.empty()) options.name = p.name;
    if (options.own_hosts.empty()) options.own_hosts = host_of(slot);
    options.port = router_port;
    options.publish_port = publish_port;
    options.random_seed = luck_.next();
    if (how_.mixed_versions && (p.id.bytes[0] & 1) != 0) options.versions.max = options.versions.min;
    if (!options.keys.empty()) options.link_key = link_key_of(p.id), options.nonce_seed = p.id.to_string();
    p.mesh = std::make_unique<core::mesh>(options, moment_of(p));
    if (how_.merged) p.mesh->registers().contested.merge_under(*how_.merged);
    network_.arrive(number, slot, p.id, options.link_key);
    tell(p, "starts");
    if (how_.watch) note_start(p), costs_.note_change(clock_.now());
    clock_.after(0ns, [this, number] { give(number, core::time_passed{}); });
    if (options.spills) find_spills(number);
    return number;
}

void world::exit(process& p, bool noticed_at_once) {
    network_.depart(p.number, noticed_at_once);
    p.mesh.reset();
}

void world::crash(process_number who, bool noticed_at_once) {
    auto& p = *processes_[who];
    if (!p.alive()) return;
    tell(p, "crashes");
    costs_.note_change(clock_.now());
    exit(p, noticed_at_once);
}

void world::freeze(process_number who, bool on) {
    auto& p = *processes_[who];
    if (!p.alive() || p.frozen == on) return;
    tell(p, on ? "stands still" : "goes on");
    p.frozen = on;
    costs_.note_change(clock_.now());
    if (on) p.stands_since = clock_.now();
    if (!on) p.stood_still += clock_.now() - p.stands_since;
    if (!on && how_.check) { // its program may run before its timers
        for (const auto& [key, lease] : std::map(p.leases)) (void)owns(who, key);
    }
    if (!on && on_thaw) on_thaw(who);
    if (!on) give(who, core::time_passed{}); // timers first: it does not know yet that it was away
    network_.freeze(who, on);
}

// ---------------------------------------------------------------- driving

moment world::moment_of(const process& p) const {
    const auto elapsed =
        std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now().time_since_epoch()).count();
    const auto wall = elapsed + elapsed * p.drift_per_mille / 1000 + p.clock_offset_ms;
    return {clock_.now(), wall_start_ms + static_cast<std::uint64_t>(wall)};
}

core::verdict world::give(process_number who, const core::input& in) {
    auto& p = *processes_[who];
    if (!p.alive() || p.frozen) return {};
    mix(who << 8 | in.index());
    out_.clear();
    const auto verdict = p.mesh->step(moment_of(p), in, out_);
    absorb(p);
    toil(p);
    return verdict;
}

// One call of work(); returns false if nothing is left to do.
bool world::slice(process& p) {
    out_.clear();
    const bool more = p.mesh->work(moment_of(p), out_);
    absorb(p);
    return more;
}

// Works until nothing is left; or, by chance, a few slices, so that others are heard in between.
void world::toil(process& p) {
    constexpr std::size_t slices_max = 10'000; // far more than any world here gives cause for
    if (p.work_waiting) return;
    for (std::size_t slices = 0; p.alive(); ++slices) {
        if (slices == slices_max) fail(p, "works without end (G8)");
        if (luck_.chance(how_.faults.slices)) {
            p.work_waiting = true;
            clock_.after(luck_.between(0us, 2000us), [this, &p] {
                p.work_waiting = false;
                if (p.alive() && !p.frozen && slice(p)) toil(p);
            });
            return;
        }
        if (!slice(p)) return;
    }
}

void world::count_costs(process& p) {
    const auto own = p.mesh->state().counter_of(p.id);
    for (; p.counted < own; ++p.counted) costs_.note_write(clock_.now(), 0);
    const auto most =
        costs_.judge(p.number, clock_.now(),
                     {alive().size(), p.mesh->state().bytes_in_use(), how_.node.limits.chunk_bytes_max});
    if (!most.empty()) fail(p, most);
    costs_.add(p.number, clock_.now(), out_);
}

// Notes what the node wrote by itself: archive events, and what one member does for all.
void world::note_own_events(process& p) {
    if (!how_.check) return;
    const auto own = p.mesh->state().counter_of(p.id);
    for (auto counter = oracle_.issued(p.origin) + 1; counter <= own; ++counter) {
        note_recovered(p, counter);
        if (oracle_.issued(p.origin) >= counter) continue;
        auto saw = counter <= p.called.counter ? p.called.saw : counts_of(full_cut(p));
        saw[p.origin] = counter - 1;
        const auto slot = p.mesh->state().slot_at({p.id, counter});
        const auto key = number_of_key(slot.key);
        auto what = key ? own_operation(p, {p.id, counter}, *key, slot, saw) : std::nullopt;
        if (what) {
            oracle_.write(p.origin, counter, *key, *std::move(what), std::move(saw));
        } else {
            oracle_.note(p.origin, counter, std::move(saw));
        }
    }
}

// Computes it from the rule, not from what the node reports.
std::optional<operation> world::own_operation(process& p, const dot& id, std::size_t key,
                                              const slot_name& slot, const counts& saw) {
    const auto told = [&](std::string_view what) {
        return std::any_of(out_.traces.begin(), out_.traces.end(),
                           [&](const core::trace& t) { return t.what == what && t.b == id.counter; });
    };
    const bool withdraws = told("withdraws"), releases = withdraws || told("releases");
    if (!releases && !told("keeps the winner")) return std::nullopt;
    operation what;
    what.type = slot.type;
    for (what.element = 0; has_element(slot.type) && element_name(what.element) != slot.element;)
        if (++what.element == elements) return std::nullopt;
    std::vector<const oracle::written*> live;
    oracle_.visible(key, saw, live);
    const auto* const best = best_of(live, what.type, what.element);
    if (best == nullptr) fail(p, "kept the winner of nothing: " + key_name(key));
    what.only.emplace();
    if (releases) {
        if (best->what.epoch % 2 == 0) fail(p, "released what nobody has claimed: " + key_name(key));
        what.value = best->what.value;
        what.only->emplace_back(best->origin, best->counter);
        learn(p, id, what);
        if (withdraws && best->origin != p.origin) fail(p, "withdrew what is not its own: " + key_name(key));
        if (what.epoch != best->what.epoch + 1 - (withdraws ? 2 : 0))
            fail(p, "released under another number: " + key_name(key));
        return what;
    }
    for (const auto* e : live) {
        if (e != best && e->what.type == what.type && e->what.element == what.element)
            what.only->emplace_back(e->origin, e->counter);
    }
    what.removal = best->origin != p.origin;
    if (!what.removal) what.value = best->what.value;
    learn(p, id, what);
    return what;
}

void world::learn(process& p, const dot& id, operation& what) {
    std::vector<staged_view> chain;
    (void)p.mesh->state().chain_at(id, chain);
    for (const auto& entry : chain) {
        if (entry.id == id) what.epoch = entry.epoch, what.stamp = entry.stamp;
    }
}

// The one that is read of a register or a field.
const oracle::written* world::best_of(const std::vector<const oracle::written*>& live, value_type type,
                                      std::size_t element) const {
    const auto rank = [&](const oracle::written* e) {
        return std::tuple(e->what.epoch, e->what.stamp, processes_[e->origin]->id, e->counter);
    };
    const oracle::written* best = nullptr;
    for (const auto* e : live) {
        if (e->what.type != type || e->what.element != element) continue;
        if (best == nullptr || rank(e) > rank(best)) best = e;
    }
    return best;
}

void world::absorb(process& p) {
    note_own_events(p);
    check(p);
    keep_promises(p);
    wake_waiting(p);
    if (how_.watch) count_costs(p), check_synced(p);
    for (const auto& each : out_.traces) {
        mix(each.what);
        mix(each.a), mix(each.b);
        const bool told = std::any_of(out_.events.begin(), out_.events.end(), [&](const event& e) {
            return to_string(e.kind) == each.what && e.id == each.who;
        });
        if (teller_ && !told) {
            auto line = std::string(each.what) + ' ' + name_of(each.who);
            if (each.a != 0 || each.b != 0)
                line += ' ' + std::to_string(each.a) + ' ' + std::to_string(each.b);
            tell(p, line);
        }
        if (how_.watch && each.what == "hello" && by_id_.contains(each.who))
            p.watched.greeted.insert(by_id_.at(each.who));
        if (on_trace) on_trace(p.number, each);
    }
    for (auto& each : out_.events) {
        mix(static_cast<std::uint64_t>(each.kind));
        mix(each.reason);
        if (teller_)
            tell(p,
                 "event " + std::string(to_string(each.kind)) + ' ' + name_of(each.id) + ": " + each.reason);
        if (each.kind == event_kind::diverged && how_.check)
            fail(p, "reports that it diverged from " + name_of(each.id));
        if (each.kind == event_kind::joined && by_id_.contains(each.id))
            p.watched.met.insert(by_id_.at(each.id));
        p.events.push_back(std::move(each));
    }
    for (auto& each : out_.remarks) p.remarks.push_back(std::move(each));
    for (auto& each : out_.actions) {
        mix_action(each);
        if (p.boast != 0) exaggerate(p, each);
        if (!perform(p, each)) network_.perform(p.number, each);
    }
    if (out_.wake_at) mix(*out_.wake_at), wake_later(p, *out_.wake_at);
    if (out_.merges_ready && how_.merged) merge_later(p);
}

void world::exaggerate(const process& p, core::action& what) {
    auto* const all = std::get_if<core::send_broadcast>(&what);
    if (all == nullptr) return;
    const auto version = wire::frame_reader(all->bytes).number();
    auto frame = wire::decode(all->bytes, {version, version});
    if (!frame || !std::holds_alternative<wire::brief>(*frame)) return;
    std::get<wire::brief>(*frame).latest += p.boast;
    all->bytes = wire::encode(*frame, version);
}

// Does what the merger of the shell does: look, wait, write.
void world::merge_later(process& p) {
    if (p.merge_waiting) return;
    p.merge_waiting = true;
    clock_.after(luck_.between(0us, 500us), [this, &p] {
        p.merge_waiting = false;
        if (p.alive() && !p.frozen && !p.leaving) merge(p);
    });
}

void world::merge(process& p) {
    const auto task = p.mesh->registers().next_merge();
    if (!task) return;
    p.merge_waiting = true;
    clock_.after(luck_.between(0us, 5000us), [this, &p, task = *task] {
        p.merge_waiting = false;
        if (!p.alive() || p.frozen || p.leaving) return;
        const auto merged = *std::max_element(task.values.begin(), task.values.end());
        resolve(p.number, task.key, merged, task.shown);
        merge_later(p);
    });
}

// Returns false if a shown value is gone.
bool world::resolve(process_number who, std::string_view name, std::string value,
                    const std::vector<version>& shown) {
    auto& p = *processes_[who];
    auto saw = counts_of(full_cut(p));
    const auto written = p.mesh->registers().resolve(moment_of(p), name, value, shown);
    if (!written) return false;
    mix(name), mix(value);
    tell(p, "resolve " + std::string(name) + " (" + std::to_string(shown.size()) + " versions) " +
                std::to_string(written->id.counter));
    const auto key = number_of_key(name);
    if (how_.check && key) {
        operation what{value_type::reg, false, 0, 0, std::move(value)};
        learn(p, written->id, what);
        what.only.emplace();
        for (const auto& each : shown)
            what.only->emplace_back(processes_[by_id_.at(each.id.replica)]->origin, each.id.counter);
        oracle_.write(p.origin, written->id.counter, *key, std::move(what), std::move(saw));
    }
    toil(p);
    return true;
}

// Timers come a little late, as they do.
void world::wake_later(process& p, instant due) {
    if (due == instant::max() || due == p.wake_due) return;
    p.wake_due = due;
    const auto number = ++p.wake_number;
    clock_.at(std::max(due, clock_.now()) + luck_.between(10us, 300us), [this, &p, number] {
        if (p.wake_number != number) return;
        p.wake_due = instant::max();
        give(p.number, core::time_passed{});
    });
}

// ---------------------------------------------------------------- writes

// True if the write exceeds a limit of the node; it may refuse nothing else.
bool world::is_limit(const process& p, const error& why, std::size_t value_bytes) {
    const auto& limits = p.mesh->settings().limits;
    return (why.code == errc::value_too_long && value_bytes > limits.value_bytes_max) ||
           (why.code == errc::full && limits.bytes_max);
}

dot world::stash(process_number who, std::size_t key, std::string value) {
    auto& p = *processes_[who];
    auto saw = counts_of(full_cut(p));
    const auto name = key_name(key);
    const auto written = p.mesh->stash(moment_of(p), name, value);
    if (!written && is_limit(p, written.error(), value.size())) return {};
    if (!written) fail(p, "refused a stash: " + written.error().what);
    mix(name), mix(value);
    tell(p, "stash " + name + " (" + std::to_string(value.size()) + " bytes) " +
                std::to_string(written->id.counter));
    if (how_.check) {
        operation what{value_type::reg, false, 0, 0, std::move(value)};
        learn(p, written->id, what);
        oracle_.write(p.origin, written->id.counter, key, std::move(what), std::move(saw));
    }
    toil(p);
    return written->id;
}

void world::stash_for(process_number who, std::string_view name, std::string_view value,
                      std::chrono::milliseconds ttl) {
    auto& p = *processes_[who];
    const auto written = p.mesh->stash(moment_of(p), name, value, {}, ttl);
    if (!written && is_limit(p, written.error(), value.size())) return;
    if (!written) fail(p, "refused a stash: " + written.error().what);
    mix(name), mix(value);
    tell(p, "stash " + std::string(name) + " for " + std::to_string(ttl.count()) + " ms " +
                std::to_string(written->id.counter));
    note_own_events(p);
    toil(p);
}

bool world::operate(process_number who, std::size_t key, operation what) {
    auto& p = *processes_[who];
    auto saw = counts_of(full_cut(p));
    const auto name = key_name(key), element = element_name(what.element);
    const slot_name slot{what.type, name,
                         has_element(what.type) ? std::string_view(element) : std::string_view{}};
    const auto before = p.mesh->state().counter_of(p.id);
    if (what.removal) {
        const auto removed = p.mesh->remove(moment_of(p), slot);
        if (!removed || !*removed) return false;
    } else {
        const auto written = what.type == value_type::counter ? p.mesh->add(moment_of(p), name, what.amount)
                                                              : p.mesh->put(moment_of(p), slot, what.value);
        if (!written) return false;
    }
    mix(name), mix(element);
    tell(p, std::string(what.removal ? "remove " : "put ") + std::to_string(static_cast<int>(what.type)) +
                ' ' + name + ' ' + element + ' ' + std::to_string(before + 1));
    if (how_.check) {
        learn(p, {p.id, before + 1}, what);
        oracle_.write(p.origin, before + 1, key, std::move(what), std::move(saw));
    }
    toil(p);
    return true;
}

// Whatever the key holds; an event for each kind.
bool world::drop(process_number who, std::size_t key) {
    auto& p = *processes_[who];
    auto saw = counts_of(full_cut(p));
    auto next = p.mesh->state().counter_of(p.id);
    const auto name = key_name(key);
    std::vector<const oracle::written*> live;
    oracle_.visible(key, saw, live);
    const auto dropped = p.mesh->drop(moment_of(p), name);
    if (!dropped) fail(p, "refused a drop: " + dropped.error().what);
    mix(name);
    const auto has = [&](auto holds) {
        return std::any_of(live.begin(), live.end(), [&](const auto* e) { return holds(e->what.type); });
    };
    const auto written = [&](value_type type) {
        tell(p, "drop " + name + ' ' + std::to_string(next + 1));
        saw[p.origin] = next;
        ++next;
        if (how_.check) oracle_.write(p.origin, next, key, {type, true, 0, 0, {}}, saw);
    };
    if (has([](value_type t) { return t == value_type::reg; })) written(value_type::reg);
    if (has([](value_type t) { return t == value_type::counter; })) written(value_type::counter);
    if (has([](value_type t) { return in_scope(t); })) written(value_type::scope);
    if (how_.check && (*dropped == live.empty() || next != p.mesh->state().counter_of(p.id)))
        fail(p, "dropped what was not there, or did not drop what was: " + name);
    toil(p);
    return *dropped;
}

std::optional<std::string> world::pickup(process_number who, std::size_t key) {
    const auto found = mesh(who).state().read(key_name(key));
    if (!found) return std::nullopt;
    return std::string(found->value);
}

// ---------------------------------------------------------------- time

void world::run_for(duration span) {
    const auto end = clock_.now() + span;
    while (clock_.advance(end)) {
    }
}

bool world::run_until(const std::function<bool()>& condition, duration bound) {
    const auto end = clock_.now() + bound;
    while (!condition()) {
        if (!clock_.advance(end)) return condition();
    }
    return true;
}

// ---------------------------------------------------------------- looking

std::vector<process_number> world::alive() const {
    std::vector<process_number> all;
    for (const auto& p : processes_) {
        if (p->alive()) all.push_back(p->number);
    }
    return all;
}

std::optional<process_number> world::at_slot(slot_number slot) const {
    for (const auto& p : processes_) {
        if (p->slot == slot && p->alive()) return p->number;
    }
    return std::nullopt;
}

std::string world::name_of(const replica_id& id) const {
    const auto at = by_id_.find(id);
    return at == by_id_.end() ? id.is_nil() ? "-" : id.to_string().substr(0, 8)
                              : processes_[at->second]->name;
}

} // namespace baton::sim
