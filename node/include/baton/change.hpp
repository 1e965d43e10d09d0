// change: what a watch reports, of a node (watch.hpp) or of a client (client_watch.hpp).
//
//     #include <set>
//
//     // Who plays: a handler that keeps the set of players.
//     baton::change_handler keep(std::set<std::string>& players) {
//         return [&players](const baton::change& now) {
//             if (now.kind == baton::change_kind::put) players.insert(now.key);
//             if (now.kind == baton::change_kind::removed) players.erase(now.key);
//         };
//     }
//
// Plain values; any thread.
#pragma once

#include <baton/api.hpp>
#include <baton/dot.hpp>
#include <baton/version.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace baton {

/// What a change reports.
enum class change_kind : std::uint8_t {
    put,          ///< the key holds this value now
    removed,      ///< the key holds nothing any more, or its ttl has passed; only after a `put` of the key
    initial_done, ///< the snapshot is complete: everything that existed when the watch began is reported
    lagged, ///< this handler was too slow, and the node dropped `count` changes. A new snapshot follows. It
            ///< reports keys that are gone as `removed`, and ends with another initial_done
};
/// The name of the kind as scripts see it, for example "initial_done". Valid for ever.
[[nodiscard]] BATON_API std::string_view to_string(change_kind kind);

/// The type of the value that a key holds.
enum class value_kind : std::uint8_t {
    reg,     ///< a register, which node::stash writes
    counter, ///< a sum, which node::add changes
    set,     ///< a set of elements, which node::insert and node::erase change
    map,     ///< a map of fields, which node::set_field and node::erase_field change
    flag,    ///< a switch, which node::enable and node::disable change
};
/// The name of the type: "register", "counter", "set", "map" or "flag". Valid for ever.
[[nodiscard]] BATON_API std::string_view to_string(value_kind type);

/// One report to a handler.
struct change {
    change_kind kind{}; ///< what happened; it decides which other members mean something
    std::string key{};  ///< the key; empty with initial_done and lagged

    /// Of a put: the type of the value. A key that holds values of several types (see node.hpp) is reported
    /// once for each type. For a set, a map or a flag the report has no contents: read the key.
    value_kind type{};
    /// Of a register: the value that pickup() reads. If it is an object, unpack<T> of <baton/typed.hpp> reads
    /// it.
    std::string value{};
    version written{};                  ///< of a register: the version of the value
    std::size_t siblings = 0;           ///< of a register: how many other concurrent values there are
    std::optional<owner_epoch> epoch{}; ///< of a register: see stored_value::epoch

    /// The node that owns the register; nullopt if it is free. A claim and a release are reported as a put.
    [[nodiscard]] std::optional<replica_id> owner() const {
        return epoch && epoch->is_owned() ? std::optional(written.id.replica) : std::nullopt;
    }
    std::int64_t sum = 0;    ///< of a counter: its value
    std::uint64_t count = 0; ///< with `lagged`: how many changes were dropped
};

/// Receives the changes of a watch, on a thread of the library; the header of the watch has the contract.
using change_handler = std::function<void(const change&)>;

} // namespace baton
