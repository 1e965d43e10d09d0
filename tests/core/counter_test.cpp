// Proves counters over the wire: concurrent additions add up, and a removal takes exactly what it has seen.
#include "typed.hpp"

using namespace baton;
using namespace baton::sim;

TEST_CASE("counter: what three nodes add at once adds up, whatever its sign", "[core][scenario]") {
    typed s;
    s.add(0, "visits", 5);
    s.settle();
    s.part();
    s.add(0, "visits", 1), s.add(1, "visits", 10), s.add(2, "visits", -100), s.add(2, "visits", 3);
    s.meet();
    s.everywhere([&](process_number who) { CHECK(s.count(who, "visits") == 5 + 1 + 10 - 100 + 3); });
    s.add(1, "visits", INT64_MAX), s.add(1, "visits", 100); // modulo 2^64, and on
    s.everywhere([&](process_number who) {
        CHECK(static_cast<std::uint64_t>(*s.count(who, "visits")) ==
              std::uint64_t{INT64_MAX} + 100 + static_cast<std::uint64_t>(std::int64_t{-81}));
    });
}

TEST_CASE("counter: one removed while others add reads exactly what they added meanwhile",
          "[core][scenario]") {
    typed s;
    for (const process_number who : {0, 1, 2}) s.add(who, "visits", 100);
    s.settle();
    s.part();
    CHECK(s.erase(0, "visits"));
    s.add(1, "visits", 7), s.add(2, "visits", 1), s.add(2, "visits", 1);
    CHECK_FALSE(s.count(0, "visits"));
    CHECK(s.count(1, "visits") == 307);
    s.meet();
    s.everywhere([&](process_number who) { CHECK(s.count(who, "visits") == 9); });
    s.add(0, "visits", 1);
    s.everywhere([&](process_number who) { CHECK(s.count(who, "visits") == 10); });
}

TEST_CASE("counter: one removed on two sides at once takes from each share what either saw",
          "[core][scenario]") {
    typed s;
    for (const process_number who : {0, 1, 2}) s.add(who, "visits", 100);
    s.settle();
    s.part();
    s.erase(0, "visits"), s.add(0, "visits", 1);
    s.add(1, "visits", 10), s.erase(1, "visits"), s.add(1, "visits", 20);
    s.add(2, "visits", 3);
    s.meet();
    s.everywhere([&](process_number who) { CHECK(s.count(who, "visits") == 1 + 20 + 3); });
    CHECK(s.erase(2, "visits"));
    s.everywhere([&](process_number who) {
        CHECK_FALSE(s.count(who, "visits"));
        CHECK(s.mesh(who).state().types_of("visits") == 0);
    });
    s.run_for(5s); // nothing of it is left in memory either
    for (const process_number who : {0, 1, 2, 3}) CHECK(s.mesh(who).state().residues() == 0);
}

TEST_CASE(
    "counter: a member that has not seen a removal adds to what it holds, whoever is archived meanwhile",
    "[core][scenario]") {
    // A member is frozen. The node that removed the counter crashes, and a newcomer that knows nothing of the
    // frozen member archives it. A node that has met that member must still know how much of its share was
    // removed.
    scene::settings how;
    how.node.liveness.crashed_after = 60s;
    how.node.liveness.closed_after = 60s;
    how.node.liveness.archive_after = 500ms;
    scene s(how);
    s.gather(3);
    const process_number stays = 0, removes = 1, sleeps = 2;
    s.add(sleeps, "visits", 7);
    s.settle();
    s.freeze(sleeps, true);
    REQUIRE(s.erase(removes, "visits"));
    REQUIRE(s.run_until([&] { return !s.mesh(stays).state().count("visits"); }, 1s));
    s.crash(removes);
    const auto newcomer =
        s.start(1, *replica_id::from_bytes(std::string(16, '\1'))); // the smallest id archives
    REQUIRE(s.run_until([&] { return s.mesh(stays).state().archived().of(s.at(removes).id) != 0; }, 20s));
    s.run_for(2s);
    CHECK(s.mesh(stays).state().residues() == 1);
    s.freeze(sleeps, false);
    s.add(sleeps, "visits", 5);
    s.settle(20s);
    for (const auto who : {stays, sleeps, newcomer}) CHECK(s.mesh(who).state().count("visits") == 5);
}

TEST_CASE(
    "counter: nothing is left of what one that has said goodbye had added to counters that are removed later",
    "[core][scenario]") {
    // Nor at a newcomer, which has never met it. Removed before or after the leave.
    scene s;
    s.gather(3);
    for (int i = 0; i < 50; ++i) {
        s.add(2, "count " + std::to_string(i), 1);
        s.add(0, "count " + std::to_string(i), 1);
    }
    s.settle();
    const bool before = GENERATE(false, true);
    const auto remove = [&] {
        for (int i = 0; i < 50; ++i) CHECK(s.erase(0, "count " + std::to_string(i)));
    };
    if (before) {
        s.sever(1, 2, true); // events that it has not heard keep the residues until then
        remove();
        s.run_for(500ms);
        s.sever(1, 2, false);
    }
    s.leave(2, 2, 5s);
    s.run_for(90s);
    const auto n = s.join(3);
    if (!before) remove();
    s.run_for(30s);
    for (const process_number p : {process_number{0}, process_number{1}, n}) {
        CHECK(s.mesh(p).state().keys() == 0);
        CHECK(s.mesh(p).state().residues() == 0);
    }
    s.settle();
    const auto last = s.join(2);
    s.run_for(5s);
    CHECK(s.mesh(last).state().residues() == 0);
}

TEST_CASE("counter: an origin that was archived before its goodbye was heard is closed for good by whoever "
          "has heard it",
          "[core][scenario]") {
    scene s;
    s.gather(3);
    s.add(2, "count", 1);
    s.settle();
    s.set_filter([&](process_number from, process_number, channel, std::string_view bytes) {
        return from != 2 || !is<wire::left>(bytes);
    });
    s.leave(2, 2, 5s);
    s.run_for(90s);
    s.set_filter({});
    REQUIRE(s.mesh(0).state().archived().of(s.at(2).id) != 0);
    CHECK(s.erase(0, "count"));
    s.run_for(10s);
    CHECK(s.mesh(0).state().residues() == 1); // it may come back with a share that has not seen the removal
    CHECK_FALSE(s.mesh(0).state().is_closed_for_good(s.at(2).id));
    const auto final = s.mesh(0).state().archived().of(s.at(2).id);
    const auto bytes = wire::encode(wire::left{s.at(2).id, final, false, false, s.at(2).id});
    s.give(1, core::broadcast_arrived{bytes});
    s.run_for(10s);
    for (process_number p = 0; p < 2; ++p) {
        CHECK(s.mesh(p).state().residues() == 0);
        CHECK(s.mesh(p).state().archived().of(s.at(2).id) == final);
    }
}
