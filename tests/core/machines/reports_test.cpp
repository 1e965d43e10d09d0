// Proves what is kept of what a member reports, when this node lacks something, and that equal cuts with
// unequal digests are reported once.
#include "core/reports.hpp"
#include "core/schedule.hpp"
#include "core/standing.hpp"
#include "machines/alone.hpp"

using namespace baton;
using namespace baton::core;

namespace {
struct hearing : lone_node {
    schedule time{{start + 1h, wall}};
    reports desk{settings, here, members, time, counters};
    outbox out;
};
} // namespace

TEST_CASE("reports: what a member has and this node lacks is asked for after a grace", "[core][machine]") {
    hearing a;
    auto& p = a.up(2);
    auto s = standing_of(a.here);
    s.seen.raise({replica(2), 3});
    a.time.clear();
    a.desk.learn_standing(replica(2), p, s, 100ms, a.out);
    CHECK(p.pull.at == a.time.now() + 100ms);
    CHECK(a.time.wake_at() == a.time.now() + 100ms);
    CHECK(a.out.acknowledged);
    CHECK(p.holds.told.of(replica(2)) == 3);
    a.desk.note_lack(p, 1s); // later than the noted time
    CHECK(p.pull.at == a.time.now() + 100ms);
    a.desk.note_lack(p, 0ms);
    CHECK(p.pull.at == a.time.now());
    a.desk.learn_same(replica(2), p, standing_of(a.here), 0, a.out);
    CHECK_FALSE(p.pull.at);
}

TEST_CASE("reports: equal cuts with unequal digests are reported once, and repaired", "[core][machine]") {
    hearing a;
    auto& p = a.up(2);
    auto s = standing_of(a.here);
    REQUIRE(s.has_state);
    ++s.state.low;
    a.desk.learn_standing(replica(2), p, s, 100ms, a.out);
    a.desk.learn_standing(replica(2), p, s, 100ms, a.out);
    CHECK(p.holds.diverged);
    CHECK(p.pull.at);
    CHECK(a.counters.diverged == 2);
    REQUIRE(a.out.events.size() == 1);
    CHECK(a.out.events[0].kind == event_kind::diverged);
    a.desk.learn_standing(replica(2), p, standing_of(a.here), 100ms, a.out);
    CHECK_FALSE(p.holds.diverged);
}

TEST_CASE("reports: of ids that nobody knows so many are kept", "[core][machine]") {
    hearing a;
    a.settings.limits.unknown_ids_max = 4;
    auto& p = a.up(2);
    cut reported, room;
    for (std::uint8_t number = 10; number < 30; ++number) reported.raise({replica(number), 1});
    CHECK(&a.desk.learn(p, reported, room) == &room);
    CHECK(room.size() == 4);
    CHECK(p.holds.seen.size() <= 4);
    CHECK(a.counters.ids_ignored == 16);
    cut small;
    small.raise({replica(2), 7});
    CHECK(&a.desk.learn(p, small, room) == &small);
    CHECK(p.holds.seen.of(replica(2)) == 7);
}
