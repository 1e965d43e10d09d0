#include "crdt/log.hpp"

#include "crdt/assert.hpp"

#include <algorithm>

namespace baton::crdt {

// The first segment with at least this number. The position in a dense log is computed; in a sparse log it is
// searched for.
std::size_t event_log::position(std::uint64_t number) const {
    if (segments_.empty() || number > segments_.back().number) return segments_.size();
    if (number <= segments_.front().number) return 0;
    const auto guess = number - segments_.front().number;
    if (guess < segments_.size() && segments_[guess].number == number) return guess;
    // Overwritten events leave gaps among the oldest segments first, so counting from the back may hit.
    const auto back = segments_.back().number - number;
    if (back < segments_.size() && segments_[segments_.size() - 1 - back].number == number)
        return segments_.size() - 1 - back;
    const auto at =
        std::lower_bound(segments_.begin(), segments_.end(), number,
                         [](const segment& s, std::uint64_t wanted) { return s.number < wanted; });
    return static_cast<std::size_t>(at - segments_.begin());
}

std::uint16_t event_log::find(const segment& in, std::uint64_t offset) {
    const auto* const first = in.offsets();
    return static_cast<std::uint16_t>(std::lower_bound(first, first + in.live, offset) - first);
}

handle event_log::at(std::uint64_t counter) const {
    const auto number = counter / width, offset = counter % width;
    const auto where = position(number);
    if (where == segments_.size() || segments_[where].number != number) return 0;
    const auto& in = segments_[where];
    if (in.dense()) return in.words[offset];
    const auto i = find(in, offset);
    return i < in.live && in.offsets()[i] == offset ? in.words[i] : 0;
}

// Moves the blocks of a segment into memory for `room` blocks.
void event_log::repack(segment& in, std::size_t room) {
    segment fresh;
    fresh.number = in.number;
    fresh.room = static_cast<std::uint16_t>(room);
    fresh.live = in.live;
    fresh.words = std::make_unique<std::uint32_t[]>(words_for(room));
    std::uint16_t at = 0;
    const auto put = [&](std::uint64_t offset, handle block) {
        if (fresh.dense()) {
            fresh.words[offset] = block;
        } else {
            fresh.words[at] = block;
            fresh.offsets()[at++] = static_cast<std::uint16_t>(offset);
        }
    };
    if (in.dense()) {
        for (std::uint64_t offset = 0; offset < width; ++offset) {
            if (in.words[offset] != 0) put(offset, in.words[offset]);
        }
    } else {
        for (std::uint16_t i = 0; i < in.live; ++i) put(in.offsets()[i], in.words[i]);
    }
    words_ += fresh.word_count();
    words_ -= in.word_count();
    in = std::move(fresh);
}

void event_log::compact() {
    for (auto& in : segments_) {
        if (in.live <= (in.dense() ? sparse_max : in.room / 2U)) repack(in, in.live);
    }
}

void event_log::set(std::uint64_t counter, handle block) {
    const auto number = counter / width, offset = counter % width;
    const auto where = position(number);
    if (where == segments_.size() || segments_[where].number != number) {
        segment fresh;
        fresh.number = number;
        // In a mesh whose nodes restart often, most origins write few events.
        if (live_ < sparse_max) fresh.room = 8;
        fresh.words = std::make_unique<std::uint32_t[]>(fresh.word_count());
        words_ += fresh.word_count();
        segments_.insert(segments_.begin() + static_cast<std::ptrdiff_t>(where), std::move(fresh));
    }
    auto& in = segments_[where];
    if (!in.dense()) {
        const auto i = find(in, offset);
        if (i < in.live && in.offsets()[i] == offset) {
            in.words[i] = block;
            return;
        }
        if (in.live == in.room) {
            repack(in, in.live * 2U > sparse_max ? width : in.live * 2U + 8U);
            return set(counter, block);
        }
        std::copy_backward(&in.words[i], &in.words[in.live], &in.words[in.live + 1]);
        std::copy_backward(in.offsets() + i, in.offsets() + in.live, in.offsets() + in.live + 1);
        in.words[i] = block;
        in.offsets()[i] = static_cast<std::uint16_t>(offset);
        ++in.live;
        ++live_;
        return;
    }
    auto& slot = in.words[offset];
    if (slot == 0) {
        ++in.live;
        ++live_;
    }
    slot = block;
}

void event_log::erase(std::uint64_t counter) {
    const auto number = counter / width, offset = counter % width;
    const auto where = position(number);
    BATON_ASSERT(where != segments_.size() && segments_[where].number == number);
    auto& in = segments_[where];
    if (in.dense()) {
        BATON_ASSERT(in.words[offset] != 0);
        in.words[offset] = 0;
    } else {
        const auto i = find(in, offset);
        BATON_ASSERT(i < in.live && in.offsets()[i] == offset);
        std::copy(&in.words[i + 1], &in.words[in.live], &in.words[i]);
        std::copy(in.offsets() + i + 1, in.offsets() + in.live, in.offsets() + i);
    }
    --in.live;
    --live_;
    // The next event goes to the newest segment, so it keeps its memory unless the log is empty.
    if (where + 1 == segments_.size() && live_ != 0) return;
    if (in.live == 0) {
        words_ -= in.word_count();
        segments_.erase(segments_.begin() + static_cast<std::ptrdiff_t>(where));
        if (segments_.empty()) segments_.shrink_to_fit();
    } else if (in.live <= (in.dense() ? sparse_max : in.room / 2U)) {
        repack(in, in.live);
    }
}

std::uint64_t event_log::next(std::uint64_t& after, std::uint64_t last, std::size_t& steps) const {
    for (auto where = position((after + 1) / width); where < segments_.size() && after < last; ++where) {
        const auto& in = segments_[where];
        if (in.number * width > last) break; // no event up to `last` is left
        after = std::max(after + 1, in.number * width) - 1;
        if (!in.dense()) {
            const auto begin = (after + 1) / width == in.number ? (after + 1) % width : width;
            const auto i = begin == width ? in.live : find(in, begin);
            if (steps == 0) return 0;
            --steps;
            if (i < in.live) {
                const auto counter = in.number * width + in.offsets()[i];
                after = std::min(counter, last);
                return counter <= last ? counter : 0;
            }
            after = std::min(last, in.number * width + width - 1);
            continue;
        }
        while (after < last && (after + 1) / width == in.number) {
            if (steps == 0) return 0;
            --steps;
            ++after;
            if (in.words[after % width] != 0) return after;
        }
    }
    after = last;
    return 0;
}

} // namespace baton::crdt
