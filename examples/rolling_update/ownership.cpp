#include "ownership.hpp"

#include <algorithm>
#include <limits>

line tenure::to_line() const {
    return line{"owned"}
        .with("session", session)
        .with("epoch", epoch)
        .with("from", from)
        .with("until", until)
        .with("tentative", tentative ? 1 : 0);
}

tenure tenure::from_line(const line& said, const std::string& server) {
    return {.session = said.number("session"),
            .epoch = said.number("epoch"),
            .from = said.number("from"),
            .until = said.number("until"),
            .tentative = said.number("tentative") != 0,
            .server = server};
}

std::size_t books::duplicated_owners() const { return overlaps(false); }
std::size_t books::tentative_overlaps() const { return overlaps(true); }

// Every pair: a session has a dozen tenures.
std::size_t books::overlaps(bool tentative) const {
    const auto at_once = [&](const tenure& a, const tenure& b) {
        return a.server != b.server && a.from < b.until && b.from < a.until &&
               (a.tentative || b.tentative) == tentative;
    };
    return static_cast<std::size_t>(std::count_if(of_.begin(), of_.end(), [&](const auto& book) {
        const auto& all = book.second;
        for (std::size_t i = 0; i < all.size(); ++i)
            for (std::size_t j = i + 1; j < all.size(); ++j)
                if (at_once(all[i], all[j])) return true;
        return false;
    }));
}

books::handed books::handed_over_by(const std::string& server) const {
    handed total;
    for (const auto& [session, all] : of_) {
        // Its last tenure here: it may have been here, gone, and here again.
        const tenure* last = nullptr;
        for (const auto& each : all)
            if (each.server == server && (last == nullptr || each.until > last->until)) last = &each;
        if (last == nullptr) continue;
        auto next = std::numeric_limits<std::uint64_t>::max();
        for (const auto& each : all)
            if (each.server != server && each.from >= last->until) next = std::min(next, each.from);
        if (next == std::numeric_limits<std::uint64_t>::max()) continue;
        ++total.sessions;
        total.longest = std::max(total.longest, next - last->until);
    }
    return total;
}

std::size_t books::without_owner(std::size_t sessions, std::uint64_t at) const {
    std::size_t owned = 0;
    for (const auto& [session, all] : of_)
        owned +=
            std::any_of(all.begin(), all.end(), [&](const tenure& t) { return t.from <= at && t.until > at; })
                ? 1
                : 0;
    return sessions - std::min(sessions, owned);
}
