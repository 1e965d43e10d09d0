// history: every event that was ever written, with what its writer had seen; and the oracle, which computes
// from that alone what is visible under a given cut (visibility as in Burckhardt, "Principles of Eventual
// Consistency", 2014). It shares only the names of slots with the store.
#pragma once

#include "crdt/store.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace baton::test {

using namespace crdt;

/// A slot that owns its names.
struct slot_key {
    value_type type{};
    std::string key, element;

    slot_key() = default;
    slot_key(value_type what, std::string of, std::string inside = {})
        : type(what)
        , key(std::move(of))
        , element(std::move(inside)) {}
    slot_key(const slot_name& from) // NOLINT: a copy of the same name
        : slot_key(from.type, std::string(from.key), std::string(from.element)) {}
    [[nodiscard]] slot_name name() const { return {type, key, element}; }
    friend auto operator<=>(const slot_key&, const slot_key&) = default;
};

struct known_event {
    dot id{};
    slot_key slot;
    bool removal = false;
    std::string value;
    std::vector<dot> kills;
    timestamp stamp{};
    std::int64_t amount = 0; ///< of an addition
    cut context;             ///< what its writer had seen, closed origins included
    std::uint64_t epoch = 0;
    /// everything that it replaces or removes of others, if the event names it
    std::optional<std::set<dot>> only{};
    friend bool operator==(const known_event&, const known_event&) = default;

    [[nodiscard]] event_view view() const { return {removal, slot.name(), stamp, epoch, value, kills}; }
    /// `victim` is no longer visible where this event has been seen.
    [[nodiscard]] bool removes(const known_event& victim) const {
        if (slot.type == value_type::counter && !removal) return false; // additions stay side by side
        const bool reached = slot.type == value_type::scope
                                 ? in_scope(victim.slot.type) && victim.slot.key == slot.key
                                 : slot == victim.slot;
        if (!reached || !context.has(victim.id)) return false;
        if (victim.id.replica == id.replica) return true;
        if (only) return only->contains(victim.id);
        // An ordinary put leaves the claims of other replicas.
        return removal || slot.type != value_type::reg || (victim.epoch & 1) == 0;
    }
};

class history {
  public:
    void note(known_event event) {
        const auto [at, added] = events_.emplace(event.id, std::move(event));
        const auto& e = at->second;
        if (added) (e.slot.type == value_type::archive ? closings_ : of_key_[e.slot.key]).push_back(&e);
    }
    [[nodiscard]] const known_event* find(const dot& id) const {
        const auto at = events_.find(id);
        return at == events_.end() ? nullptr : &at->second;
    }
    [[nodiscard]] std::size_t size() const { return events_.size(); }
    /// Every slot that was ever written. With `all`, also those of scope removals and archive events.
    [[nodiscard]] std::set<slot_key> slots(bool all = false) const {
        std::set<slot_key> found;
        for (const auto& [id, e] : events_) {
            if (all || (e.slot.type != value_type::scope && e.slot.type != value_type::archive))
                found.insert(e.slot);
        }
        return found;
    }

    // --- the oracle ---
    /// Every put or addition that no seen event has removed.
    [[nodiscard]] std::vector<const known_event*> live(const cut& seen) const {
        std::vector<const known_event*> left, here;
        for (const auto& [key, events] : of_key_) {
            here.clear();
            for (const auto* e : events) {
                if (seen.has(e->id)) here.push_back(e);
            }
            for (const auto* put : here) {
                const bool removed =
                    put->removal ||
                    std::any_of(here.begin(), here.end(), [put](const auto* e) { return e->removes(*put); });
                if (!removed) left.push_back(put);
            }
        }
        return left;
    }
    /// The archived origins under a cut: an archive event counts if no later event of its origin is seen.
    [[nodiscard]] cut closed(const cut& seen) const {
        cut all;
        for (const auto* e : closings_) {
            const auto who = *replica_id::from_bytes(e->slot.key);
            if (seen.has(e->id) && get_word(e->value.data()) == seen.of(who)) all.set(who, seen.of(who));
        }
        return all;
    }

  private:
    std::map<dot, known_event> events_;
    std::map<std::string, std::vector<const known_event*>> of_key_;
    std::vector<const known_event*> closings_;
};

/// What is visible in one slot: its siblings as (dot, value); for a counter its value.
struct slot_reading {
    std::map<dot, std::string> siblings;
    std::optional<std::int64_t> count;
    friend bool operator==(const slot_reading&, const slot_reading&) = default;
};

/// By slot, only slots with something visible. For each replica of a counter, its last live addition stands
/// for all.
inline std::map<slot_key, slot_reading> readings(const std::vector<const known_event*>& live) {
    std::map<slot_key, slot_reading> all;
    for (const auto* e : live) {
        auto& reading = all[e->slot];
        if (e->slot.type == value_type::counter) {
            const auto sum = static_cast<std::uint64_t>(reading.count.value_or(0));
            reading.count = static_cast<std::int64_t>(sum + static_cast<std::uint64_t>(e->amount));
            std::erase_if(reading.siblings,
                          [e](const auto& each) { return each.first.replica == e->id.replica; });
            reading.siblings.emplace(e->id, std::string{});
        } else {
            reading.siblings.emplace(e->id, e->value);
        }
    }
    return all;
}

inline replica_id replica(std::size_t number) {
    replica_id id;
    id.bytes[0] = static_cast<std::uint8_t>(number + 1);
    id.bytes[1] = static_cast<std::uint8_t>((number + 1) >> 8);
    return id;
}

} // namespace baton::test
