// Counters: what travels comes back; and additions and removals of three replicas, in any order that
// causality allows, give the same reading, which is the oracle's.
#include "support/catch.hpp"
#include "world.hpp"

#include <rapidcheck.h>

using namespace baton;
using namespace baton::crdt;
using namespace baton::test;

TEST_CASE("counter_value: what is stored is loaded, low byte first", "[crdt][law]") {
    REQUIRE(
        rc::check([](std::int64_t total, std::uint64_t base, std::int64_t base_total, std::uint64_t counter) {
            std::string bytes(counter_value::bytes, '\0');
            store_counter(bytes.data(), {total, base, base_total});
            const auto back = load_counter(bytes);
            RC_ASSERT(back.total == total);
            RC_ASSERT(back.base == base);
            RC_ASSERT(back.base_total == base_total);
            std::string sums;
            removed_sum::append(sums, {{replica(3), counter}, total});
            RC_ASSERT(sums.size() == removed_sum::bytes);
            RC_ASSERT(removed_sum::load(sums).seen == (dot{replica(3), counter}));
            RC_ASSERT(removed_sum::load(sums).total == total);
            std::string context;
            context_entry::append(context, {replica(4), counter});
            RC_ASSERT(context.size() == context_entry::bytes);
            RC_ASSERT(context_entry::load(context) == (dot{replica(4), counter}));
        }));
    std::string bytes(counter_value::bytes, '\0');
    store_counter(bytes.data(), {1, 0x0203, -1});
    REQUIRE(bytes.substr(0, 10) == std::string("\1\0\0\0\0\0\0\0\3\2", 10));
    REQUIRE(bytes.substr(16) == std::string(8, '\xff'));
}

TEST_CASE("counter_value: a reading wraps as the sums do", "[crdt]") {
    REQUIRE(counter_value{5, 1, 2}.reading() == 3);
    REQUIRE(counter_value{INT64_MIN, 1, INT64_MAX}.reading() == 1);
    REQUIRE(counter_value{INT64_MAX, 1, -1}.reading() == INT64_MIN);
}

TEST_CASE("context: a dot is under it when its replica's entry is no less", "[crdt]") {
    std::string context;
    for (const unsigned who : {1U, 3U, 5U})
        context_entry::append(context, {replica(who), std::uint64_t{10} * who});
    REQUIRE(is_under(context, {replica(3), 30}));
    REQUIRE_FALSE(is_under(context, {replica(3), 31}));
    for (const unsigned who : {0U, 2U, 4U, 6U}) REQUIRE_FALSE(is_under(context, {replica(who), 1}));
    REQUIRE_FALSE(is_under({}, {replica(1), 1}));
}

TEST_CASE("counter: additions and removals read the same in every causal order", "[crdt][law]") {
    REQUIRE(rc::check([](const std::vector<std::array<std::uint8_t, 3>>& steps) {
        world w(3);
        for (const auto& [what, a, b] : steps) {
            if (what % 4 == 0) w.remove(a, {value_type::counter, "c"});
            if (what % 4 == 1) w.add(a, "c", b % 9 - 3);
            if (what % 4 >= 2) w.tell_next(a, b);
        }
        std::optional<std::int64_t> first;
        for (int order = 0; order < 4; ++order) {
            store s(replica(9), 5);
            for (;;) { // draws one of the events that can be next
                std::vector<const known_event*> ready;
                for (std::size_t origin = 0; origin < 3; ++origin) {
                    const auto id = replica(origin);
                    const auto* const e = w.past().find({id, s.counter_of(id) + 1});
                    if (e != nullptr && s.covers(e->context)) ready.push_back(e);
                }
                if (ready.empty()) break;
                const auto* const e = *rc::gen::elementOf(ready);
                RC_ASSERT(s.apply(e->id, e->view()) == store::applied::yes);
                const auto expected = readings(w.past().live(s.seen()));
                const auto at = expected.find({value_type::counter, "c"});
                RC_ASSERT(s.count("c") == (at == expected.end() ? std::nullopt : at->second.count));
            }
            RC_ASSERT(s.lacks(w.seen(0)) == 0);
            if (order == 0) first = s.count("c");
            RC_ASSERT(s.count("c") == first);
        }
    }));
}

TEST_CASE("counter: a removal takes what it saw and nothing that was added meanwhile", "[crdt]") {
    world w(2);
    w.add(0, "c", 10);
    w.tell_next(0, 1);
    w.remove(1, {value_type::counter, "c"});
    w.add(0, "c", 5);
    REQUIRE_FALSE(w.at(1).count("c"));
    w.tell_next(1, 0);
    w.tell_next(0, 1);
    REQUIRE(w.at(0).count("c") == 5);
    REQUIRE(w.at(1).count("c") == 5);
    REQUIRE(w.check(0) == "");
    REQUIRE(w.check(1) == "");
}

TEST_CASE("counter: removed to nothing is absent, added to nothing is zero", "[crdt]") {
    world w(1);
    REQUIRE_FALSE(w.at(0).count("c"));
    w.add(0, "c", 0);
    REQUIRE(w.at(0).count("c") == 0);
    w.remove(0, {value_type::counter, "c"});
    REQUIRE_FALSE(w.at(0).count("c"));
    REQUIRE(w.at(0).keys() == 0);
    w.add(0, "c", 3);
    REQUIRE(w.at(0).count("c") == 3);
    REQUIRE(w.check(0) == "");
}
