// What the store is built of, each against the obvious model from the standard library: index against map,
// event_log against map, cut against map, digest against itself in another order. rapidcheck shrinks what
// fails.
#include "crdt/cut.hpp"
#include "crdt/digest.hpp"
#include "crdt/index.hpp"
#include "crdt/log.hpp"
#include "crdt/time.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <map>
#include <new>
#include <set>

using namespace baton;

namespace {

handle make_block(arena& memory, const std::string& key) {
    block head{};
    head.key_bytes = static_cast<std::uint16_t>(key.size());
    const auto h = memory.allocate(head.bytes());
    auto* made = new (memory.at(h)) block(head);
    std::copy(key.begin(), key.end(), made->payload());
    return h;
}

replica_id replica(std::uint8_t number) {
    replica_id id;
    id.bytes[0] = number;
    id.bytes[15] = 1;
    return id;
}

} // namespace

TEST_CASE("key_index: finds what a map finds after any inserts and erases", "[crdt][law]") {
    REQUIRE(rc::check([](const std::vector<std::pair<bool, std::uint16_t>>& steps, std::uint64_t seed) {
        arena memory;
        key_index table(memory, seed);
        std::map<std::string, handle> model;
        for (const auto& [insert, number] : steps) {
            const auto key = "k" + std::to_string(number % 97);
            if (insert && !model.contains(key)) {
                model[key] = make_block(memory, key);
                table.insert(table.hash(key), model[key]);
            } else if (!insert && model.contains(key)) {
                table.erase(key);
                model.erase(key);
            }
            RC_ASSERT(table.size() == model.size());
        }
        for (int number = 0; number < 97; ++number) {
            const auto key = "k" + std::to_string(number);
            const auto* const found = table.find(key);
            RC_ASSERT((found != nullptr) == model.contains(key));
            if (found != nullptr) RC_ASSERT(*found == model[key]);
        }
        std::set<handle> swept;
        while (const auto head = table.any()) {
            RC_ASSERT(swept.insert(head).second);
            table.erase(block_at(memory, head).key());
        }
        RC_ASSERT(swept.size() == model.size());
    }));
}

TEST_CASE("key_index: a hundred thousand keys grow shard by shard and are all found and erased", "[crdt]") {
    arena memory;
    key_index table(memory, 7);
    constexpr int count = 100000;
    for (int i = 0; i < count; ++i) {
        const auto key = std::to_string(i);
        table.insert(table.hash(key), make_block(memory, key));
    }
    int missing = 0;
    for (int i = 0; i < count; ++i) missing += table.find(std::to_string(i)) == nullptr ? 1 : 0;
    REQUIRE(missing == 0);
    REQUIRE(table.find("absent") == nullptr);
    for (int i = 0; i < count; i += 2) table.erase(std::to_string(i));
    int wrong = 0;
    for (int i = 0; i < count; ++i)
        wrong += (table.find(std::to_string(i)) != nullptr) != (i % 2 == 1) ? 1 : 0;
    REQUIRE(wrong == 0);
}

TEST_CASE("arena: blocks of every size are apart from each other and are used again", "[crdt]") {
    arena memory;
    std::map<handle, std::size_t> live;
    for (int round = 0; round < 3; ++round) {
        for (std::size_t bytes = 1; bytes < 200000; bytes += 1 + bytes / 7) {
            const auto h = memory.allocate(bytes);
            REQUIRE(h != 0);
            REQUIRE(live.emplace(h, bytes).second);
            std::fill_n(reinterpret_cast<char*>(memory.at(h)), bytes, static_cast<char>(bytes));
        }
        int damaged = 0;
        for (const auto& [h, bytes] : live) {
            const auto* const data = reinterpret_cast<const char*>(memory.at(h));
            for (std::size_t i = 0; i < bytes; ++i) damaged += data[i] != static_cast<char>(bytes) ? 1 : 0;
        }
        REQUIRE(damaged == 0);
        const auto taken = memory.bytes();
        for (const auto& [h, bytes] : live) memory.release(h, bytes);
        live.clear();
        if (round > 0) REQUIRE(memory.bytes() <= taken);
    }
}

