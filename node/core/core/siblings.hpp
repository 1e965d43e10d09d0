// siblings: which registers and fields have concurrent values that something is to be done about: to be told,
// to be cut down to limits.siblings_max. What is remembered is bounded; what does not fit is found again by
// looking through the store, a shard at a time.
//
// Owned by a mesh; same thread contract.
#pragma once

#include "crdt/store.hpp"

#include <compare>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace baton::core {

/// A slot that owns its names.
struct owned_slot {
    value_type type{};
    std::string key, element;

    explicit owned_slot(const slot_name& from)
        : type(from.type)
        , key(from.key)
        , element(from.element) {}
    [[nodiscard]] slot_name name() const { return {type, key, element}; }
    friend auto operator<=>(const owned_slot&, const owned_slot&) = default;
};

/// Slots that wait for something, each once.
class waiting_slots {
  public:
    /// False when there is no room for it beside `most` others.
    bool add(const slot_name& slot, std::size_t most) {
        if (slots_.size() >= most) return slots_.contains(owned_slot(slot));
        slots_.emplace(slot);
        return true;
    }
    /// Keeps those for which `stays` holds.
    template <class Stays>
    void look_through(Stays stays) {
        std::erase_if(slots_, [&](const owned_slot& each) { return !stays(each); });
    }
    [[nodiscard]] bool empty() const { return slots_.empty(); }

  private:
    std::set<owned_slot> slots_;
};

struct sibling_watch {
    std::vector<contest> contests; ///< being looked at
    std::set<owned_slot> told;     ///< since `told_since`: a key is named once a second
    instant told_since{};
    std::uint64_t untold = 0;
    std::vector<std::string> prefixes; ///< of keys that can be merged
    waiting_slots mergeable;
    waiting_slots crowded;                   ///< over limits.siblings_max when last looked at
    bool due = false;                        ///< they are to be looked at
    std::optional<std::size_t> scanning;     ///< the next shard to be looked through
    bool scan_again = false, raises = false; ///< `raises`: what is found has not been told
};

} // namespace baton::core
