// Proves how states change and what follows from them alone: what a member has to be synced with, who acts
// for all, and in which order members take their turns.
#include "core/membership.hpp"
#include "machines/alone.hpp"

using namespace baton;
using namespace baton::core;

namespace {
peer& up(membership& all, std::uint8_t number) {
    auto& p = all.add(replica(number));
    all.transition(p, member_state::up, event_kind::joined, start);
    return p;
}
constexpr auto same_rank = [](const replica_id&) { return 0; };
} // namespace

TEST_CASE("membership: what a member holds when it comes up is what it is synced with", "[core][machine]") {
    store here(replica(1), 7);
    membership all(replica(1));
    CHECK_FALSE(all.all_synced()); // no member has been met
    auto& p = all.add(replica(2));
    CHECK(p.state == member_state::contacting);
    p.holds.seen.raise({replica(2), 3});
    CHECK(all.transition(p, member_state::up, event_kind::joined, start + 1s) == member_state::contacting);
    CHECK(all.met_any());
    CHECK(p.up_at == start + 1s);
    CHECK_FALSE(all.all_synced());
    outbox out;
    all.check_synced(here, false, out);
    CHECK(out.events.empty());
    p.at_join = {};
    all.check_synced(here, false, out);
    all.check_synced(here, false, out); // once
    REQUIRE(out.events.size() == 1);
    CHECK(out.events[0].kind == event_kind::synced);
    CHECK(all.all_synced());
}

TEST_CASE("membership: one that is suspect for a while stays synced", "[core][machine]") {
    membership all(replica(1));
    auto& p = up(all, 2);
    p.synced = true;
    p.holds.seen.raise({replica(2), 9});
    all.transition(p, member_state::suspect, event_kind::suspect, start + 1s);
    all.transition(p, member_state::up, event_kind::up, start + 2s);
    CHECK(p.synced);
    CHECK(p.up_at == start);
    all.transition(p, member_state::crashed, event_kind::crashed, start + 3s);
    CHECK(p.ended_at == start + 3s);
    CHECK(all.all_synced()); // the dead do not count
    all.transition(p, member_state::up, event_kind::joined, start + 4s);
    CHECK_FALSE(p.synced);
    CHECK(p.at_join.of(replica(2)) == 9);
}

TEST_CASE("membership: a restart replaces, a crash does not", "[core][machine]") {
    membership all(replica(1));
    auto &a = up(all, 2), &b = up(all, 3);
    all.transition(a, member_state::crashed, event_kind::restarted, start);
    all.transition(b, member_state::crashed, event_kind::crashed, start);
    CHECK(a.replaced);
    CHECK_FALSE(b.replaced);
    CHECK(all.count_up() == 0);
}

TEST_CASE("membership: the smallest id that takes writes acts for all", "[core][machine]") {
    membership all(replica(5));
    CHECK(all.acts_for_all(true)); // alone
    CHECK_FALSE(all.acts_for_all(false));
    up(all, 7);
    CHECK(all.acts_for_all(true));
    auto& smaller = up(all, 2);
    CHECK_FALSE(all.acts_for_all(true));
    smaller.holds.full = true;
    CHECK(all.acts_for_all(true));
    smaller.holds.full = false;
    all.transition(smaller, member_state::leaving, event_kind::leaving, start);
    CHECK(all.acts_for_all(true));
}

TEST_CASE("membership: turns are by rank, then by id", "[core][machine]") {
    membership all(replica(5));
    up(all, 2), up(all, 7), up(all, 9);
    CHECK(all.takers_before(0, same_rank) == 1);
    const auto only_nine_first = [](const replica_id& id) { return id == replica(9) ? 0 : 1; };
    CHECK(all.takers_before(0, only_nine_first) == 0);
    CHECK(all.takers_before(1, only_nine_first) == 2); // 9 by its rank, 2 by its id
}
