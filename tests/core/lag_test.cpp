// Lag: a member that falls behind by more than limits.lag_max, and does not catch up, is not waited for any
// more; when it is back, it is compared with by ranges (I7, I8).
#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

TEST_CASE("lag: a member that stops acknowledging is left behind, and its return goes through ranges",
          "[core][scenario]") {
    world::settings how;
    how.node.limits.lag_max = 50;
    scene s(how);
    s.gather(2);
    s.fill(0, 20);
    s.settle();
    // Neither DELTAs nor its own requests get through, so no session with the removals is open.
    s.set_filter([&](process_number, process_number, channel, std::string_view bytes) {
        return !is<wire::delta>(bytes) && !is<wire::pull>(bytes);
    });
    for (std::size_t key = 0; key < 10; ++key) s.drop(0, key);
    for (int i = 0; i < 30; ++i) s.stash(0, 19, "still within the bound");
    s.run_for(5s);
    CHECK(s.removals(0) == 10);
    CHECK(s.mesh(0).stats().evictions == 0);
    CHECK_FALSE(s.mesh(0).is_crowded());

    for (int i = 0; i < 30; ++i) s.stash(0, 18, "beyond it");
    CHECK(s.mesh(0).is_crowded());
    s.run_for(1500ms);
    CHECK(s.mesh(0).stats().evictions == 0); // patience first
    s.run_for(1500ms);
    CHECK(s.mesh(0).stats().evictions == 1);
    CHECK(s.removals(0) == 0);
    CHECK_FALSE(s.mesh(0).is_crowded()); // writers no longer wait for it
    CHECK(s.sees(0, 1, member_state::up));
    CHECK(s.mesh(1).state().keys() == 20);

    s.set_filter({});
    s.settle(3s);
    CHECK(s.mesh(0).stats().sessions_compared == 1);
    CHECK(s.mesh(1).state().keys() == 10);
    s.drop(0, 15); // writers wait for it again
    s.run_for(1s);
    CHECK(s.mesh(0).stats().evictions == 1);
    CHECK(s.removals(0) == 0);
}

TEST_CASE("lag: writers wait for a member from the word on that it has everything", "[core][scenario]") {
    // A burst in the moment in which it has come into view, before the next heartbeat.
    world::settings how;
    how.node.limits.lag_max = 50;
    scene s(how);
    s.start(0);
    s.run_for(1s);
    s.start(1);
    REQUIRE(s.run_until([&] { return s.sees(0, 1, member_state::up); }, 1s));
    for (int i = 0; i < 130; ++i) s.stash(0, 1, std::to_string(i)); // asked after each 64
    CHECK(s.mesh(0).is_crowded());
    s.settle();
    s.run_for(1s);
    CHECK_FALSE(s.mesh(0).is_crowded());
}

TEST_CASE("lag: the session of a member that is left behind holds no removal records", "[core][scenario]") {
    // It repeats its request, and no answer reaches it.
    world::settings how;
    how.node.limits.lag_max = 50;
    scene s(how);
    s.gather(2);
    s.fill(0, 20);
    s.settle();
    s.set_filter([&](process_number, process_number to, channel, std::string_view bytes) {
        return to != 1 || !(is<wire::delta>(bytes) || is<wire::state>(bytes) || is<wire::fingerprint>(bytes));
    });
    for (std::size_t key = 0; key < 10; ++key) s.drop(0, key);
    for (int i = 0; i < 60; ++i) s.stash(0, 19, "beyond the bound");
    s.run_for(6s);
    CHECK(s.mesh(0).stats().evictions == 1);
    CHECK(s.mesh(0).stats().sessions_served >= 1);
    CHECK(s.removals(0) == 0);
    s.set_filter({});
    s.settle(10s);
    CHECK(s.mesh(1).state().keys() == 10);
}

