// conflicts: registers and fields with concurrent values. It reports them; the member that acts for all
// reduces them to the value that is read if there are more than limits.siblings_max; a function of the
// program may merge them. The number of remembered slots is bounded; a scan of the store, a shard at a time,
// finds the others again.
//
// Pure; owned by a mesh, same thread contract. When to call again: work() while it returns true, and while
// the store has contests; tend() with every heartbeat.
#pragma once

#include "core/answers.hpp"
#include "core/claims.hpp"
#include "core/membership.hpp"
#include "core/writer.hpp"
#include "crdt/store.hpp"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
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
    /// False if there are already `most` others.
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

class conflicts {
  public:
    struct limits {
        std::size_t siblings = 8;  ///< of a slot; above it only the value that is read stays
        std::size_t watched = 256; ///< slots that are remembered; others are found by a scan
        std::size_t named = 256;   ///< in a second; others are counted
    };
    struct counts {
        std::uint64_t found = 0, resolved = 0;
    };
    conflicts(store& here, writer& write, const membership& members, claims& owned, limits most)
        : store_(here)
        , writer_(write)
        , members_(members)
        , claims_(owned)
        , limits_(most) {}

    /// With every slice; O(1) while no slot has got a concurrent value. `takes_writes`: this node is neither
    /// full nor leaving. True while there is more to look at.
    bool work(bool takes_writes, const moment& at, outbox& out);
    /// With every heartbeat: the member that acts for all may have changed.
    void tend(bool takes_writes, const moment& at, outbox& out);

    // --- merging ---
    /// The program can merge registers under the prefix.
    void merge_under(std::string_view prefix);
    [[nodiscard]] std::optional<merge_task> next_merge(bool takes_writes);
    /// Merges the key no more until it has one more sibling.
    void give_up_merge(std::string_view key);
    /// Replaces exactly the versions `shown`, all of which must still exist. The caller has checked that the
    /// write may be made. Error: conflict.
    result<version> resolve(std::string_view key, std::string_view value, std::span<const version> shown,
                            std::uint64_t wall_ms);
    /// Every sibling of the register has fewer bytes than this value.
    [[nodiscard]] bool would_grow(std::string_view key, std::size_t value_bytes);
    [[nodiscard]] const counts& counted() const { return counts_; }

  private:
    struct watch {
        std::vector<contest> contests; ///< being looked at
        std::set<owned_slot> told;     ///< since `told_since`: a key is reported once a second
        instant told_since{};
        std::uint64_t untold = 0;
        std::vector<std::string> prefixes; ///< of keys that can be merged
        waiting_slots mergeable;
        waiting_slots crowded;                   ///< over limits.siblings_max when last looked at
        bool due = false;                        ///< look at them in the next slice
        std::optional<std::size_t> scanning;     ///< the next shard to be looked through
        bool scan_again = false, raises = false; ///< `raises`: what it finds has not been reported
    };
    void scan(bool raises);
    void consider(const owned_slot& slot, const replica_id& by, bool raises, outbox& out);
    void report(const owned_slot& slot, const replica_id& by, std::size_t count, outbox& out);
    void look_again(outbox& out);
    [[nodiscard]] bool merges(std::string_view key) const;
    [[nodiscard]] bool is_to_merge(const owned_slot& slot);
    void keep_winner(const owned_slot& slot, outbox& out);

    store& store_;
    writer& writer_;
    const membership& members_;
    claims& claims_;
    limits limits_;
    bool takes_writes_ = true; ///< as of the last call, and its moment
    moment at_{};
    watch watch_;
    counts counts_;
    std::vector<record_view> found_; ///< scratch
};

} // namespace baton::core
