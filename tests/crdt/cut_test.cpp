// Proves cut against a map: join, overlay, cover and thin out agree for any two cuts. And its cost: twice as
// many replicas cost about twice as much, since cuts of peers are taken under the lock.
#include "crdt/cut.hpp"
#include "support/catch.hpp"
#include "support/processor_time.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <map>
#include <random>

using namespace baton;
using namespace baton::crdt;

namespace {

using counts = std::map<replica_id, std::uint64_t>;

replica_id numbered(std::uint64_t number) {
    replica_id id;
    for (std::size_t byte = 0; byte < 8; ++byte)
        id.bytes[byte] = static_cast<std::uint8_t>(number >> (8 * (7 - byte)));
    id.bytes[15] = 1;
    return id;
}
counts any_model() {
    counts all;
    const auto numbers = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 40));
    for (const auto number : numbers) all[numbered(number)] = *rc::gen::inRange<std::uint64_t>(1, 9);
    return all;
}
cut cut_of(const counts& from) {
    cut all;
    for (const auto& [id, counter] : from) all.push_back({id, counter});
    return all;
}

/// The quickest of several: `size` replicas are joined with as many others that lie between them.
double seconds_to_join(std::size_t size) {
    cut even, odd;
    for (std::size_t i = 0; i < size; ++i) {
        even.push_back({numbered(2 * i), 1});
        odd.push_back({numbered(2 * i + 1), 1});
    }
    double best = 1e9;
    for (int round = 0; round < 7; ++round) {
        auto both = even;
        const auto from = support::processor_seconds();
        both.join(odd);
        best = std::min(best, support::processor_seconds() - from);
        REQUIRE(both.size() == 2 * size);
    }
    return best;
}

} // namespace

TEST_CASE("cut: joined, overlaid and covered as maps are", "[crdt][law]") {
    CHECK(rc::check([] {
        const auto a = any_model(), b = any_model();
        auto highest = a, laid = a;
        bool covered = true;
        for (const auto& [id, counter] : b) {
            highest[id] = std::max(highest[id], counter);
            laid[id] = counter;
            const auto at = a.find(id);
            covered = covered && at != a.end() && at->second >= counter;
        }
        auto joined = cut_of(a), overlaid = cut_of(a);
        joined.join(cut_of(b));
        overlaid.overlay(cut_of(b));
        RC_ASSERT(joined == cut_of(highest));
        RC_ASSERT(overlaid == cut_of(laid));
        RC_ASSERT(cut_of(a).covers(cut_of(b)) == covered);
        RC_ASSERT(joined.covers(cut_of(a)) && joined.covers(cut_of(b)));
        joined.join(joined);
        RC_ASSERT(joined == cut_of(highest));
    }));
}

TEST_CASE("cut: made of dots in any order, and thinned out", "[crdt][law]") {
    CHECK(rc::check([] {
        const auto numbers = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 20));
        std::vector<dot> dots;
        counts highest;
        for (const auto number : numbers) {
            const auto counter = *rc::gen::inRange<std::uint64_t>(0, 5);
            dots.push_back({numbered(number), counter});
            if (counter != 0) highest[numbered(number)] = std::max(highest[numbered(number)], counter);
        }
        auto made = cut::of_dots(dots);
        RC_ASSERT(made == cut_of(highest));
        made.erase_if([](const dot& id) { return id.counter % 2 == 0; });
        std::erase_if(highest, [](const auto& each) { return each.second % 2 == 0; });
        RC_ASSERT(made == cut_of(highest));
    }));
}

TEST_CASE("cut: joining costs in proportion to what is joined", "[crdt][law]") {
    // Eight times as many: 8 times the time, or 64 times if each new one moved all that follow it.
    const auto few = seconds_to_join(8192), many = seconds_to_join(65536);
    CAPTURE(few, many);
    CHECK(many < 30 * few);
}
