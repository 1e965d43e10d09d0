// The writes of users in a simulated world.
#include "sim/story.hpp"

namespace baton::sim {

namespace {
constexpr std::uint64_t writes_max = 500;
} // namespace

void story::write() {
    if (quiet_ || writes_ >= writes_max || (at_peace_ && world_.now() - peace_ > 500ms)) return;
    world_.after(luck_.between(0ms, 2 * writes_every_), [this] { write(); });
    const auto all = writers();
    if (all.empty()) return;
    const auto who = all[luck_.below(all.size())];
    for (auto burst = luck_.chance(50) ? luck_.between(2, 40) : 1; burst != 0; --burst) {
        const auto key = luck_.below(luck_.chance(300) ? 3 : keys());
        ++writes_;
        if (brief_ && brief_luck_.chance(200)) {
            const auto ttl = brief_luck_.between(1, brief_luck_.chance(500) ? brief_max / 1ms : 300);
            world_.stash_for(who, "brief-" + std::to_string(brief_luck_.below(12)),
                             std::to_string(brief_luck_.below(100)), std::chrono::milliseconds{ttl});
        }
        if (luck_.chance(drops_)) {
            world_.drop(who, key);
        } else if (luck_.chance(60)) {
            world_.ask(who, key);
        } else if (luck_.chance(40)) {
            together(who);
        } else if (typed_ && key % 6 != 0) {
            operate(who, key);
        } else if (typed_ && !is_plain(who, key)) {
            continue;
        } else if (luck_.chance(claims_)) {
            own(who, key);
        } else if (luck_.chance(large_)) {
            world_.stash(who, key,
                         std::string(luck_.between(100, 6000), static_cast<char>('a' + luck_.below(26))));
        } else {
            auto value = luck_.chance(30) ? std::string{} : std::to_string(luck_.below(1000));
            if (luck_.chance(100)) {
                world_.prove(who, key, std::move(value), luck_.between(2, slots_));
            } else {
                world_.stash(who, key, std::move(value));
            }
        }
    }
}

void story::together(process_number who) {
    std::vector<std::pair<std::size_t, std::string>> values;
    for (auto left = luck_.between(2, luck_.chance(100) ? 300 : 6); left != 0; --left) {
        const auto key = luck_.below(keys());
        if (!typed_ || key % 6 == 0) values.emplace_back(key, std::to_string(luck_.below(1000)));
    }
    if (!values.empty()) world_.stash_all(who, values);
}

void story::look_at_owners() {
    if (quiet_) return;
    world_.after(37ms, [this] { look_at_owners(); });
    world_.check_owners();
}

// A claim, and what its owner does then; mostly of few keys, so that they meet.
void story::own(process_number who, std::size_t key) {
    if (!world_.owns(who, key)) {
        world_.claim(who, key, luck_.chance(300) ? std::optional(luck_.between(50ms, 2000ms)) : std::nullopt);
    } else if (luck_.chance(300)) {
        world_.release(who, key);
    } else {
        world_.commit(who, key, std::to_string(luck_.below(1000)));
    }
}

// Usually a key has one type; sometimes two sides create it with different types at once.
void story::operate(process_number who, std::size_t key) {
    constexpr std::array types{value_type::counter, value_type::set, value_type::map, value_type::flag,
                               value_type::counter};
    operation what;
    what.type = types[luck_.chance(60) ? luck_.below(types.size()) : key % 6 - 1];
    what.removal = luck_.chance(drops_);
    if (has_element(what.type)) what.element = luck_.below(world::elements);
    if (what.type == value_type::counter && !what.removal)
        what.amount = static_cast<std::int64_t>(luck_.below(200)) - 100;
    if (what.type == value_type::map && !what.removal) what.value = std::to_string(luck_.below(1000));
    world_.operate(who, key, std::move(what));
}

// A register can be written here: the key does not hold another type.
bool story::is_plain(process_number who, std::size_t key) {
    const auto types = world_.mesh(who).state().types_of(world::key_name(key));
    return types == 0 || (types & 1) != 0;
}

void story::crowd() {
    const auto all = writers();
    if (all.empty()) return;
    const auto who = all[luck_.below(all.size())];
    for (std::size_t key = 0; key < keys(); ++key) world_.stash(who, key, std::to_string(key));
}

} // namespace baton::sim
