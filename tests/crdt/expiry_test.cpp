// Proves expiry alone, with numbers for values: which deadline is next, which are reported once, and which
// values are found, postponed and found again. The test decides when a register is over.
#include "crdt/expiry.hpp"
#include "support/catch.hpp"

#include <map>
#include <vector>

using namespace baton;
using namespace baton::crdt;
using namespace std::chrono_literals;

namespace {

instant at(std::chrono::seconds since) { return instant{since}; }

/// The values whose deadlines have passed since the last time.
std::vector<handle> passed(expiry& clock, std::size_t steps = 100) {
    std::vector<handle> all;
    (void)clock.note_passed(steps, [&](handle h) { all.push_back(h); });
    return all;
}

} // namespace

TEST_CASE("expiry: the next deadline is the first after now, and now never goes back", "[crdt]") {
    expiry clock;
    REQUIRE(clock.empty());
    REQUIRE_FALSE(clock.next_deadline());
    clock.add(at(20s), 2);
    clock.add(at(10s), 1);
    REQUIRE(clock.size() == 2);
    REQUIRE(clock.next_deadline() == at(10s));
    clock.set_now(at(10s));
    REQUIRE(clock.next_deadline() == at(20s));
    REQUIRE_FALSE(clock.all_passed());
    clock.set_now(at(5s));
    REQUIRE(clock.now() == at(10s));
    clock.remove(at(20s), 2);
    REQUIRE_FALSE(clock.next_deadline());
    REQUIRE(clock.all_passed());
}

TEST_CASE("expiry: a deadline that passes is reported once, in slices", "[crdt]") {
    expiry clock;
    for (handle h = 1; h <= 5; ++h) clock.add(at(1s), h);
    REQUIRE(passed(clock).empty());
    clock.set_now(at(1s));
    REQUIRE(passed(clock, 2) == std::vector<handle>{1, 2});
    REQUIRE(passed(clock) == std::vector<handle>{3, 4, 5});
    REQUIRE(passed(clock).empty());
    clock.add(at(2s), 6);
    clock.set_now(at(2s));
    clock.skip_passed();
    REQUIRE(passed(clock).empty());
}

TEST_CASE("expiry: a value beside one that goes on is postponed, and found when that has gone", "[crdt]") {
    expiry clock;
    clock.add(at(1s), 1);
    clock.add(at(2s), 2);
    clock.add(at(9s), 3);
    std::map<handle, bool> over{{1, false}, {2, true}};
    const auto is_over = [&](handle h) { return over.at(h); };
    std::size_t steps = 10;
    REQUIRE(clock.next_over(at(3s), steps, is_over) == 2);
    REQUIRE(steps == 8);
    REQUIRE(clock.next_over(at(3s), steps, is_over) == 2); // until it is removed
    clock.remove(at(2s), 2);
    REQUIRE_FALSE(clock.next_over(at(3s), steps, is_over));
    REQUIRE(clock.size() == 2);
    REQUIRE_FALSE(clock.next_postponed(steps, is_over));
    over[1] = true;
    steps = 10;
    REQUIRE(clock.next_postponed(steps, is_over) == 1);
    clock.remove(at(1s), 1); // a postponed one is as easily removed
    REQUIRE_FALSE(clock.next_postponed(steps, is_over));
    REQUIRE(clock.size() == 1);
}

TEST_CASE("expiry: looking for values stops when the steps are used up, and goes on by turns", "[crdt]") {
    expiry clock;
    for (handle h = 1; h <= 6; ++h) clock.add(at(1s), h);
    std::vector<handle> looked;
    const auto goes_on = [&](handle h) {
        looked.push_back(h);
        return false;
    };
    std::size_t steps = 4;
    REQUIRE_FALSE(clock.next_over(at(1s), steps, goes_on));
    REQUIRE(steps == 0);
    steps = 4;
    REQUIRE_FALSE(clock.next_over(at(1s), steps, goes_on));
    REQUIRE(steps == 2);
    REQUIRE(looked == std::vector<handle>{1, 2, 3, 4, 5, 6});
    looked.clear();
    for (int round = 0; round < 3; ++round) {
        steps = 4;
        REQUIRE_FALSE(clock.next_postponed(steps, goes_on));
    }
    REQUIRE(looked == std::vector<handle>{1, 2, 3, 4, 5, 6, 1, 2, 3, 4});
}

TEST_CASE("expiry: adopts the timers of a commit beside its own", "[crdt]") {
    expiry clock;
    clock.add(at(3s), 3);
    std::set<expiry::timer> staged{{at(1s), 1}, {at(2s), 2}};
    clock.adopt(staged);
    REQUIRE(clock.size() == 3);
    REQUIRE(clock.next_deadline() == at(1s));
    clock.set_now(at(3s));
    REQUIRE(passed(clock) == std::vector<handle>{1, 2, 3});
}
