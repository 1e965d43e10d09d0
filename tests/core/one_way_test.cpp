// Proves what a firewall does that blocks one direction of dialling after all connections were reset once. A
// member is up only while both directions work. A member that is only heard is reported, is no copy, is not
// called crashed, and is up again once the path is free. The simulated network blocks one direction.
#include "asking.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

/// `who` cannot be dialled by these any more.
void wall_in(scene& s, process_number who, std::initializer_list<process_number> others, bool on = true) {
    for (const auto other : others) {
        s.bar(s.at(other).slot, s.at(who).slot, on);
        if (on) s.reset(s.at(other).slot, s.at(who).slot);
    }
}
std::size_t swings(scene& s, process_number who, process_number about) {
    return s.heard(who, event_kind::suspect, about) + s.heard(who, event_kind::joined, about);
}

} // namespace

TEST_CASE("one way: who cannot be dialled any more is suspect on both sides, steadily, and not crashed",
          "[core][scenario]") {
    const bool with_key = GENERATE(false, true);
    CAPTURE(with_key);
    world::settings how;
    if (with_key) how.node.keys = {*mesh_key::from_bytes(std::string(mesh_key::size, 'k'))};
    scene s(how);
    s.gather(2);
    s.run_for(1s);
    wall_in(s, 1, {0});
    s.run_for(5s);
    s.stash(0, 0, "of the first");
    s.stash(1, 1, "of the second");
    std::size_t ever_up = 0;
    for (int i = 0; i < 600; ++i) {
        s.run_for(100ms);
        for (const process_number who : {0, 1})
            ever_up += s.sees(who, 1 - who, member_state::suspect) ? 0 : 1;
    }
    CHECK(ever_up == 0);
    for (const process_number who : {0, 1}) {
        CHECK(swings(s, who, 1 - who) == 2); // it joined and became suspect, once each
        CHECK(s.heard(who, event_kind::one_way, 1 - who) == 1);
        CHECK(s.heard(who, event_kind::crashed, 1 - who) == 0);
        CHECK(s.mesh(who).members_up().empty());
    }
    CHECK(s.pickup(1, 0) == "of the first"); // which it still hears
    wall_in(s, 1, {0}, false);
    s.settle(15s);
    CHECK(s.pickup(0, 1) == "of the second");
    for (const process_number who : {0, 1}) CHECK(s.heard(who, event_kind::crashed, 1 - who) == 0);
}

TEST_CASE("one way: it is nobody's copy, and nothing is called absent that it may hold", "[core][scenario]") {
    scene s;
    s.gather(2);
    s.run_for(1s);
    wall_in(s, 1, {0});
    s.run_for(5s);
    const auto written = s.stash(0, 0, "of the first");
    s.stash(1, 1, "of the second, which the first cannot fetch");
    s.run_for(5s);
    REQUIRE(s.pickup(1, 0) == "of the first");
    const auto held = s.mesh(0).measure({written, ack_level::copies(2), {}});
    CHECK(held.copies == 1);
    CHECK_FALSE(held.met);
    const auto question = s.mesh(0).begin_question(s.moment_at(0));
    s.give(0, core::time_passed{});
    s.run_for(3s);
    const auto now = s.mesh(0).judge_absence(question);
    CHECK_FALSE(now.confirmed);
    CHECK(now.who == std::vector{s.at(1).id});
}

TEST_CASE("one way: among three nobody swings, and those that work both ways go on", "[core][scenario]") {
    scene s;
    s.gather(3);
    s.run_for(1s);
    wall_in(s, 2, {0, 1});
    s.run_for(5s);
    const auto before = s.at(0).events.size() + s.at(1).events.size() + s.at(2).events.size();
    const auto sent = s.spent(0).datagrams;
    s.run_for(60s);
    CHECK(s.at(0).events.size() + s.at(1).events.size() + s.at(2).events.size() == before);
    CHECK(s.spent(0).datagrams - sent <= 60 * 10);
    CHECK(s.sees(0, 1, member_state::up));
    CHECK(s.sees(1, 0, member_state::up));
    for (const process_number who : {0, 1}) {
        CHECK(s.sees(who, 2, member_state::suspect));
        CHECK(s.sees(2, who, member_state::suspect));
    }
    s.crash(2); // then it is heard no more
    CHECK(s.run_until(
        [&] { return s.sees(0, 2, member_state::crashed) && s.sees(1, 2, member_state::crashed); }, 10s));
}

TEST_CASE("one way: a newcomer that nobody can dial is reported, though it never comes up",
          "[core][scenario]") {
    world::settings how;
    how.node.beacon = false;
    scene s(how);
    s.start(0);
    s.bar(0, 1, true);
    auto own = how.node;
    own.seeds = {endpoint_of(0)};
    s.start(1, own);
    s.run_for(60s);
    for (const process_number who : {0, 1}) {
        CHECK(s.sees(who, 1 - who, member_state::contacting));
        CHECK(s.heard(who, event_kind::one_way, 1 - who) == 1);
        CHECK(s.heard(who, event_kind::joined, 1 - who) == 0);
    }
    CHECK(s.spent(0).dials <= 20); // ever more seldom
    s.bar(0, 1, false);
    s.settle(15s);
}
