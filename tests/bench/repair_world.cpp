// Loading, losing and counting of repair_world.hpp.
#include "repair_world.hpp"

#include "wire/frame.hpp"

#include <cmath>
#include <stdexcept>

namespace baton::bench {

namespace {

using namespace std::chrono_literals;
using sim::process_number;

constexpr auto one_way = 10ms; // long beside everything else that takes time, so that round trips can be told
constexpr process_number a = 0, b = 1;

template <class... Frames>
bool is_any(std::string_view bytes) {
    const auto frame = wire::decode(bytes);
    return frame && (std::holds_alternative<Frames>(*frame) || ...);
}

} // namespace

repair_world::repair_world(std::uint64_t keys)
    : keys_(keys)
    , world_({.keys = 1, .check = false}) {
    world_.set_filter([this](process_number from, process_number to, sim::channel on,
                             std::string_view bytes) { return passes(from, to, on, bytes); });
    world_.start(a);
    for (std::uint64_t i = 0; i < keys; ++i) {
        put(a, i, i);
        if (i % 1'000 == 0) work();
    }
    work();
    world_.start(b);
    settle();
    put(b, keys, 0);
    settle();
    world_.faults().delay_min = world_.faults().delay_max = one_way;
}

void repair_world::join_others(std::size_t count) {
    for (std::size_t i = 1; i <= count; ++i) {
        const auto who = world_.start(b + i);
        world_.run_for(2s);
        put(who, keys_ + i, 0);
        settle();
    }
}

repair_cost repair_world::lose(std::uint64_t events) {
    deaf_ = true;
    ++version_;
    for (std::uint64_t i = 0; i < events; ++i) {
        put(a, i * (keys_ / events), version_);
        world_.run_for(50us);
    }
    world_.run_for(100ms);
    deaf_ = false;
    bytes_ = 0;
    pulled_at_.reset();
    settle();
    if (!pulled_at_) throw std::runtime_error("repaired without a PULL");
    const auto trips = std::chrono::duration<double>(world_.now() - *pulled_at_) / (2 * one_way);
    world_.run_for(10 * one_way); // the last CREDIT
    const auto missing = static_cast<double>(events * (key_bytes + value_bytes));
    return {events, world_.mesh(a).state().seen().entries().size(), static_cast<double>(bytes_) - missing,
            std::round(trips)};
}

/// Counts what A and B say to each other, but for HELLO (and ACK, which belongs to leaving).
bool repair_world::passes(process_number from, process_number to, sim::channel on, std::string_view bytes) {
    if (to > b && is_any<wire::delta>(bytes)) return false;
    if (from > b && is_any<wire::pull>(bytes)) return false;
    if (from > b || to > b) return true;
    if (on == sim::channel::broadcast) return !(deaf_ && from == a);
    if (on == sim::channel::beacon || is_any<wire::hello, wire::ack>(bytes)) return true;
    if (is_any<wire::pull>(bytes) && !pulled_at_) pulled_at_ = world_.now();
    bytes_ += bytes.size();
    return true;
}

crdt::moment repair_world::at() const {
    const auto since = std::chrono::floor<std::chrono::milliseconds>(world_.now().time_since_epoch());
    return {world_.now(), 1'700'000'000'000 + static_cast<std::uint64_t>(since.count())};
}

void repair_world::put(process_number who, std::uint64_t key, std::uint64_t value) {
    const auto written = world_.mesh(who).stash(at(), data_.key(key), data_.value(value));
    if (!written) throw std::runtime_error(written.error().what);
    if (world_.processes() > 1) world_.give(who, core::time_passed{});
}

/// What A would send while it is alone goes nowhere.
void repair_world::work() {
    core::outbox unheard;
    while (world_.mesh(a).work(at(), unheard)) unheard.clear();
}

void repair_world::settle() {
    const auto equal = [this] {
        auto &first = world_.mesh(a).state(), &second = world_.mesh(b).state();
        return !first.folding() && !second.folding() && first.seen() == second.seen() &&
               first.state_digest() == second.state_digest();
    };
    if (!world_.run_until(equal, 60s)) throw std::runtime_error("A and B do not become equal");
}

} // namespace baton::bench
