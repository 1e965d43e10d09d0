// own_writes: writes of this process: whether each may be made, its timestamp, and its way to the others. A
// call of the program is checked here, then stored and queued; machines that write on their own check by
// may_write(), and use `write`.
//
// Pure; owned by a mesh, same thread contract. When to call again: never; what is queued is sent by
// publisher::flush().
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

    hybrid_clock clock; ///< above every timestamp that is believed here
    publisher out;
    writer write;

    // --- may it be made ---
    /// This node is neither full nor leaving.
    [[nodiscard]] bool may_write() const { return !leave_.is_leaving() && !room_.is_full(); }
    [[nodiscard]] static result<void> check_key(std::string_view key);
    /// Only a register may have one. Error: bad_argument.
    [[nodiscard]] static result<void> check_ttl(value_type type, optional_ttl ttl);
    /// Errors: key_empty, key_too_long, value_too_long, leaving, full, wrong_type. Without `value_bytes` no
    /// more is written than others have already: then this node's own limits of size do not count.
    [[nodiscard]] result<void> check(const slot_name& slot, std::optional<std::size_t> value_bytes) const;

    // --- calls of the program; errors: those of the checks, and conflict ---
    /// `expected`: the version that the key is to be at; a nil one: it is to be absent.
    result<version> stash(const moment& at, std::string_view key, std::string_view value,
                          const std::optional<version>& expected, optional_ttl ttl);
    result<version> put(const moment& at, const slot_name& slot, std::string_view value, optional_ttl ttl);
    result<version> add(const moment& at, std::string_view key, std::int64_t amount);
    /// In one frame or in none: then a session brings them, whose commit is of one moment. O(all bytes).
    result<version> stash_all(const moment& at,
                              std::span<const std::pair<std::string_view, std::string_view>> all,
                              optional_ttl ttl);
    /// False when it was not there. A full node removes, too.
    result<bool> remove(const moment& at, const slot_name& slot);
    /// Removes what the key holds besides a register: its counter, set, map and flag. After remove() has
    /// given no error. False when nothing was there.
    bool remove_typed(const moment& at, std::string_view key);
    /// Counts a write that a machine has made for the program.
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
