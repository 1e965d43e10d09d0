// Registers with a time to live: when their values expire, which registers are hidden, and which to remove.
#include "crdt/store.hpp"

namespace baton::crdt {

std::optional<std::chrono::milliseconds> store::time_left(std::string_view key) {
    std::optional<std::chrono::milliseconds> longest{};
    if (!has_deadlines() && !fold_) return longest;
    bool endless = false;
    each(head_of({value_type::reg, key, {}}), [&](handle h) {
        const auto& b = at(h);
        if (!is_visible(b)) return;
        if (b.ttl == 0) endless = true;
        longest = std::max(longest, ttl_of(b));
    });
    return endless ? std::nullopt : longest;
}

bool store::is_all_hidden() const {
    return !fold_ && !expiry_.empty() && expiry_.size() == live_records_ && expiry_.all_passed();
}

bool store::note_over(std::size_t steps) {
    if (!notes_.wanted()) expiry_.skip_passed();
    return expiry_.note_passed(steps, [&](handle h) { notes_.note(at(h).key()); });
}

bool store::is_register_over(handle value, instant until) {
    return all_over(memory_, head_of({value_type::reg, at(value).key(), {}}), until);
}

std::optional<std::string> store::next_over(instant until, std::size_t& steps) {
    const auto over = expiry_.next_over(until, steps, [&](handle h) { return is_register_over(h, until); });
    return over ? std::optional<std::string>(at(*over).key()) : std::nullopt;
}

std::optional<std::string> store::next_postponed(instant until, std::size_t& steps) {
    const auto over = expiry_.next_postponed(steps, [&](handle h) { return is_register_over(h, until); });
    return over ? std::optional<std::string>(at(*over).key()) : std::nullopt;
}

written store::remove_over(std::string_view key, timestamp stamp, write_buffers& buffers) {
    return write({value_type::reg, key, {}}, {}, {true, stamp, 0, {}, {}}, buffers);
}

} // namespace baton::crdt
