// Proves the receiver's end of a session, against a session server and with frames that no server would send:
// whom it asks and when, that what comes is invisible before the COMMIT, how each session ends, and what that
// means to the next one.
#include "core/session_receiver.hpp"
#include "machines/pulling.hpp"

using namespace baton;
using namespace baton::core;

TEST_CASE("session receiver: what comes is visible with the commit, and not before", "[core][machine]") {
    two_nodes s;
    s.write(s.there, 20);
    s.consider();
    CHECK(s.receiver.is_open());
    CHECK(s.receiver.is_of_newcomer());
    CHECK(s.node.here.keys() == 0);
    s.run(3); // chunks, and no COMMIT yet
    REQUIRE(s.receiver.is_open());
    CHECK(s.node.here.staged_slots() != 0);
    CHECK(s.node.here.keys() == 0);
    s.run();
    REQUIRE(s.end);
    CHECK(s.end->how == session_end::committed);
    CHECK(s.end->from == replica(2));
    CHECK(s.end->at.seen == s.there.here.seen());
    CHECK(s.node.here.covers(s.there.here.seen()));
    CHECK(s.keys() == 20);
    CHECK(s.server.size() == 0); // it has been told
    CHECK(s.receiver.counted().pulled == 1);
    CHECK(s.receiver.counted().applied == 20);
}

TEST_CASE("session receiver: the member that holds most of what is missing is asked, after its grace",
          "[core][machine]") {
    two_nodes s;
    s.write(s.there, 2);
    auto& other = s.node.up(3);
    other.holds.seen.raise({replica(3), 1});
    s.receiver.note_lack(other, s.at.now);
    s.p.holds.seen = s.there.here.seen();
    s.receiver.note_lack(s.p, s.at.now + 100ms);
    CHECK(s.receiver.take_deadline() == s.at.now);
    s.receiver.consider(s.at, s.space, s.out); // the other one has no link
    CHECK_FALSE(s.receiver.is_open());
    CHECK(s.receiver.take_deadline() == s.at.now + 100ms);
    s.at.now += 100ms;
    s.receiver.consider(s.at, s.space, s.out);
    REQUIRE(s.receiver.is_open());
    REQUIRE(s.out.actions.size() == 1);
    CHECK(std::get<send_request>(s.out.actions[0]).link == *s.p.via);
    s.receiver.consider(s.at, s.space, s.out); // one at a time
    CHECK(s.out.actions.size() == 1);
}

TEST_CASE("session receiver: nobody is asked for what is here by now", "[core][machine]") {
    two_nodes s;
    s.p.holds.seen = s.node.here.seen();
    s.p.pull.at = s.at.now;
    s.receiver.consider(s.at, s.space, s.out);
    CHECK_FALSE(s.receiver.is_open());
    CHECK_FALSE(s.p.pull.at);
}

TEST_CASE("session receiver: a full node asks only a member whose state leaves it room", "[core][machine]") {
    two_nodes s;
    s.write(s.there, 1);
    room small{1000};
    REQUIRE(small.judge(2000, false));
    s.p.holds.seen = s.there.here.seen();
    s.receiver.note_lack(s.p, s.at.now);
    s.p.holds.live_bytes = 999;
    s.receiver.consider(s.at, small, s.out);
    CHECK_FALSE(s.receiver.is_open());
    s.p.holds.live_bytes = 100;
    s.receiver.consider(s.at, small, s.out);
    CHECK(s.receiver.is_open());
}

TEST_CASE("session receiver: a server that does not know what was told on PUB is told the whole cut, at once",
          "[core][machine]") {
    two_nodes s;
    s.write(s.there, 1);
    s.p.holds.told_otherwise = true;
    s.receiver.note_told({}); // as if the server had heard it
    CHECK_FALSE(s.p.holds.told_otherwise);
    s.consider();
    s.run();
    REQUIRE(s.end);
    CHECK(s.end->how == session_end::asked_again);
    CHECK(s.p.pull.pace.is_due(s.at.now));
    s.consider();
    s.run();
    CHECK(s.end->how == session_end::committed);
    CHECK(s.receiver.counted().pulled == 2);
    CHECK(s.receiver.counted().failed == 0);
}

