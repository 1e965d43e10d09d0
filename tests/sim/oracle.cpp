#include "sim/oracle.hpp"

#include <algorithm>

namespace baton::sim {

bool covers(const counts& cut, const counts& other) {
    for (process_number p = 0; p < other.size(); ++p) {
        if (count_of(cut, p) < other[p]) return false;
    }
    return true;
}

namespace {
bool is_under(const counts& cut, const oracle::written& event) {
    return event.counter <= count_of(cut, event.origin);
}

// An addition replaces nothing and is replaced by removals only. A put replaces what its writer had in the
// slot, except claims of others.
bool is_replaced_by(const oracle::written& event, process_number by, const operation& later) {
    const auto& former = event.what;
    if (later.type == value_type::scope) return in_scope(former.type);
    if (former.type != later.type || former.element != later.element) return false;
    if (later.type == value_type::counter) return later.removal;
    if (event.origin == by) return true;
    if (later.only)
        return std::find(later.only->begin(), later.only->end(), std::pair(event.origin, event.counter)) !=
               later.only->end();
    return later.removal || later.type != value_type::reg || former.epoch % 2 == 0;
}
} // namespace

void oracle::write(process_number origin, std::uint64_t counter, std::size_t key, operation what,
                   counts saw) {
    auto& events = keys_[key];
    std::vector<std::uint64_t> replaced((events.size() + 63) / 64);
    for (std::size_t i = 0; i < events.size(); ++i) {
        if (is_under(saw, events[i]) && is_replaced_by(events[i], origin, what))
            replaced[i / 64] |= std::uint64_t{1} << i % 64;
    }
    events.push_back({origin, counter, std::move(what), std::move(saw), std::move(replaced)});
    enter(events.back());
}

void oracle::write_beside(process_number origin, std::uint64_t counter, std::size_t key, operation what,
                          counts saw) {
    auto& events = keys_[key];
    events.push_back({origin, counter, std::move(what), std::move(saw), {}});
    enter(events.back());
}

void oracle::note(process_number origin, std::uint64_t counter, counts saw) {
    silent_.push_back({origin, counter, {}, std::move(saw), {}});
    enter(silent_.back());
}

void oracle::enter(const written& event) {
    if (by_origin_.size() <= event.origin) by_origin_.resize(event.origin + 1);
    auto& all = by_origin_[event.origin];
    if (all.size() < event.counter) all.resize(event.counter);
    all[event.counter - 1] = &event;
}

void oracle::visible(std::size_t key, const counts& cut, std::vector<const written*>& into) const {
    into.clear();
    const auto& events = keys_[key];
    std::vector<std::uint64_t> dead(events.size() / 64 + 1);
    for (const auto& event : events) {
        if (!is_under(cut, event)) continue;
        for (std::size_t word = 0; word < event.replaced.size(); ++word) dead[word] |= event.replaced[word];
    }
    for (std::size_t i = 0; i < events.size(); ++i) {
        const auto& event = events[i];
        if (!event.what.removal && (dead[i / 64] >> i % 64 & 1) == 0 && is_under(cut, event))
            into.push_back(&event);
    }
}

// The last event of an origin has seen all that its earlier ones had.
bool oracle::causally_closed(const counts& cut) const {
    for (process_number p = 0; p < cut.size(); ++p) {
        if (cut[p] == 0) continue;
        if (issued(p) < cut[p] || !covers(cut, by_origin_[p][cut[p] - 1]->saw)) return false;
    }
    return true;
}

} // namespace baton::sim
