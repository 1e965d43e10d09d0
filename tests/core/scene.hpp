// scene: a simulated world without faults, in which one story is told. Every check of the simulator is on:
// agreement with the oracle and equal digests for equal cuts are proven after every step of every scenario.
#pragma once

#include "sim/world.hpp"
#include "wire/frame.hpp"

#include <catch2/catch.hpp>

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

/// Worlds differ in what is small, so that a scenario need not be large.
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
