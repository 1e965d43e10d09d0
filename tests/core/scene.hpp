// scene: a simulated world without faults, for one story. Every check of the simulator is on: agreement with
// the oracle, and equal digests for equal cuts, are checked after every step.
#pragma once

#include "sim/world.hpp"
#include "support/catch.hpp"
#include "wire/frame.hpp"

namespace baton::sim {

using namespace std::chrono_literals;

struct scene : world {
    explicit scene(settings how = {})
        : world(std::move(how)) {}

    /// Starts nodes at the first `count` addresses; returns when all are up at one another.
    void gather(std::size_t count) {
        for (slot_number slot = 0; slot < count; ++slot) start(slot);
        settle();
    }
    process_number join(slot_number slot) {
        const auto who = start(slot);
        settle();
        return who;
    }
    /// Fails the test when not all agree in time.
    void settle(duration bound = 5s) {
        const bool done = run_until([this] { return settled(); }, bound);
        INFO(unsettled());
        REQUIRE(done);
    }
    [[nodiscard]] std::size_t heard(process_number who, event_kind kind, process_number about) {
        std::size_t count = 0;
        for (const auto& e : at(who).events) count += e.kind == kind && e.id == at(about).id;
        return count;
    }
    /// How `who` sees `about`; nothing when it does not know it.
    [[nodiscard]] std::optional<member_state> sees(process_number who, process_number about) {
        for (const auto& m : mesh(who).members()) {
            if (m.id == at(about).id) return m.state;
        }
        return std::nullopt;
    }
    [[nodiscard]] bool sees(process_number who, process_number about, member_state state) {
        return sees(who, about) == state;
    }
    void fill(process_number who, std::size_t count, std::size_t value_bytes = 20) {
        for (std::size_t key = 0; key < count; ++key)
            stash(who, key, std::string(value_bytes, static_cast<char>('a' + key % 26)));
    }
    /// The moment at `who`, for writes that the oracle does not follow: under names that differ from
    /// key_name(). Equal digests for equal cuts are checked for these too.
    [[nodiscard]] moment moment_at(process_number who) {
        using std::chrono::duration_cast, std::chrono::milliseconds;
        const auto elapsed = duration_cast<milliseconds>(now().time_since_epoch()).count();
        return {now(), static_cast<std::uint64_t>(1'700'000'000'000 + elapsed + at(who).clock_offset_ms)};
    }
    /// `what(mesh, moment)`, and what follows from it.
    template <class Write>
    auto write(process_number who, Write what) {
        auto result = what(mesh(who), moment_at(who));
        give(who, core::time_passed{});
        return result;
    }
    void put(process_number who, const slot_name& slot, std::string_view value = {}) {
        REQUIRE_FALSE(try_put(who, slot, value));
    }
    void put(process_number who, std::string_view key, std::string_view value) {
        put(who, {value_type::reg, key, {}}, value);
    }
    void add(process_number who, std::string_view key, std::int64_t amount) {
        REQUIRE_FALSE(try_add(who, key, amount));
    }
    /// Why it was refused; nothing when it was not.
    std::optional<errc> try_put(process_number who, const slot_name& slot, std::string_view value = {}) {
        return code_of(write(who, [&](core::mesh& m, const moment& at) { return m.put(at, slot, value); }));
    }
    std::optional<errc> try_put(process_number who, std::string_view key, std::string_view value) {
        return try_put(who, {value_type::reg, key, {}}, value);
    }
    std::optional<errc> try_add(process_number who, std::string_view key, std::int64_t amount) {
        return code_of(write(who, [&](core::mesh& m, const moment& at) { return m.add(at, key, amount); }));
    }
    /// Whether there was something.
    bool remove(process_number who, const slot_name& slot) {
        return *write(who, [&](core::mesh& m, const moment& at) { return m.remove(at, slot); });
    }
    bool erase(process_number who, std::string_view key) {
        return *write(who, [&](core::mesh& m, const moment& at) { return m.drop(at, key); });
    }
    static std::optional<errc> code_of(const result<version>& of) {
        return of ? std::nullopt : std::optional(of.error().code);
    }
    [[nodiscard]] std::optional<std::string> get(process_number who, const slot_name& slot) {
        const auto found = mesh(who).state().read(slot);
        return found ? std::optional(std::string(found->value)) : std::nullopt;
    }
    [[nodiscard]] std::optional<std::string> get(process_number who, std::string_view key) {
        return get(who, {value_type::reg, key, {}});
    }
    [[nodiscard]] std::vector<std::string> elements(process_number who, value_type type,
                                                    std::string_view key) {
        std::vector<std::string> all;
        mesh(who).state().elements(type, key, all);
        return all;
    }
    [[nodiscard]] std::size_t removals(process_number who) { return mesh(who).state().removals(); }
    /// How often a reason to refuse has been counted.
    [[nodiscard]] std::uint64_t refused(process_number who, std::string_view reason) {
        for (const auto& [text, count] : mesh(who).stats().refused_by_reason) {
            if (text == reason) return count;
        }
        return 0;
    }
    /// The connection by which `who` hears replies of `whom`: the one on which its name is not a stolen one.
    [[nodiscard]] core::link_id link_to(process_number who, process_number whom) {
        const auto taken = [&](core::link_id link, const replica_id& id) {
            const auto bytes = wire::encode(wire::ack{id, true, true, 0, {}});
            return !give(who, core::reply_arrived{link, host_of(at(whom).slot), bytes}).refused;
        };
        for (std::uint32_t number = 1; number <= 2 * processes(); ++number) {
            if (taken(core::link_id{number}, at(whom).id) && !taken(core::link_id{number}, replica_id{}))
                return core::link_id{number};
        }
        FAIL("no link to it");
        return {};
    }
    [[nodiscard]] std::size_t values(process_number who, std::size_t key) {
        std::vector<record_view> all;
        mesh(who).state().siblings(key_name(key), all);
        return all.size();
    }
};

/// Whether a message is of kind `Frame`.
template <class Frame>
bool is(std::string_view bytes) {
    const auto frame = wire::decode(bytes);
    return frame && std::holds_alternative<Frame>(*frame);
}

/// A PULL for small chunks, in the name of `id`.
inline wire::pull pull_by(const replica_id& id, std::uint64_t session, const cut& seen = {},
                          std::uint64_t flags = 0) {
    wire::pull f;
    f.session = session;
    f.id = id;
    f.chunk_bytes = f.credit_bytes = 512;
    f.flags = flags;
    f.seen = seen;
    return f;
}

/// An element of a set, a field of a map, a flag, a counter.
inline slot_name element(std::string_view key, std::string_view name) { return {value_type::set, key, name}; }
inline slot_name field(std::string_view key, std::string_view name) { return {value_type::map, key, name}; }
inline slot_name flag(std::string_view key) { return {value_type::flag, key, {}}; }
inline slot_name counter(std::string_view key) { return {value_type::counter, key, {}}; }

/// Silence is noticed by silence alone: no connection that is cut off ever closes.
inline world::settings slow_to_close(world::settings how = {}) {
    how.faults.detect_min = how.faults.detect_max = std::chrono::seconds(600);
    return how;
}

/// Worlds with small bounds, so that a scenario need not be large.
inline world::settings with_keys(std::size_t keys) {
    world::settings how;
    how.keys = keys;
    return how;
}
inline world::settings small_chunks(std::size_t keys, std::size_t chunk_bytes = 256,
                                    std::size_t credit_bytes = 512) {
    auto how = with_keys(keys);
    how.node.limits.chunk_bytes_max = chunk_bytes;
    how.node.limits.credit_bytes = credit_bytes;
    return how;
}

} // namespace baton::sim