TEST_CASE("event_log: walks exactly the live counters of a map, in any portions", "[crdt][law]") {
    REQUIRE(rc::check([](const std::vector<std::pair<bool, std::uint16_t>>& steps, std::uint8_t portion) {
        event_log log;
        std::map<std::uint64_t, handle> model;
        std::uint64_t highest = 1;
        for (const auto& [add, raw] : steps) {
            const std::uint64_t counter = 1 + raw % 3000;
            if (add) {
                log.set(counter, raw + 1U);
                model[counter] = raw + 1U;
                highest = std::max(highest, counter);
            } else if (model.erase(counter) != 0) {
                log.erase(counter);
            }
        }
        std::uint64_t after = 0;
        auto expected = model.begin();
        for (int guard = 0; guard < 100000; ++guard) {
            std::size_t budget = 1 + portion;
            const auto counter = log.next(after, highest, budget);
            if (counter != 0) {
                RC_ASSERT(expected != model.end());
                RC_ASSERT(counter == expected->first);
                RC_ASSERT(log.at(counter) == expected->second);
                ++expected;
            } else if (after == highest) {
                break;
            }
        }
        RC_ASSERT(after == highest);
        RC_ASSERT(expected == model.end());
    }));
}

TEST_CASE("event_log: a counter near 2^63 costs one segment", "[crdt]") {
    event_log log;
    log.set(1, 1);
    log.set(std::uint64_t{1} << 63, 2);
    REQUIRE(log.bytes() < 16384);
    REQUIRE(log.at(std::uint64_t{1} << 63) == 2);
    std::uint64_t after = 1;
    std::size_t steps = 1000;
    REQUIRE(log.next(after, (std::uint64_t{1} << 63) + 5, steps) == std::uint64_t{1} << 63);
}

TEST_CASE("cut: join is idempotent, commutative and associative, and covers both sides", "[crdt][law]") {
    const auto build = [](const std::map<std::uint8_t, std::uint8_t>& from) {
        cut c;
        for (const auto& [who, counter] : from) c.raise({replica(who), counter});
        return c;
    };
    using model = std::map<std::uint8_t, std::uint8_t>;
    REQUIRE(rc::check([&](const model& x, const model& y, const model& z) {
        const auto joined = [](cut a, const cut& b) {
            a.join(b);
            return a;
        };
        const auto a = build(x), b = build(y), c = build(z);
        RC_ASSERT(joined(a, a) == a);
        RC_ASSERT(joined(a, b) == joined(b, a));
        RC_ASSERT(joined(joined(a, b), c) == joined(a, joined(b, c)));
        RC_ASSERT(joined(a, b).covers(a));
        RC_ASSERT(joined(a, b).covers(b));
        RC_ASSERT((events_missing(a, b) == 0) == a.covers(b));
    }));
}

TEST_CASE("digest: order does not matter and taking out undoes putting in", "[crdt][law]") {
    REQUIRE(rc::check([](std::vector<std::pair<std::string, std::string>> records) {
        const auto hash = [](const auto& record, std::uint64_t counter) {
            return hash_record({replica(1), counter, 5, 0, 0}, record.first.substr(0, 500), record.second);
        };
        digest forward, backward;
        for (std::size_t i = 0; i < records.size(); ++i) forward += hash(records[i], i);
        for (std::size_t i = records.size(); i-- > 0;) backward += hash(records[i], i);
        RC_ASSERT(forward == backward);
        for (std::size_t i = 0; i < records.size(); ++i) forward -= hash(records[i], i);
        RC_ASSERT(forward == digest{});
    }));
}

TEST_CASE("digest: every field of a record counts", "[crdt]") {
    const auto base = hash_record({replica(1), 1, 1, 0, 0}, "key", "value");
    REQUIRE_FALSE(base == hash_record({replica(2), 1, 1, 0, 0}, "key", "value"));
    REQUIRE_FALSE(base == hash_record({replica(1), 2, 1, 0, 0}, "key", "value"));
    REQUIRE_FALSE(base == hash_record({replica(1), 1, 2, 0, 0}, "key", "value"));
    REQUIRE_FALSE(base == hash_record({replica(1), 1, 1, 1, 0}, "key", "value"));
    REQUIRE_FALSE(base == hash_record({replica(1), 1, 1, 0, 1}, "key", "value"));
    REQUIRE_FALSE(base == hash_record({replica(1), 1, 1, 0, 0}, "keyv", "alue"));
    REQUIRE_FALSE(base == hash_record({replica(1), 1, 1, 0, 0}, "key", ""));
}

TEST_CASE("hybrid_clock: never goes back, and is not dragged past the bound", "[crdt]") {
    hybrid_clock clock(5000);
    const auto first = clock.tick(1000);
    REQUIRE(clock.tick(500) > first); // the wall clock was set back
    REQUIRE(clock.observe(timestamp::at(5999), 1000));
    REQUIRE(clock.tick(1000).milliseconds() == 5999);
    REQUIRE_FALSE(clock.observe(timestamp::at(3600000), 1000));
    REQUIRE(clock.last().milliseconds() == 5999);
}