TEST_CASE("session receiver: a lost frame is made good for; a silent server is given up", "[core][machine]") {
    two_nodes s;
    s.write(s.there, 20);
    s.consider();
    s.out.clear(); // the PULL is lost
    s.at.now += 300ms;
    s.tend();
    CHECK_FALSE(s.out.actions.empty());
    s.run(2);
    s.out.clear(); // so is a CREDIT
    s.at.now += 300ms;
    s.tend();
    s.run();
    REQUIRE(s.end);
    CHECK(s.end->how == session_end::committed);

    s.write(s.there, 1);
    s.consider();
    unsigned repeats = 0;
    for (s.end.reset(); !s.end && repeats < 100; ++repeats) {
        s.at.now = std::max(s.at.now, s.receiver.take_deadline());
        s.out.clear();
        s.tend();
    }
    REQUIRE(s.end);
    CHECK(s.end->how == session_end::silent);
    CHECK(repeats <= 12);
    CHECK_FALSE(s.p.pull.pace.is_due(s.at.now)); // it does not ask again at once
    REQUIRE(s.p.pull.at);
    s.receiver.consider(s.at, s.space, s.out);
    CHECK_FALSE(s.receiver.is_open());
}

TEST_CASE("session receiver: the other store is compared with by ranges", "[core][machine]") {
    two_nodes s;
    s.write(s.there, 20);
    s.consider();
    s.run();
    write_buffers buffers;
    REQUIRE(s.there.here.remove(register_of("key 3"), timestamp::at(wall), buffers));
    s.write(s.there, 2);
    s.p.pull.compare_next = true;
    s.consider();
    while (s.receiver.compared() == nullptr && s.receiver.is_open()) s.run(1);
    REQUIRE(s.receiver.compared() != nullptr);
    CHECK(s.receiver.compared()->of(replica(2)) == 23);
    s.run();
    REQUIRE(s.end);
    CHECK(s.end->how == session_end::committed);
    CHECK(s.receiver.counted().compared == 1);
    CHECK(s.keys() == 21);
    CHECK_FALSE(s.node.here.read("key 3"));
}

// The PULL may be long under way, so events of a new origin that arrive meanwhile are compared, too. A long
// listing leaves out an origin whose records the server has all removed.
TEST_CASE("session receiver: what came after the PULL is compared, of an origin unknown then too",
          "[core][machine]") {
    two_nodes s;
    s.there.settings.bounds.listing_bytes = 1;
    s.write(s.there, 20);
    s.consider();
    s.run();
    s.write(s.there, 1);
    s.p.pull.compare_next = true;
    s.consider(); // asks, and the server hears it below
    lone_node third{3};
    write_buffers buffers;
    const auto theirs = third.here.put(register_of("brief"), "v", timestamp::at(wall), buffers);
    REQUIRE(s.node.here.apply(theirs.id, theirs.event) == store::applied::yes);
    REQUIRE(s.there.here.apply(theirs.id, theirs.event) == store::applied::yes);
    REQUIRE(s.there.here.remove(register_of("brief"), timestamp::at(wall), buffers));
    s.run();
    REQUIRE(s.end);
    CHECK(s.end->how == session_end::committed);
    CHECK(s.receiver.counted().compared == 1);
    CHECK_FALSE(s.node.here.read("brief"));
    CHECK(s.keys() == 21);
}

