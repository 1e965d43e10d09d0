// Cases from bugs of known systems that no other file covers: many members leave at once, minorities leave,
// successors start early, newcomers meet stores of every size.
#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

TEST_CASE("known: a newcomer to 1,000 and to 10,000 keys, in tiny chunks, does not wipe the store",
          "[core][scenario]") {
    const std::size_t keys = GENERATE(1000, 10'000);
    CAPTURE(keys);
    scene s(small_chunks(keys, 300, 3000));
    s.gather(1);
    s.fill(0, keys);
    const auto b = s.start(1);
    s.settle(30s);
    CHECK(s.mesh(0).state().keys() == keys);
    CHECK(s.mesh(b).state().keys() == keys);
    s.check_everything();
}

TEST_CASE("known: two newcomers at once, who meet one another first", "[core][scenario]") {
    // Both nodes are empty: neither may take the emptiness of the other for the truth.
    scene s(with_keys(500));
    s.gather(1);
    s.fill(0, 500);
    s.sever(0, 1, true), s.sever(0, 2, true);
    s.start(1), s.start(2);
    s.run_for(2s);
    CHECK(s.mesh(1).synced());
    s.sever(0, 1, false), s.sever(0, 2, false);
    s.settle(10s);
    for (const process_number who : {0, 1, 2}) CHECK(s.mesh(who).state().keys() == 500);
}

TEST_CASE("known: all but one leave at once, and the last one has it all", "[core][scenario]") {
    scene s(with_keys(100));
    s.gather(5);
    for (std::size_t key = 0; key < 100; ++key) s.stash(key % 5, key, "by " + std::to_string(key % 5));
    for (const process_number who : {0, 1, 2, 3}) s.leave(who);
    REQUIRE(s.run_until([&] { return s.alive().size() == 1; }, 15s));
    for (const process_number who : {0, 1, 2, 3}) CHECK(s.at(who).met != 0);
    CHECK(s.mesh(4).state().keys() == 100);
    s.run_for(2s);
    CHECK(s.mesh(4).stats().origins <= 1);
    s.check_everything();
}

TEST_CASE("known: a leave inside a minority is told what it is worth, and reaches the rest later",
          "[core][scenario]") {
    // Two of five are cut off together. One of them leaves: the other one holds it all, and only that one.
    scene s(with_keys(20));
    s.gather(5);
    for (const slot_number minority : {0, 1})
        for (const slot_number majority : {2, 3, 4}) s.sever(minority, majority, true);
    s.fill(0, 20);
    s.run_for(10s);
    REQUIRE(s.sees(0, 2, member_state::crashed));
    s.leave(0, 2, 5s);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 6s));
    CHECK(s.at(0).met != 0);
    CHECK(s.at(0).heirs == std::vector<process_number>{1});
    CHECK(s.mesh(2).state().keys() == 0);
    s.run_for(10s); // long enough for either side to archive the other
    for (const slot_number minority : {0, 1})
        for (const slot_number majority : {2, 3, 4}) s.sever(minority, majority, false);
    s.settle(10s);
    for (const process_number who : {1, 2, 3, 4}) CHECK(s.mesh(who).state().keys() == 20);
    s.check_everything();
}

TEST_CASE("known: a successor that starts before the stash, at another address or the same",
          "[core][scenario]") {
    scene s;
    s.gather(1);
    const auto successor = s.join(1);
    s.stash(0, 0, "the last save");
    s.leave(0, 1, 5s);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 6s));
    CHECK(s.pickup(successor, 0) == "the last save");
    const auto third = s.join(0); // at the address of the first node
    CHECK(s.pickup(third, 0) == "the last save");
    s.leave(successor, 1, 5s);
    s.stash(third, 0, "after it");
    REQUIRE(s.run_until([&] { return s.at(successor).left; }, 6s));
    CHECK(s.pickup(third, 0) == "after it");
}

TEST_CASE("known: a goodbye that comes on two ways, and twice, is told once", "[core][scenario]") {
    world::settings how;
    how.faults.duplicate = 1000;
    scene s(how);
    s.gather(4);
    s.stash(0, 0, "x");
    s.leave(0);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 6s));
    s.run_for(3s);
    for (const process_number who : {1, 2, 3}) {
        CHECK(s.heard(who, event_kind::left, 0) == 1);
        CHECK(s.heard(who, event_kind::leaving, 0) == 1);
        CHECK(s.heard(who, event_kind::crashed, 0) == 0);
    }
}

TEST_CASE("known: 20,000 writes in a tight loop with a peer attached lose nothing", "[core][scenario]") {
    // Both sides write without pause. The oracle checks a sample of keys, since checking each after every
    // write would take long.
    auto how = with_keys(2000);
    how.check = false;
    scene s(how);
    s.gather(2);
    for (std::size_t i = 0; i < 10'000; ++i) {
        s.stash(0, i % 1000, std::to_string(i));
        s.stash(1, 1000 + i % 1000, std::to_string(i));
    }
    s.settle();
    for (const process_number who : {0, 1}) {
        CHECK(s.mesh(who).state().keys() == 2000);
        CHECK(s.pickup(who, 999) == "9999");
        CHECK(s.pickup(who, 1999) == "9999");
    }
}

TEST_CASE("known: a removal is not undone by the leave of a member that had not seen it",
          "[core][scenario]") {
    // The leaver is cut off, holds the value, comes back after the removal has been forgotten, and leaves.
    scene s;
    s.gather(3);
    s.fill(0, 10);
    s.settle();
    s.sever(2, 0, true), s.sever(2, 1, true);
    s.run_for(12s);
    s.drop(0, 3);
    REQUIRE(s.run_until([&] { return s.removals(0) + s.removals(1) == 0; }, 2s));
    s.stash(2, 5, "written while away");
    s.sever(2, 0, false), s.sever(2, 1, false);
    REQUIRE(
        s.run_until([&] { return s.sees(0, 2, member_state::up) && s.sees(2, 0, member_state::up); }, 10s));
    s.leave(2);
    REQUIRE(s.run_until([&] { return s.at(2).left; }, 6s));
    s.settle(5s);
    for (const process_number who : {0, 1}) {
        CHECK_FALSE(s.pickup(who, 3));
        CHECK(s.pickup(who, 5) == "written while away");
    }
    s.check_everything();
}
