#include "core/sent_log.hpp"

#include <algorithm>

namespace baton::core {

void sent_log::thin(std::uint64_t nobody_lacks) {
    constexpr mesh_clock::duration shortest = std::chrono::milliseconds(10);
    std::erase_if(spans_, [&](const span& each) { return each.last <= nobody_lacks; });
    span_ = std::max(shortest, span_ / 2);
    if (spans_.size() <= spans_max_ / 2) return;
    for (std::size_t i = 0; i < spans_.size() / 2; ++i)
        spans_[i] = {spans_[2 * i + 1].last, spans_[2 * i].begun, spans_[2 * i].before};
    spans_.resize(spans_.size() / 2);
    span_ *= 4;
}

const sent_log::span* sent_log::span_of(std::uint64_t counter) const {
    const auto at = std::lower_bound(spans_.begin(), spans_.end(), counter,
                                     [](const span& each, std::uint64_t c) { return each.last < c; });
    return at == spans_.end() ? nullptr : &*at;
}

std::chrono::milliseconds sent_log::age_of(std::uint64_t counter, instant now) const {
    const auto* const in = span_of(counter);
    if (in == nullptr) return {};
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - in->begun);
}

std::uint64_t sent_log::bytes_from(std::uint64_t counter, std::uint64_t own) const {
    if (counter > own) return 0;
    const auto* const in = span_of(counter);
    return written_ - (in == nullptr ? noted_ : in->before);
}

} // namespace baton::core