TEST_CASE("session receiver: what has come of a session is gone on with at another server, by ranges",
          "[core][machine]") {
    two_nodes s;
    s.write(s.there, 20);
    s.consider();
    s.run(3);
    CHECK_FALSE(s.receiver.drop(replica(7), s.at, s.out).end);
    const auto done = s.receiver.drop(replica(2), s.at, s.out);
    REQUIRE(done.end);
    CHECK(done.end->how == session_end::server_gone);
    CHECK(s.node.here.stage_is_cache());
    s.server.drop(replica(1));
    s.out.clear();
    s.at.now += 1s;
    s.consider();
    s.run();
    CHECK(s.end->how == session_end::committed);
    CHECK(s.receiver.counted().compared == 1);
    CHECK(s.keys() == 20);
}

TEST_CASE("session receiver: a cache that nobody goes on with is dropped after a while", "[core][machine]") {
    two_nodes s;
    s.write(s.there, 20);
    s.consider();
    s.run(3);
    (void)s.receiver.abandon(session_end::server_gone, s.at, s.out);
    s.at.now += 29s;
    s.tend();
    CHECK(s.node.here.staged_slots() != 0);
    s.at.now += 1s;
    s.tend();
    CHECK(s.node.here.staged_slots() == 0);
}

TEST_CASE("session receiver: a commit that claims more of a member than that has said waits for its word",
          "[core][machine]") {
    const bool says_so = GENERATE(false, true);
    two_nodes s;
    lone_node origin{3};
    s.write(s.there, 1);
    write_buffers buffers;
    const auto theirs = origin.here.put(register_of("x"), "1", timestamp::at(wall), buffers);
    REQUIRE(s.there.here.apply(theirs.id, theirs.event) == store::applied::yes);
    auto& other = s.node.up(3);
    s.consider();
    s.run();
    CHECK_FALSE(s.end);
    CHECK(s.beyond == std::vector<replica_id>{replica(3)});
    if (says_so) {
        other.holds.seen.raise(theirs.id);
        s.tend();
        REQUIRE(s.end);
        CHECK(s.end->how == session_end::committed);
    } else {
        s.at.now += 2s;
        s.tend();
        REQUIRE(s.end);
        CHECK(s.end->how == session_end::beyond_word);
        CHECK(is_refusal(s.end->how));
        CHECK(s.node.here.keys() == 0);
    }
}

TEST_CASE("session receiver: a server that has reported more than it has is believed by its commit",
          "[core][machine]") {
    two_nodes s;
    s.write(s.there, 1);
    s.p.holds.seen.raise({replica(9), 5}); // reported, and never was
    s.consider();
    s.run();
    REQUIRE(s.end);
    CHECK(s.end->how == session_end::committed);
    CHECK(s.end->overstated);
    CHECK(s.node.here.covers(s.p.holds.seen));
    s.write(s.there, 1);
    s.p.holds.seen.raise({replica(9), 5});
    s.consider();
    s.run();
    CHECK_FALSE(s.end->overstated); // once of each
}

TEST_CASE("session receiver: a chunk of another walk, of another server or without sense ends the session",
          "[core][machine]") {
    two_nodes s;
    s.write(s.there, 20);
    s.consider();
    s.run(3);
    wire::state f;
    f.session = 1;
    SECTION("another walk") {
        f.walk = 1;
        CHECK(s.take(f).end->how == session_end::began_anew);
    }
    SECTION("busy") {
        f.flags = wire::state::busy;
        CHECK(s.take(f).end->how == session_end::busy);
    }
    SECTION("of a number that was never asked") {
        f.session = 2;
        const auto done = s.take(f);
        CHECK_FALSE(done.why);
        CHECK_FALSE(done.end);
    }
    SECTION("rows without sense") {
        s.receiver.abandon(session_end::server_gone, s.at, s.out);
        s.node.here.stage_abort();
        s.at.now += 10s;
        s.consider();
        f.session = 2;
        f.walk = 5;
        f.rows = "no rows";
        CHECK_FALSE(s.take(f).end);
        const auto done = s.receiver.work(s.at, s.out);
        REQUIRE(done.end);
        CHECK(done.end->how == session_end::malformed);
        CHECK(s.node.here.staged_slots() == 0);
    }
}

