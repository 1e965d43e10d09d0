// Proves the rows of a DELTA: events of every type are read back as written; rows that are out of bounds,
// have the wrong form for their type, or are cut short anywhere are refused.
#include "crdt/counter.hpp"
#include "samples.hpp"
#include "support/catch.hpp"

#include <rapidcheck.h>

using namespace baton;
using namespace baton::wire;
using namespace samples;

namespace {

struct plain {
    bool removal = false;
    value_type type{};
    std::uint64_t stamp = 0, epoch = 0;
    std::string key, element, value;
    std::vector<dot> kills;
    std::optional<std::chrono::milliseconds> ttl{};
    [[nodiscard]] event_view view() const {
        return {removal, {type, key, element}, timestamp{stamp}, epoch, value, kills, false, ttl};
    }
};

std::string context_of(const std::vector<dot>& entries) {
    std::string bytes;
    for (const auto& each : entries) context_entry::append(bytes, each);
    return bytes;
}

/// A value that the type may carry.
std::string some_value(value_type type, bool removal) {
    const auto text = *rc::gen::arbitrary<std::string>();
    std::string value;
    switch (type) {
    case value_type::counter:
        if (!removal) return std::string(counter_value::bytes, 'c');
        for (auto left = *rc::gen::inRange(0, 3); left != 0; --left)
            removed_sum::append(value, {{replica(2), 5}, -7});
        return value;
    case value_type::scope:
        return context_of({{replica(1), 4}, {replica(2), 1}});
    case value_type::archive:
        return std::string(8, 'a');
    case value_type::set:
    case value_type::flag:
        return {};
    default:
        return removal ? std::string{} : text;
    }
}

plain some_event() {
    plain p;
    p.type = static_cast<value_type>(*rc::gen::inRange<int>(0, value_types));
    const bool only_removed = p.type == value_type::scope || p.type == value_type::archive;
    p.removal = only_removed || *rc::gen::arbitrary<bool>();
    p.stamp = *rc::gen::arbitrary<std::uint64_t>();
    p.epoch = *rc::gen::element<std::uint64_t>(0, 0, 5, 1ULL << 50);
    p.key = p.type == value_type::archive ? std::string(16, 'i') : "k" + *rc::gen::arbitrary<std::string>();
    if (has_element(p.type)) p.element = *rc::gen::arbitrary<std::string>();
    p.value = some_value(p.type, p.removal);
    if (p.type == value_type::reg && !p.removal && *rc::gen::arbitrary<bool>())
        p.ttl = std::chrono::milliseconds{*rc::gen::element<std::int64_t>(0, 1, 5000, ttl_max.count())};
    for (auto left = *rc::gen::inRange(0, 3); left != 0; --left) {
        p.kills.push_back({replica(static_cast<std::uint8_t>(1 + *rc::gen::inRange(0, 4))),
                           *rc::gen::inRange<std::uint64_t>(1, counter_max)});
    }
    return p;
}

bool refused(std::string_view replicas, std::string_view rows) {
    event_reader reader(timestamp{}, replicas, rows, {});
    std::vector<dot> kills;
    while (reader.next(kills)) {
    }
    return !reader.ok();
}

/// The writer does not judge, so that bad events can be written.
bool refused(const plain& event) {
    event_writer writer(timestamp{});
    writer.add(event.view());
    return refused(writer.replicas(), writer.rows());
}

} // namespace

TEST_CASE("events: of every type, they come back as they were written", "[wire][law]") {
    REQUIRE(rc::check([] {
        std::vector<plain> events(*rc::gen::inRange<std::size_t>(1, 30));
        event_writer writer(timestamp{1000});
        for (auto& each : events) writer.add((each = some_event()).view());
        RC_ASSERT(writer.count() == events.size());
        event_reader reader(writer.base(), writer.replicas(), writer.rows(), {});
        std::vector<dot> kills;
        for (const auto& p : events) {
            const auto e = reader.next(kills);
            RC_ASSERT(e.has_value());
            RC_ASSERT(e->removal == p.removal);
            RC_ASSERT(e->stamp.raw == p.stamp);
            RC_ASSERT(e->epoch == p.epoch);
            RC_ASSERT(e->slot == p.view().slot);
            RC_ASSERT(e->value == p.value);
            RC_ASSERT(kills == p.kills);
            RC_ASSERT(e->ttl == p.ttl);
        }
        RC_ASSERT(!reader.next(kills));
        RC_ASSERT(reader.ok());
    }));
}

