// Proves comparison by ranges (I8): a member that returns after the floor has passed it is compared record by
// record, in rounds whose cost depends on the differences, not on the size of the store. Frames may be lost,
// late or repeated.
#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

/// Two nodes with the same keys, cut off from one another; the first has removed some and forgotten that.
struct returning : scene {
    explicit returning(std::size_t keys, std::size_t removed, world::settings how = {})
        : scene((how.keys = keys + 20, how)) {
        gather(2);
        fill(0, keys);
        settle();
        run_for(1s);
        sever(0, 1, true);
        REQUIRE(run_until(
            [&] { return sees(0, 1, member_state::crashed) && sees(1, 0, member_state::crashed); }, 10s));
        run_for(3s); // no connection is left that would still deliver later writes
        for (std::size_t i = 0; i < removed; ++i) drop(0, i * keys / removed);
        REQUIRE(run_until([&] { return removals(0) == 0; }, 1s));
        on_trace = [this](process_number who, const core::trace& t) {
            if (who == 1 && t.what == "ask") ++questions;
        };
    }
    void meet(duration bound = 10s) {
        sever(0, 1, false);
        settle(bound);
        CHECK(mesh(0).stats().sessions_compared >= 1);
        check_everything();
    }
    std::size_t questions = 0;
};

} // namespace

TEST_CASE("ranges: what differs is found in a few rounds, at a cost of its size", "[core][scenario]") {
    constexpr std::size_t keys = 6000;
    returning s(keys, 10);
    s.stash(0, keys, "new here"), s.stash(1, keys + 1, "new there");
    const auto before = s.mesh(0).stats().state_bytes_sent;
    s.meet();
    CHECK(s.mesh(1).state().keys() == keys - 10 + 2);
    CHECK(s.mesh(0).stats().state_bytes_sent - before < 10 * 3500); // of 250,000
    CHECK(s.questions <= 5);                                        // 16-fold each time
}

TEST_CASE("ranges: everything removed, and nothing removed", "[core][scenario]") {
    const std::size_t removed = GENERATE(300, 1);
    CAPTURE(removed);
    returning s(300, removed);
    s.meet();
    CHECK(s.mesh(1).state().keys() == 300 - removed);
}

TEST_CASE("ranges: any frame of a comparison may be lost once, or come twice", "[core][scenario]") {
    // The first of each kind and direction, and then every third.
    const bool twice = GENERATE(false, true);
    CAPTURE(twice);
    world::settings how;
    how.faults.duplicate = twice ? 1000 : 0;
    returning s(3000, 100, how);
    std::map<std::pair<process_number, std::size_t>, std::size_t> seen;
    s.set_filter([&](process_number from, process_number, channel, std::string_view bytes) {
        const auto frame = wire::decode(bytes);
        if (twice || !frame ||
            !(is<wire::fingerprint>(bytes) || is<wire::state>(bytes) || is<wire::pull>(bytes)))
            return true;
        return seen[{from, frame->index()}]++ % 3 != 0;
    });
    s.stash(0, 3000, "new here"), s.stash(1, 3001, "new there");
    s.meet(60s);
    CHECK(s.mesh(1).state().keys() == 3000 - 100 + 2);
}

TEST_CASE("ranges: the server goes on writing and removing during the comparison", "[core][scenario]") {
    auto how = small_chunks(0, 512, 1024);
    returning s(3000, 300, how);
    for (std::size_t key = 1; key < 3000; key += 10) s.stash(0, key, std::string(50, 'n')); // to be shipped
    s.sever(0, 1, false);
    REQUIRE(s.run_until([&] { return s.mesh(0).stats().sessions_compared == 1; }, 5s));
    for (std::size_t i = 0; i < 200; ++i) {
        s.stash(0, 1 + i * 10, "changed during it");
        s.drop(0, 2 + i * 10);
        s.stash(1, 3 + i * 10, "by the receiver");
        s.drop(1, 4 + i * 10);
        s.run_for(50us);
    }
    REQUIRE(s.mesh(1).state().seen() != s.mesh(0).state().seen());
    s.settle(10s);
    s.check_everything();
    CHECK(s.pickup(1, 11) == "changed during it");
    CHECK_FALSE(s.pickup(1, 12));
    CHECK(s.pickup(0, 13) == "by the receiver");
    CHECK_FALSE(s.pickup(0, 14));
}

TEST_CASE("ranges: what is absent is judged by the cut of the listing, not by what the server has since seen",
          "[core][scenario]") {
    // The listing is long under way. Meanwhile the server fetches the writes of the receiver and reports
    // that.
    returning s(30, 10);
    s.stash(1, 31, "by the receiver");
    bool server_may_hear = false, listing_may_come = false;
    s.set_filter([&](process_number from, process_number, channel, std::string_view bytes) {
        if (from == 1 && (is<wire::state>(bytes) || is<wire::delta>(bytes))) return server_may_hear;
        return !(from == 0 && is<wire::fingerprint>(bytes)) || listing_may_come;
    });
    s.sever(0, 1, false);
    REQUIRE(s.run_until([&] { return s.mesh(0).stats().sessions_compared == 1; }, 3s));
    server_may_hear = true;
    REQUIRE(s.run_until([&] { return s.pickup(0, 31).has_value(); }, 3s));
    s.run_for(600ms); // its heartbeat has told
    REQUIRE(s.mesh(1).state().keys() == 31);
    listing_may_come = true;
    s.settle();
    CHECK(s.mesh(0).stats().sessions_compared == 1);
    CHECK(s.mesh(1).stats().sessions_compared == 1); // which asked for it
    for (const process_number who : {0, 1}) {
        CHECK(s.pickup(who, 31) == "by the receiver");
        CHECK(s.mesh(who).state().keys() == 21);
    }
}

TEST_CASE("ranges: both have forgotten removals that the other has not seen", "[core][scenario]") {
    returning s(300, 30);
    for (std::size_t key = 1; key < 300; key += 10) s.drop(1, key);
    REQUIRE(s.run_until([&] { return s.removals(1) == 0; }, 1s));
    s.stash(0, 300, "new here"), s.stash(1, 301, "new there");
    s.meet();
    CHECK(s.mesh(1).stats().sessions_compared >= 1);
    for (const process_number who : {0, 1}) CHECK(s.mesh(who).state().keys() == 300 - 60 + 2);
}

TEST_CASE("ranges: a third one is not misled by a member that was compared", "[core][scenario]") {
    // The second node has no removal records for what it learnt by ranges. It must not serve the third by
    // walking its log, since the third has not seen those removals either.
    scene s(with_keys(300));
    s.gather(3);
    s.fill(0, 300);
    s.settle();
    s.run_for(1s);
    s.sever(0, 1, true), s.sever(0, 2, true), s.sever(1, 2, true);
    REQUIRE(s.run_until(
        [&] { return s.sees(0, 1, member_state::crashed) && s.sees(0, 2, member_state::crashed); }, 10s));
    for (std::size_t key = 0; key < 300; key += 10) s.drop(0, key);
    s.run_for(1s);
    REQUIRE(s.removals(0) == 0);
    s.sever(0, 1, false);
    REQUIRE(s.run_until([&] { return s.mesh(1).state().keys() == 270; }, 5s));
    s.run_for(1s);
    s.crash(0);
    s.sever(1, 2, false);
    s.settle(5s);
    CHECK(s.mesh(2).state().keys() == 270);
    CHECK(s.mesh(1).stats().sessions_compared == 2); // it has compared with the first, and served the third
}