TEST_CASE("session receiver: a server's archive beyond its bound ends the session", "[core][machine]") {
    two_nodes s;
    s.node.settings.bounds.archive_entries = 100;
    s.write(s.there, 1);
    s.consider();
    std::optional<session_receiver::ended> end;
    for (std::uint64_t chunk = 0; chunk < 5 && !end; ++chunk) {
        wire::state f;
        f.session = 1;
        f.chunk = chunk;
        f.flags = wire::state::archive;
        const auto rows = archive_rows(static_cast<std::uint8_t>(chunk));
        f.rows = rows;
        end = s.take(f).end;
        CHECK(end.has_value() == (chunk == 2)); // 100 entries have come, and are above the bound
    }
    REQUIRE(end);
    CHECK(end->how == session_end::malformed);
}

TEST_CASE("session receiver: a listing without sense ends the session at once, as a STATE does",
          "[core][machine]") {
    const bool opening = GENERATE(true, false);
    CAPTURE(opening);
    two_nodes s;
    s.write(s.there, 200);
    s.consider();
    s.run();
    write_buffers buffers;
    for (int i = 1; i <= 200; i += 2)
        REQUIRE(s.there.here.remove(register_of("key " + std::to_string(i)), timestamp::at(wall), buffers));
    s.p.pull.compare_next = true;
    s.end.reset();
    s.consider();
    if (!opening) s.run(1); // a question is under way
    REQUIRE(s.receiver.is_open());
    REQUIRE((s.receiver.compared() != nullptr) == !opening);
    wire::fingerprint f;
    f.session = 2;
    f.number = opening ? 0 : 1;
    f.walk = s.walk;
    f.rows = "no listing";
    auto done = s.answer(f);
    CHECK(std::string_view(done.why.refused) == "malformed state");
    REQUIRE(done.end);
    CHECK(done.end->how == session_end::malformed);
    CHECK_FALSE(s.receiver.is_open());
    CHECK(s.node.here.staged_slots() == 0);
    CHECK_FALSE(s.p.pull.pace.is_due(s.at.now));
    CHECK(s.receiver.counted().failed == 1);
}

TEST_CASE("session receiver: after a session without room the next one is looked at before it is staged",
          "[core][machine]") {
    two_nodes s;
    s.write(s.there, 20);
    s.consider();
    s.run(3);
    CHECK_FALSE(s.receiver.is_short_of_room());
    REQUIRE(s.receiver.abandon(session_end::full, s.at, s.out).end);
    CHECK(s.node.here.staged_slots() == 0);
    s.server.drop(replica(1));
    s.out.clear();
    s.at.now += 10s;
    s.fits = false;
    s.consider();
    CHECK(s.receiver.is_short_of_room());
    s.run();
    REQUIRE(s.end);
    CHECK(s.end->how == session_end::full);
    CHECK(s.node.here.staged_slots() == 0);
    s.server.drop(replica(1));
    s.out.clear();
    s.at.now += 10s;
    s.fits = true;
    s.consider();
    s.run();
    CHECK(s.end->how == session_end::committed);
    s.write(s.there, 1);
    s.consider();
    CHECK_FALSE(s.receiver.is_short_of_room()); // until it happens again
}

TEST_CASE(
    "session receiver: this node stood still: for a moment, or so long that the server has forgotten it",
    "[core][machine]") {
    two_nodes s;
    s.write(s.there, 20);
    s.consider();
    s.run(3);
    s.out.clear();
    s.at.now += 4s;
    CHECK_FALSE(s.receiver.excuse(4s, s.at, s.out).end);
    s.tend();
    CHECK(s.out.actions.empty()); // the server has not been silent
    s.at.now += 5s;
    const auto done = s.receiver.excuse(5s, s.at, s.out);
    REQUIRE(done.end);
    CHECK(done.end->how == session_end::paused);
    CHECK(s.p.pull.pace.is_due(s.at.now)); // the pause is not the fault of the server
}