TEST_CASE("events: cut short within one, they are refused", "[wire][law]") {
    REQUIRE(rc::check([] {
        event_writer writer(timestamp{});
        writer.add(some_event().view());
        for (std::size_t size = 1; size < writer.rows().size(); ++size)
            RC_ASSERT(refused(writer.replicas(), std::string(writer.rows(), 0, size)));
    }));
}

TEST_CASE("events: keys, elements and types out of bounds are refused", "[wire]") {
    using enum value_type;
    REQUIRE_FALSE(refused({false, reg, 1, 0, std::string(512, 'k'), {}, {}, {}}));
    REQUIRE(refused({false, reg, 1, 0, std::string(513, 'k'), {}, {}, {}}));
    REQUIRE(refused({false, reg, 1, 0, {}, {}, {}, {}}));
    REQUIRE_FALSE(refused({false, map, 1, 0, "k", std::string(512, 'e'), "v", {}}));
    REQUIRE(refused({false, map, 1, 0, "k", std::string(513, 'e'), "v", {}}));
    REQUIRE(refused({false, set, 1, 0, "k", std::string(513, 'e'), {}, {}}));
    REQUIRE_FALSE(refused({}, std::string_view("\x00\x00\x01k\x00", 5)));
    REQUIRE(refused({}, std::string_view("\x70\x00\x01k\x00", 5))); // types nobody knows
    REQUIRE(refused({}, std::string_view("\xf0\x00\x01k\x00", 5)));
    REQUIRE(refused({}, std::string_view("\x02\x00\x01k\x00\x01\x05\x01", 8))); // kills an unknown replica's
    REQUIRE(refused({}, std::string_view("\x00\x00\xff\xff\xff\xff\x0fk", 8))); // a length that lies
}

TEST_CASE("events: a time to live is of a register's put, and within its bounds", "[wire]") {
    using namespace std::chrono_literals;
    using enum value_type;
    REQUIRE_FALSE(refused({false, reg, 1, 0, "k", {}, "v", {}, 0ms}));
    REQUIRE_FALSE(refused({false, reg, 1, 7, "k", {}, "v", {{replica(2), 5}}, ttl_max}));
    REQUIRE(refused({false, reg, 1, 0, "k", {}, "v", {}, ttl_max + 1ms}));
    REQUIRE(refused({false, reg, 1, 0, "k", {}, "v", {}, -1ms}));
    REQUIRE(refused({true, reg, 1, 0, "k", {}, {}, {}, 1s}));
    REQUIRE(refused({false, map, 1, 0, "k", "e", "v", {}, 1s}));
    REQUIRE(refused({false, flag, 1, 0, "k", {}, {}, {}, 1s}));
}

TEST_CASE("events: a value of the wrong form for its type is refused", "[wire]") {
    using enum value_type;
    for (const std::size_t size : {0, 23, 25, 48})
        REQUIRE(refused({false, counter, 1, 0, "k", {}, std::string(size, 'c'), {}}));
    REQUIRE_FALSE(refused({true, counter, 1, 0, "k", {}, {}, {}}));
    for (const std::size_t size : {1, 24, 31, 33})
        REQUIRE(refused({true, counter, 1, 0, "k", {}, std::string(size, 'c'), {}}));
    REQUIRE(refused({false, set, 1, 0, "k", "e", "v", {}}));
    REQUIRE(refused({false, flag, 1, 0, "k", {}, "v", {}}));
    for (const std::size_t size : {0, 7, 9}) {
        REQUIRE(refused({true, archive, 1, 0, std::string(16, 'i'), {}, std::string(size, 'a'), {}}));
    }
    for (const std::size_t size : {1, 15, 17})
        REQUIRE(refused({true, archive, 1, 0, std::string(size, 'i'), {}, std::string(8, 'a'), {}}));
    REQUIRE(refused({false, archive, 1, 0, std::string(16, 'i'), {}, std::string(8, 'a'), {}})); // never put
}

TEST_CASE("events: the context of a scope is sorted and of whole entries", "[wire]") {
    const auto scope = [](bool removal, const std::string& context) {
        return plain{removal, value_type::scope, 1, 0, "k", {}, context, {}};
    };
    const dot one{replica(1), 4}, two{replica(2), 1};
    REQUIRE_FALSE(refused(scope(true, {})));
    REQUIRE_FALSE(refused(scope(true, context_of({one, two}))));
    REQUIRE(refused(scope(true, context_of({two, one}))));
    REQUIRE(refused(scope(true, context_of({one, one}))));
    REQUIRE(refused(scope(true, context_of({one, two}).substr(1))));
    REQUIRE(refused(scope(false, context_of({one})))); // never put
}
