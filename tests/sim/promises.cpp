// Checks what a node says about others: a write that it calls held is applied where it says; a key that it
// calls absent is nowhere; keys written together are seen together.
#include "sim/world.hpp"

#include <algorithm>

namespace baton::sim {

namespace {
constexpr auto promise_open_for = std::chrono::seconds(3);
}

void world::prove(process_number who, std::size_t key, std::string value, std::size_t copies) {
    auto& p = *processes_[who];
    p.promises.push_back({});
    auto& promise = p.promises.back();
    promise.until = clock_.now() + promise_open_for;
    promise.wanted.level = ack_level::copies(copies);
    const auto next = p.mesh->state().counter_of(p.id) + 1;
    promise.wanted.id = {p.id, next};
    promise.ticket = p.mesh->await_holders(moment_of(p), promise.wanted.id);
    if (stash(who, key, std::move(value)).counter != 0) return;
    p.mesh->stop_awaiting(p.promises.back().ticket); // refused: over a limit
    p.promises.pop_back();
}

std::vector<process_number> world::in_view(const process& p) const {
    std::vector<process_number> all;
    for (const auto& m : p.mesh->members()) {
        const auto at = by_id_.find(m.id);
        const bool here = m.state == member_state::up || m.state == member_state::suspect ||
                          m.state == member_state::leaving;
        if (here && at != by_id_.end()) all.push_back(at->second);
    }
    return all;
}

std::size_t world::joins(const process& seen_by, const process& of) const {
    return static_cast<std::size_t>(
        std::count_if(seen_by.events.begin(), seen_by.events.end(),
                      [&](const event& e) { return e.kind == event_kind::joined && e.id == of.id; }));
}

// In version 4 of the wire, an answer does not name whom its sender knows.
void world::note_words(const process& p, process::promise& promise) const {
    if (p.mesh->settings().versions.max < 5) return;
    for (const auto by : in_view(p)) {
        const auto& member = *processes_[by];
        if (!member.alive() || member.mesh->settings().versions.max < 5) continue;
        for (const auto about : in_view(member)) {
            const auto& other = *processes_[about];
            if (about != p.number) promise.words.push_back({by, about, other.cut, joins(member, other)});
        }
    }
}

// A node that was known to an answering member all the time has answered too, or has left.
void world::check_words(const process& p, const process::promise& promise) const {
    const auto known = [](const std::vector<process_number>& all, process_number who) {
        return std::find(all.begin(), all.end(), who) != all.end();
    };
    const auto here = in_view(p);
    for (const auto& each : promise.words) {
        const auto &by = *processes_[each.by], &about = *processes_[each.about];
        if (!by.alive() || !known(here, each.by) || !known(in_view(by), each.about) ||
            joins(by, about) != each.joins)
            continue;
        const auto members = p.mesh->members();
        const bool left = std::any_of(members.begin(), members.end(), [&](const member& m) {
            return m.id == about.id && m.state == member_state::left;
        });
        if (!left && !covers(p.cut, each.held))
            fail(p, "calls a key absent without knowing what " + about.name + " held, whom " + by.name +
                        " knows");
    }
}

void world::ask(process_number who, std::size_t key) {
    auto& p = *processes_[who];
    p.promises.push_back({});
    auto& promise = p.promises.back();
    promise.until = clock_.now() + promise_open_for;
    promise.key = key;
    for (const auto number : in_view(p)) promise.in_view.emplace_back(number, processes_[number]->cut);
    note_words(p, promise);
    if (how_.watch) note_question(p, promise);
    promise.ticket = p.mesh->begin_question(moment_of(p));
    toil(p);
}

void world::stash_all(process_number who, const std::vector<std::pair<std::size_t, std::string>>& values) {
    auto& p = *processes_[who];
    std::vector<std::string> names;
    for (const auto& [key, value] : values) names.push_back(key_name(key));
    std::vector<std::pair<std::string_view, std::string_view>> all;
    for (std::size_t i = 0; i < values.size(); ++i) all.emplace_back(names[i], values[i].second);
    auto saw = counts_of(full_cut(p));
    auto next = p.mesh->state().counter_of(p.id);
    if (!p.mesh->stash_all(moment_of(p), all)) return; // one of the keys is of another type
    groups_.push_back({p.origin, next + 1, next + values.size()});
    for (const auto& [key, value] : values) {
        mix(value);
        saw[p.origin] = next;
        ++next;
        if (!how_.check) continue;
        operation what{value_type::reg, false, 0, 0, value};
        learn(p, {p.id, next}, what);
        oracle_.write(p.origin, next, key, std::move(what), saw);
    }
    tell(p, "stash of " + std::to_string(values.size()) + " keys");
    toil(p);
}

// G2, and the promise of absent_confirmed.
void world::keep_promises(process& p) {
    for (auto at = p.promises.begin(); at != p.promises.end();) {
        auto& promise = *at;
        const bool proof = promise.wanted.id.counter != 0;
        bool over = clock_.now() >= promise.until;
        if (proof && p.mesh->measure(promise.wanted).met) {
            over = true;
            ++promises_kept_;
            std::size_t holders = count_of(p.cut, p.origin) >= promise.wanted.id.counter ? 1 : 0;
            for (const auto& m : p.mesh->members()) { // members that count: up, and not about to leave
                const auto who = by_id_.find(m.id);
                if (m.state == member_state::up && who != by_id_.end() &&
                    count_of(processes_[who->second]->cut, p.origin) >= promise.wanted.id.counter)
                    ++holders;
            }
            if (holders < promise.wanted.level.count)
                fail(p, "calls a write held by more than have applied it and stay");
        } else if (!proof && p.mesh->judge_absence(promise.ticket).confirmed &&
                   !pickup(p.number, promise.key)) {
            over = true;
            ++promises_kept_;
            // For a member that has crashed since, only its reports count.
            const auto still = in_view(p);
            for (const auto& [who, held] : promise.in_view) {
                if (std::find(still.begin(), still.end(), who) != still.end() && !covers(p.cut, held))
                    fail(p, "calls a key absent without knowing what " + processes_[who]->name + " held");
            }
            check_words(p, promise);
            check_absent(p, promise);
        }
        if (over) {
            proof ? p.mesh->stop_awaiting(promise.ticket) : p.mesh->end_question(promise.ticket);
            at = p.promises.erase(at);
        } else {
            ++at;
        }
    }
}

void world::wait_for(process_number who, std::size_t key) {
    auto& p = *processes_[who];
    if (!pickup(who, key)) p.waits_for.insert(key);
}

// A waiting call sleeps until the node reports news or this process has written.
void world::wake_waiting(process& p) {
    const auto written = std::exchange(p.written, p.mesh->state().counter_of(p.id));
    if (p.waits_for.empty()) return;
    const bool news = !out_.events.empty() || out_.events_applied != 0 || out_.acknowledged;
    const bool woken = news || p.written != written;
    for (auto at = p.waits_for.begin(); at != p.waits_for.end();) {
        if (!pickup(p.number, *at)) {
            ++at;
            continue;
        }
        if (!woken) fail(p, "has " + key_name(*at) + " and wakes nobody who waits for it");
        ++woken_;
        at = p.waits_for.erase(at);
    }
}

void world::check_groups(const process& p) const {
    for (const auto& each : groups_) {
        const auto seen = count_of(p.cut, each.origin);
        if (seen >= each.first && seen < each.last) fail(p, "shows a part of what was written together");
    }
}

} // namespace baton::sim
