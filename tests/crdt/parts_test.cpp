// Proves the parts of the store by their laws: the order of operations does not matter to cut and digest, and
// the clock never goes back. rapidcheck shrinks failures. index_test, log_test and others cover the larger
// parts.
#include "crdt/cut.hpp"
#include "crdt/digest.hpp"
#include "crdt/time.hpp"
#include "support/catch.hpp"

#include <rapidcheck.h>

#include <map>

using namespace baton;
using namespace baton::crdt;

namespace {

replica_id filled_with(std::uint8_t number) {
    replica_id id;
    id.bytes[0] = number;
    id.bytes[15] = 1;
    return id;
}

} // namespace

TEST_CASE("cut: join is idempotent, commutative and associative, and covers both sides", "[crdt][law]") {
    const auto build = [](const std::map<std::uint8_t, std::uint8_t>& from) {
        cut c;
        for (const auto& [who, counter] : from) c.raise({filled_with(who), counter});
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
            return hash_record({filled_with(1), counter, 5, 0, 0}, record.first.substr(0, 500), "element",
                               record.second);
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
    const auto base = hash_record({filled_with(1), 1, 1, 0, 0}, "key", "element", "value");
    REQUIRE_FALSE(base == hash_record({filled_with(2), 1, 1, 0, 0}, "key", "element", "value"));
    REQUIRE_FALSE(base == hash_record({filled_with(1), 2, 1, 0, 0}, "key", "element", "value"));
    REQUIRE_FALSE(base == hash_record({filled_with(1), 1, 2, 0, 0}, "key", "element", "value"));
    REQUIRE_FALSE(base == hash_record({filled_with(1), 1, 1, 1, 0}, "key", "element", "value"));
    REQUIRE_FALSE(base == hash_record({filled_with(1), 1, 1, 0, 1}, "key", "element", "value"));
    REQUIRE_FALSE(base == hash_record({filled_with(1), 1, 1, 0, 0}, "keye", "lement", "value"));
    REQUIRE_FALSE(base == hash_record({filled_with(1), 1, 1, 0, 0}, "key", "elementv", "alue"));
    REQUIRE_FALSE(base == hash_record({filled_with(1), 1, 1, 0, 0}, "key", "element", ""));
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
