// Proves what monitor::view() shows of a node, under virtual time: which direction of a link fails, how far a
// sync is, who owns what, how long leaves take, and when a node is ready.
#include "scene.hpp"

#include <algorithm>

using namespace baton;
using namespace baton::sim;

namespace {

core::mesh& of(scene& s, process_number who) { return s.mesh(who); }

member_link link_to(scene& s, process_number who, process_number about) {
    for (const auto& link : of(s, who).links()) {
        if (link.id == s.at(about).id) return link;
    }
    return {};
}

} // namespace

TEST_CASE("view: a link shows the direction that fails", "[core][scenario]") {
    scene s;
    s.gather(2);
    for (const process_number who : {0, 1}) {
        CHECK(link_to(s, who, 1 - who).hears);
        CHECK(link_to(s, who, 1 - who).is_heard);
    }
    // Nobody can dial 1 any more: 1 hears nothing of 0, and 0 still hears 1.
    s.run_for(1s);
    s.bar(s.at(0).slot, s.at(1).slot, true);
    s.reset(s.at(0).slot, s.at(1).slot);
    CHECK(s.run_until([&] { return s.sees(0, 1, member_state::suspect); }, 10s));
    s.run_for(10s);
    const auto link = link_to(s, 0, 1);
    CHECK(link.hears != link.is_heard);
    s.bar(s.at(0).slot, s.at(1).slot, false);
    CHECK(s.run_until([&] { return link_to(s, 0, 1).hears && link_to(s, 0, 1).is_heard; }, 60s));
}

TEST_CASE("view: members name each other when they are asked", "[core][scenario]") {
    scene s;
    s.gather(3);
    const auto question = of(s, 0).begin_question(s.moment_at(0));
    s.give(0, core::time_passed{});
    CHECK(s.run_until([&] { return of(s, 0).has_answers(question); }, 1s));
    of(s, 0).end_question(question);
    const auto views = of(s, 0).views({}, 10);
    REQUIRE(views.size() == 2);
    for (const auto& view : views) {
        REQUIRE(view.named.size() == 1); // the other one; not this node
        CHECK(view.named[0] != view.id);
        CHECK(view.named[0] != s.at(0).id);
    }
    // In slices, as the shell reads them.
    CHECK(of(s, 0).views({}, 1).size() == 1);
    CHECK(of(s, 0).views(of(s, 0).views({}, 1)[0].id, 10).size() == 1);
    CHECK(of(s, 0).members({}, 1).size() == 1);
    CHECK(of(s, 0).members(of(s, 0).members({}, 1)[0].id, 5).size() == 1);
}

TEST_CASE("view: the progress of a sync grows on both sides, and ends with it", "[core][scenario]") {
    scene s(small_chunks(300));
    s.gather(1);
    s.fill(0, 300);
    const auto joiner = s.start(1);
    double received = 0, sent = 0;
    std::uint64_t expected = 0;
    const bool done = s.run_until(
        [&] {
            for (const auto& sync : of(s, joiner).syncs()) {
                CHECK(sync.receives);
                CHECK(sync.with == s.at(0).id);
                CHECK(sync.name == s.at(0).name);
                CHECK(sync.done() >= received);
                CHECK(sync.records <= 300);
                received = sync.done();
                expected = std::max(expected, sync.records_expected);
            }
            for (const auto& sync : of(s, 0).syncs()) {
                CHECK_FALSE(sync.receives);
                CHECK(sync.with == s.at(joiner).id);
                CHECK(sync.done() >= sent);
                sent = sync.done();
            }
            return of(s, joiner).state().keys() == 300;
        },
        30s);
    CHECK(done);
    CHECK(received > 0.5);
    CHECK(sent > 0.1);
    CHECK(expected == 300);
    s.settle();
    CHECK(of(s, joiner).syncs().empty());
    // The server hears of the end a little later.
    CHECK(s.run_until([&] { return of(s, 0).syncs().empty(); }, 1s));
}

TEST_CASE("view: claims of all owners, at most so many", "[core][scenario]") {
    scene s;
    s.gather(2);
    s.fill(0, 5);
    s.settle();
    for (const std::size_t key : {0, 1, 2}) REQUIRE(s.claim(0, key));
    for (const std::size_t key : {3, 4}) REQUIRE(s.claim(1, key));
    s.settle();
    for (const process_number who : {0, 1}) {
        std::size_t all = 0;
        const auto seen = of(s, who).claims_seen(10, all);
        CHECK(all == 5);
        REQUIRE(seen.size() == 5);
        CHECK(std::count_if(seen.begin(), seen.end(),
                            [&](const claimed_key& each) { return each.owner == s.at(0).id; }) == 3);
        CHECK(of(s, who).claims_seen(2, all).size() == 2);
        CHECK(all == 5);
    }
    s.leave(1);
    CHECK(s.run_until([&] { return s.at(1).left; }, 10s));
    s.settle();
    std::size_t all = 0;
    CHECK(of(s, 0).claims_seen(10, all).size() == 3);
}

TEST_CASE("view: leaves of members are timed, and a node that leaves is not ready", "[core][scenario]") {
    scene s;
    s.gather(3);
    s.fill(2, 10);
    s.settle();
    CHECK(of(s, 2).is_leaving() == false);
    s.leave(2);
    CHECK(s.run_until([&] { return s.sees(0, 2, member_state::leaving) || s.at(2).left; }, 10s));
    if (!s.at(2).left) CHECK_FALSE(of(s, 2).is_ready());
    CHECK(s.run_until([&] { return s.at(2).left; }, 10s));
    s.settle();
    for (const process_number who : {0, 1}) {
        const auto leaves = of(s, who).stats().leaves;
        std::uint64_t count = 0;
        for (const auto each : leaves.counts) count += each;
        CHECK(count == 1);
        CHECK(leaves.sum >= 0ns);
        CHECK(leaves.sum < 5s);
    }
}

TEST_CASE("view: ready when alone, also when somebody unknown turns up, and with a member only when synced",
          "[core][scenario]") {
    scene s(small_chunks(300));
    s.start(0);
    CHECK_FALSE(of(s, 0).is_ready());
    CHECK(s.run_until([&] { return of(s, 0).is_ready(); }, 10s));
    s.fill(0, 300);
    const auto joiner = s.start(1);
    bool early = false;
    CHECK(s.run_until(
        [&] {
            of(s, joiner).catch_up(s.moment_at(joiner));
            s.give(joiner, core::time_passed{});
            const bool whole = of(s, joiner).state().keys() == 300;
            early = early || (of(s, joiner).is_ready() && !whole);
            return of(s, joiner).is_ready() && whole;
        },
        30s));
    CHECK_FALSE(early);
    CHECK(s.run_until(
        [&] {
            of(s, 0).catch_up(s.moment_at(0));
            s.give(0, core::time_passed{});
            return of(s, 0).is_ready();
        },
        10s));
}
