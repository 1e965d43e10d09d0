// own_writes: writes of this process. It checks each call of the program, stamps and stores the write, and
// queues it for other members. Machines that write on their own check may_write() and use `write`.
//
// Pure; owned by a mesh, same thread contract. When to call again: never; publisher::flush() sends what is
// queued.
#pragma once

#include "core/handover.hpp"
#include "core/mesh_options.hpp"
#include "core/publisher.hpp"
#include "core/room.hpp"
#include "core/writer.hpp"
#include "crdt/store.hpp"
#include "crdt/time.hpp"

#include <baton/dot.hpp>
#include <baton/result.hpp>
#include <baton/stats.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <utility>

namespace baton::core {

class own_writes {
  public:
    using optional_ttl = std::optional<std::chrono::milliseconds>;
    /// `listeners`: as for the publisher. Counts into `counters` what the program writes and removes.
    own_writes(const mesh_options& settings, store& here, const std::set<replica_id>& listeners,
               const room& space, const handover& leave, node_stats& counters);

    hybrid_clock clock; ///< above every timestamp that this node has accepted
    publisher out;
    writer write;

    // --- may it be made ---
    /// This node is neither full nor leaving.
    [[nodiscard]] bool may_write() const { return !leave_.is_leaving() && !room_.is_full(); }
    [[nodiscard]] static result<void> check_key(std::string_view key);
    /// Only a register may have a time to live. Error: bad_argument.
    [[nodiscard]] static result<void> check_ttl(value_type type, optional_ttl ttl);
    /// Errors: key_empty, key_too_long, value_too_long, leaving, full, wrong_type. Without `value_bytes` the
    /// write adds nothing that other members do not have: then this node's own limits of size do not apply.
    [[nodiscard]] result<void> check(const slot_name& slot, std::optional<std::size_t> value_bytes) const;

    // --- calls of the program; errors: those of the checks, and conflict ---
    /// `expected`: write only if the key is at this version; nil: only if the key is absent.
    result<version> stash(const moment& at, std::string_view key, std::string_view value,
                          const std::optional<version>& expected, optional_ttl ttl);
    result<version> put(const moment& at, const slot_name& slot, std::string_view value, optional_ttl ttl);
    result<version> add(const moment& at, std::string_view key, std::int64_t amount);
    /// They go in one frame. If no frame can hold them, a session brings them, and its commit makes all
    /// visible at one moment. O(all bytes).
    result<version> stash_all(const moment& at,
                              std::span<const std::pair<std::string_view, std::string_view>> all,
                              optional_ttl ttl);
    /// False if it was absent. A full node may also remove.
    result<bool> remove(const moment& at, const slot_name& slot);
    /// Removes the key's counter, set, map and flag. Call after remove() has returned no error. False if
    /// there were none.
    bool remove_typed(const moment& at, std::string_view key);
    /// Counts a write that a machine made for the program.
    void count() { ++counters_.stashes; }

  private:
    [[nodiscard]] result<void> check_type(const slot_name& slot) const;

    const mesh_options& settings_;
    store& store_;
    const room& room_;
    const handover& leave_;
    node_stats& counters_;
};

} // namespace baton::core