TEST_CASE("lag: a member that catches up slowly is not left behind", "[core][scenario]") {
    // Repairs arrive, one a second: it is always behind by more than the bound, and always less so than
    // before.
    world::settings how;
    how.node.limits.lag_max = 20;
    scene s(how);
    s.gather(2);
    s.set_filter([&](process_number, process_number to, channel, std::string_view bytes) {
        return to != 1 || !(is<wire::delta>(bytes) || is<wire::state>(bytes));
    });
    for (int i = 0; i < 100; ++i) s.stash(0, 1, std::to_string(i));
    s.run_for(1s);
    for (int i = 0; i < 5; ++i) {
        s.set_filter({});
        s.run_for(400ms);
        s.set_filter([&](process_number, process_number to, channel, std::string_view bytes) {
            return to != 1 || !(is<wire::delta>(bytes) || is<wire::state>(bytes));
        });
        for (int more = 0; more < 60 - 10 * i; ++more) s.stash(0, 1, std::to_string(more));
        s.run_for(1s);
    }
    CHECK(s.mesh(0).stats().evictions == 0);
}

TEST_CASE("lag: who is left behind by its server holds nothing back at the others either",
          "[core][scenario]") {
    // If each member judged a lag by its own writes, a member that only reads would wait for ever.
    world::settings how;
    how.node.limits.lag_max = 50;
    scene s(how);
    s.gather(3);
    s.fill(0, 20);
    s.settle();
    s.set_filter([&](process_number, process_number to, channel, std::string_view bytes) {
        return to != 2 || !(is<wire::delta>(bytes) || is<wire::state>(bytes));
    });
    for (std::size_t key = 0; key < 10; ++key) s.drop(0, key);
    for (int i = 0; i < 60; ++i) s.stash(0, 19, "beyond the bound");
    s.run_for(6s);
    CHECK(s.mesh(0).stats().evictions == 1);
    CHECK(s.removals(0) == 0);
    CHECK(s.removals(1) == 0);
}

TEST_CASE("lag: by its age, told from when the oldest was sent that is not acknowledged",
          "[core][scenario]") {
    // Acknowledged, nothing; then silence while ten seconds of writing go by; then nothing again.
    scene s;
    s.gather(2);
    const auto of_other = [&] {
        const auto all = s.mesh(0).members();
        REQUIRE(all.size() == 1);
        return all.front();
    };
    s.stash(0, 0, "value");
    s.settle();
    s.run_for(2s);
    CHECK(of_other().lag == 0);
    CHECK(of_other().lag_age == 0ms);
    s.freeze(1, true);
    for (int i = 0; i < 1000; ++i) {
        s.stash(0, 1, std::to_string(i));
        s.run_for(1ms);
    }
    CHECK(of_other().lag >= 1000);
    CHECK(of_other().lag_age >= 990ms);
    CHECK(of_other().lag_age <= 1050ms);
    s.freeze(1, false);
    s.settle();
    s.run_for(2s);
    CHECK(of_other().lag_age == 0ms);
}

TEST_CASE("lag: one that was archived while it stood still does not wait for a newcomer to acknowledge it",
          "[core][scenario]") {
    // No cut names an archived origin. If it waited, it would write nothing, and so never return to a cut.
    world::settings how;
    how.node.limits.lag_max = 50;
    scene s(how);
    s.gather(3);
    for (int i = 0; i < 100; ++i) s.stash(0, 1, std::to_string(i));
    s.settle();
    s.freeze(0, true);
    s.run_for(20s);
    s.freeze(0, false);
    s.settle(10s);
    REQUIRE(s.mesh(0).state().archived().of(s.at(0).id) == 100);
    const auto fresh = s.join(3);
    s.run_for(2s);
    CHECK_FALSE(s.mesh(0).is_crowded());
    for (const auto& m : s.mesh(0).members()) {
        if (m.id == s.at(fresh).id) CHECK(m.lag == 0);
    }
    s.stash(0, 2, "after all");
    CHECK_FALSE(s.mesh(0).is_crowded());
    s.settle();
}
