// Writes, events and forgetting; sessions are in world_session.cpp, the comparison with the oracle in
// world_check.cpp.
#include "world.hpp"

#include <algorithm>

namespace baton::test {

world::world(std::size_t count)
    : nodes_(count) {
    for (auto& each : nodes_) begin(each);
}

void world::begin(node& n) {
    n.number = finals_.size();
    finals_.push_back(0);
    n.held = std::make_unique<store>(replica(n.number), 99 + n.number);
}

void world::note(std::size_t i, const written& what, cut context, std::int64_t amount,
                 std::optional<std::set<dot>> only) {
    (void)i;
    const auto& e = what.event;
    past_.note({what.id,
                e.slot,
                e.removal,
                std::string(e.value),
                {e.kills.begin(), e.kills.end()},
                e.stamp,
                amount,
                std::move(context),
                e.epoch,
                std::move(only)});
}

// Siblings by the bits of `chosen`; those of the writer itself go in any case.
void world::replace(std::size_t i, const slot_key& slot, unsigned chosen,
                    const std::optional<std::string>& value, std::uint64_t epoch) {
    std::vector<record_view> found;
    at(i).siblings(slot.name(), found);
    std::vector<dot> only;
    for (std::size_t n = 0; n < found.size(); ++n) {
        if ((chosen >> n % 8 & 1) != 0) only.push_back(found[n].id);
    }
    auto context = seen(i);
    const auto stamp = clock_.tick(1);
    const auto what = value ? at(i).put_over(slot.name(), *value, epoch, only, stamp, buffers_)
                            : at(i).remove_only(slot.name(), only, stamp, buffers_);
    note(i, what, std::move(context), 0, std::set<dot>(only.begin(), only.end()));
}

// The value that is read gets a new epoch of this node; the others stay as siblings.
void world::claim(std::size_t i, const std::string& key) {
    std::vector<record_view> found;
    at(i).siblings(key, found);
    if (found.empty()) return;
    auto highest = found.front().epoch;
    for (const auto& each : found) highest = std::max(highest, each.epoch);
    auto context = seen(i);
    const auto stamp = clock_.tick(1);
    const std::vector<dot> only{found.front().id};
    const std::string value(found.front().value);
    note(
        i,
        at(i).put_over({value_type::reg, key, {}}, value, claim_epoch(highest, stamp), only, stamp, buffers_),
        std::move(context), 0, std::set<dot>{only.front()});
}

void world::put(std::size_t i, const slot_key& slot, const std::string& value) {
    auto context = seen(i);
    note(i, at(i).put(slot.name(), value, clock_.tick(1), buffers_), std::move(context));
}

void world::add(std::size_t i, const std::string& key, std::int64_t amount) {
    auto context = seen(i);
    note(i, at(i).add(key, amount, clock_.tick(1), buffers_), std::move(context), amount);
}

void world::remove(std::size_t i, const slot_key& slot) {
    auto context = seen(i);
    if (const auto e = at(i).remove(slot.name(), clock_.tick(1), buffers_)) note(i, *e, std::move(context));
}

void world::remove_scope(std::size_t i, const std::string& key) {
    if (at(i).folding()) return;
    auto context = seen(i);
    if (const auto e = at(i).remove_scope(key, clock_.tick(1), buffers_)) note(i, *e, std::move(context));
}

void world::archive(std::size_t i, std::size_t origin) {
    const auto closed = replica(origin % finals_.size());
    auto context = seen(i);
    if (closed == at(i).self() || context.of(closed) == 0 || at(i).archived().of(closed) != 0) return;
    note(i, at(i).archive(closed, false, clock_.tick(1), buffers_), std::move(context));
}

// An event that a server has seen and forgotten must not return while the receiver compares with it, or takes
// everything from it.
void world::deliver(std::size_t origin, std::size_t to) {
    const auto from = replica(origin % finals_.size());
    auto& n = node_at(to);
    auto& s = *n.held;
    const dot next{from, s.counter_of(from) + 1};
    const auto* const e = past_.find(next);
    if (e == nullptr || !s.covers(e->context)) return;
    if (n.inbound && n.inbound->newcomer && next.counter == 1) return;
    if (n.inbound && n.inbound->opened && next.counter <= n.inbound->there.of(from)) return;
    (void)s.apply(next, e->view());
}

// ---------------------------------------------------------------- forgetting

void world::tell(std::size_t from, std::size_t to) {
    if (&node_at(from) == &node_at(to)) return;
    node_at(to).told[from % size()].join(seen(from));
    node_at(to).said[from % size()].join(seen(from));
}

void world::collect(std::size_t i, std::size_t steps, unsigned left_behind) {
    auto& n = node_at(i);
    cut stable;
    const auto own = seen(i);
    for (const auto& id : own.entries()) {
        auto least = id.counter;
        for (std::size_t j = 0; j < size(); ++j) {
            if (&nodes_[j] == &n) continue;
            if ((left_behind >> j & 1) == 0) least = std::min(least, n.told[j].of(id.replica));
            if (const auto* const s = nodes_[j].inbound.get(); s != nullptr && s->server == i % size())
                least = std::min(least, s->pin.of(id.replica));
        }
        if (least != 0) stable.push_back({id.replica, least});
    }
    (void)n.held->collect(stable, steps);
}

void world::settle(std::size_t i) {
    auto& n = node_at(i);
    auto& s = *n.held;
    if (s.folding()) return;
    s.forget_residues(s.self(), s.residues_of(s.self())); // a node knows all events of its own
    for (std::size_t origin = 0; origin < finals_.size(); ++origin) {
        const auto id = replica(origin);
        if (finals_[origin] != 0 && s.counter_of(id) == finals_[origin])
            s.forget_residues(id, s.residues_of(id));
    }
    for (std::size_t j = 0; j < size(); ++j) {
        const auto id = replica(nodes_[j].number);
        const auto count = s.residues_of(id);
        if (&nodes_[j] == &n || count == 0) continue;
        if (!n.settles.contains(j)) {
            n.settles[j] = {seen(i), count};
            continue;
        }
        const auto& [until, first] = n.settles[j];
        const auto& told = n.said[j];
        const bool all = std::all_of(until.entries().begin(), until.entries().end(), [&](const dot& each) {
            return told.has(each) || s.archived().has(each);
        });
        if (!all || s.counter_of(id) < told.of(id)) continue;
        s.forget_residues(id, first);
        n.settles.erase(j);
    }
}

void world::tidy(std::size_t i) {
    auto& s = at(i);
    const bool serves = std::any_of(nodes_.begin(), nodes_.end(), [&](const node& each) {
        return each.inbound && each.inbound->server == i % size();
    });
    if (!serves && !s.folding() && s.staged_slots() == 0) s.tidy();
}

void world::restart(std::size_t i) {
    auto& n = node_at(i);
    for (std::size_t j = 0; j < size(); ++j) {
        if (nodes_[j].inbound && nodes_[j].inbound->server == i % size()) abandon(j, true);
        nodes_[j].told.erase(i % size());
        nodes_[j].said.erase(i % size());
        nodes_[j].settles.erase(i % size());
    }
    finals_[n.number] = n.held->counter_of(n.held->self());
    n = {};
    begin(n);
}

} // namespace baton::test
