#include "sim/oracle.hpp"

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
} // namespace

void oracle::write(process_number origin, std::uint64_t counter, std::size_t key, bool removal,
                   std::string value, counts saw) {
    auto& events = keys_[key];
    std::vector<std::uint64_t> replaced((events.size() + 63) / 64);
    for (std::size_t i = 0; i < events.size(); ++i) {
        if (is_under(saw, events[i])) replaced[i / 64] |= std::uint64_t{1} << i % 64;
    }
    events.push_back({origin, counter, removal, std::move(value), std::move(saw), std::move(replaced)});
    if (by_origin_.size() <= origin) by_origin_.resize(origin + 1);
    if (by_origin_[origin].size() < counter) by_origin_[origin].resize(counter);
    by_origin_[origin][counter - 1] = &events.back();
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
        if (!event.removal && (dead[i / 64] >> i % 64 & 1) == 0 && is_under(cut, event))
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
