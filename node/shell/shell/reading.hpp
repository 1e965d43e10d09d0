// reading: what reads of a register or a field return, made of what the store and the mesh know. Private to
// the shell.
//
// Under the node's lock.
#pragma once

#include "core/mesh.hpp"
#include "crdt/store.hpp"

#include <baton/pickup.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace baton::shell {

inline stored_value stored(const crdt::record_view& from, std::size_t siblings) {
    const auto epoch = from.epoch != 0 ? std::optional(owner_epoch{from.epoch}) : std::nullopt;
    return {std::string(from.value), version{from.id}, siblings, epoch};
}

inline std::optional<stored_value> value_in(crdt::store& state, const crdt::slot_name& slot) {
    std::size_t live = 0;
    const auto found = state.read(slot, &live);
    if (!found) return std::nullopt;
    return stored(*found, live - 1);
}

/// Every concurrent value, the one that is read first.
inline std::vector<stored_value> values_in(crdt::store& state, const crdt::slot_name& slot) {
    std::vector<crdt::record_view> records;
    state.siblings(slot, records);
    std::vector<stored_value> all;
    all.reserve(records.size());
    for (const auto& each : records) all.push_back(stored(each, records.size() - 1));
    return all;
}

/// Why the register `key` is not here; `known()` is a core::absence.
template <class Known>
pickup_result absent(core::mesh& mesh, std::string_view key, Known known) {
    pickup_result answer;
    answer.outcome = pickup_outcome::absent_unsynced;
    if (const auto leaver = mesh.on_its_way(key)) {
        answer.outcome = pickup_outcome::pending_handoff;
        answer.who = {*leaver};
    } else if (mesh.state().types_of(key) == 0) { // absent in every type
        core::absence judged = known();
        if (judged.confirmed) answer.outcome = pickup_outcome::absent_confirmed;
        answer.who = std::move(judged.who);
        answer.seeds = std::move(judged.seeds);
    }
    return answer;
}

} // namespace baton::shell
