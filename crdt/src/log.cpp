#include "crdt/log.hpp"

#include "crdt/assert.hpp"

#include <algorithm>

namespace baton {

// The first segment with at least this number; a dense log is indexed, a sparse one searched.
std::size_t event_log::position(std::uint64_t number) const {
    if (segments_.empty() || number > segments_.back().number) return segments_.size();
    if (number <= segments_.front().number) return 0;
    const auto guess = number - segments_.front().number;
    if (guess < segments_.size() && segments_[guess].number == number) return guess;
    const auto at = std::lower_bound(segments_.begin(), segments_.end(), number,
                                     [](const entry& e, std::uint64_t wanted) { return e.number < wanted; });
    return static_cast<std::size_t>(at - segments_.begin());
}

handle event_log::at(std::uint64_t counter) const {
    const auto number = counter / width;
    const auto where = position(number);
    if (where == segments_.size() || segments_[where].number != number) return 0;
    return segments_[where].body->blocks[counter % width];
}

void event_log::set(std::uint64_t counter, handle block) {
    const auto number = counter / width;
    const auto where = position(number);
    if (where == segments_.size() || segments_[where].number != number) {
        segments_.insert(segments_.begin() + static_cast<std::ptrdiff_t>(where),
                         entry{number, std::make_unique<segment>()});
    }
    auto& body = *segments_[where].body;
    auto& slot = body.blocks[counter % width];
    if (slot == 0) ++body.live;
    slot = block;
}

void event_log::erase(std::uint64_t counter) {
    const auto number = counter / width;
    const auto where = position(number);
    BATON_ASSERT(where != segments_.size() && segments_[where].number == number);
    auto& body = *segments_[where].body;
    auto& slot = body.blocks[counter % width];
    BATON_ASSERT(slot != 0);
    slot = 0;
    // The newest segment is about to be written again: keep it.
    if (--body.live == 0 && where + 1 != segments_.size()) {
        segments_.erase(segments_.begin() + static_cast<std::ptrdiff_t>(where));
    }
}

std::uint64_t event_log::next(std::uint64_t& after, std::uint64_t last, std::size_t& steps) const {
    for (auto where = position((after + 1) / width); where < segments_.size() && after < last; ++where) {
        const auto& [number, body] = segments_[where];
        after = std::max(after + 1, number * width) - 1;
        while (after < last && (after + 1) / width == number) {
            if (steps == 0) return 0;
            --steps;
            ++after;
            if (body->blocks[after % width] != 0) return after;
        }
    }
    after = last;
    return 0;
}

} // namespace baton
