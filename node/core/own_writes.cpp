#include "core/own_writes.hpp"

#include <string>
#include <vector>

namespace baton::core {

namespace {
error leaving() { return {errc::leaving, "the node is leaving and accepts no more writes"}; }
} // namespace

own_writes::own_writes(const mesh_options& settings, store& here, const std::set<replica_id>& listeners,
                       const room& space, const handover& leave, node_stats& counters)
    : clock(static_cast<std::uint64_t>(settings.clock_skew_max.count()))
    , out(here, listeners, {settings.limits.delta_bytes_max, settings.bounds.sent_spans})
    , write(here, clock, out)
    , settings_(settings)
    , store_(here)
    , room_(space)
    , leave_(leave)
    , counters_(counters) {}

// ---------------------------------------------------------------- may it be made

result<void> own_writes::check_ttl(value_type type, optional_ttl ttl) {
    if (!ttl) return {};
    if (type != value_type::reg) return error{errc::bad_argument, "only a register has a time to live"};
    if (ttl->count() <= 0 || *ttl > ttl_max)
        return error{errc::bad_argument, "ttl must be from 1 ms to 100 years"};
    return {};
}

result<void> own_writes::check_key(std::string_view key) {
    if (key.empty()) return error{errc::key_empty, "the key is empty: a key has at least one byte"};
    if (key.size() > key_bytes_max) {
        return error{errc::key_too_long, "the key has " + std::to_string(key.size()) + " bytes; at most " +
                                             std::to_string(key_bytes_max) + " are allowed"};
    }
    return {};
}

result<void> own_writes::check(const slot_name& slot, std::optional<std::size_t> value_bytes) const {
    if (const auto good = check_key(slot.key); !good) return good.error();
    if (value_bytes && slot.key.size() > settings_.limits.key_bytes_max) {
        return error{errc::key_too_long, "the key has " + std::to_string(slot.key.size()) +
                                             " bytes; limits.key_bytes_max is " +
                                             std::to_string(settings_.limits.key_bytes_max)};
    }
    if (slot.element.size() > element_bytes_max)
        return error{errc::key_too_long, "an element or field has at most 512 bytes"};
    if (value_bytes && *value_bytes > settings_.limits.value_bytes_max) {
        return error{errc::value_too_long, "the value has " + std::to_string(*value_bytes) +
                                               " bytes; limits.value_bytes_max is " +
                                               std::to_string(settings_.limits.value_bytes_max)};
    }
    if (leave_.is_leaving()) return leaving();
    if (room_.is_full() || room_.has_reached(store_.state_bytes()) || store_.is_short_of_memory())
        return error{errc::full, "limits.bytes_max is reached: drop something first"};
    return check_type(slot);
}

// A key keeps the type of its first write. If two sides of a partition write different types, the key has
// both, and both can be written until it is dropped.
result<void> own_writes::check_type(const slot_name& slot) const {
    if (slot.type == value_type::reg && !store_.has_typed_keys()) return {};
    const auto types = store_.types_of(slot.key);
    if (types == 0 || (types >> static_cast<unsigned>(slot.type) & 1) != 0) return {};
    return error{errc::wrong_type, "the key holds a value of another type: drop it first"};
}

// ---------------------------------------------------------------- calls of the program

result<version> own_writes::stash(const moment& at, std::string_view key, std::string_view value,
                                  const std::optional<version>& expected, optional_ttl ttl) {
    if (expected) {
        store_.set_now(at.now);
        if (const auto good = check_key(key); !good) return good.error();
        const auto present = store_.read(key);
        if ((present ? present->id : dot{}) != expected->id)
            return error{errc::conflict, present ? "the key is at version " + present->id.to_string()
                                                 : "the key is absent on this node"};
    }
    return put(at, register_of(key), value, ttl);
}

result<version> own_writes::put(const moment& at, const slot_name& slot, std::string_view value,
                                optional_ttl ttl) {
    store_.set_now(at.now);
    if (const auto good = check_ttl(slot.type, ttl); !good) return good.error();
    if (const auto good = check(slot, value.size()); !good) return good.error();
    ++counters_.stashes;
    return version{write.put(slot, value, clock.tick(at.wall_ms), ttl)};
}

result<version> own_writes::add(const moment& at, std::string_view key, std::int64_t amount) {
    if (const auto good = check({value_type::counter, key, {}}, 0); !good) return good.error();
    ++counters_.stashes;
    return version{write.add(key, amount, clock.tick(at.wall_ms))};
}

result<version> own_writes::stash_all(const moment& at,
                                      std::span<const std::pair<std::string_view, std::string_view>> all,
                                      optional_ttl ttl) {
    store_.set_now(at.now);
    if (const auto good = check_ttl(value_type::reg, ttl); !good) return good.error();
    if (all.empty()) return error{errc::bad_argument, "no key is given"};
    if (all.size() > wire::group_events_max)
        return error{errc::bad_argument, std::to_string(all.size()) + " keys at once; at most " +
                                             std::to_string(wire::group_events_max) + " are allowed"};
    std::size_t bytes = 0;
    std::vector<staged_view> chain;
    for (const auto& [key, value] : all) {
        const auto slot = register_of(key);
        if (const auto good = check(slot, value.size()); !good) return good.error();
        (void)store_.sibling_count(slot); // fold the slot in first, if a commit is being folded
        store_.chain_of(slot, chain);     // the write replaces at most these records
        bytes += key.size() + value.size() + publisher::kill_bytes * chain.size();
    }
    out.begin_group(all.size(), bytes);
    dot last;
    for (const auto& [key, value] : all) {
        ++counters_.stashes;
        last = write.put(register_of(key), value, clock.tick(at.wall_ms), ttl);
    }
    return version{last};
}

result<bool> own_writes::remove(const moment& at, const slot_name& slot) {
    if (const auto good = check_key(slot.key); !good) return good.error();
    if (leave_.is_leaving()) return leaving();
    store_.set_now(at.now);
    if (!write.remove(slot, clock.tick(at.wall_ms))) return false;
    ++counters_.drops;
    return true;
}

bool own_writes::remove_typed(const moment& at, std::string_view key) {
    if (!store_.has_typed_keys()) return false;
    const auto counter = remove(at, {value_type::counter, key, {}});
    while (store_.fold(settings_.bounds.slice)) { // staged members of the key belong to it
    }
    const bool scope = write.remove_scope(key, clock.tick(at.wall_ms)).has_value();
    if (scope) ++counters_.drops;
    return *counter || scope;
}

} // namespace baton::core
