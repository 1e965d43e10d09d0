// Proves the server's end of a session: it ends with a COMMIT at its cut, a number is served once, what is
// lost is sent again, and a silent receiver is forgotten.
#include "core/session_server.hpp"
#include "machines/alone.hpp"

#include <deque>

using namespace baton;
using namespace baton::core;

namespace {
struct serving : lone_node {
    std::mt19937_64 random{1};
    session_server server{settings, here, members, mail, random};
    outbox out;
    std::deque<std::string> bytes; ///< frames point into them

    serving() {
        auto& p = members.add(replica(2));
        members.transition(p, member_state::up, event_kind::joined, start);
        p.version = wire::version_max;
        write_buffers buffers;
        for (const auto* key : {"a", "b", "c"})
            here.put(register_of(key), "value", timestamp::at(wall), buffers);
    }
    verdict pull(std::uint64_t session, instant now = start) {
        wire::pull f;
        f.session = session;
        f.id = replica(2);
        f.chunk_bytes = 1 << 16;
        f.credit_bytes = 1 << 20;
        return server.on_pull(replica(2), f, now, out);
    }
    std::vector<wire::state> states() {
        while (server.work({start, wall}, out)) {
        }
        std::vector<wire::state> all;
        for (const auto& each : out.actions) {
            bytes.push_back(std::get<send_reply>(each).bytes);
            const auto frame = wire::decode(bytes.back());
            all.push_back(std::get<wire::state>(*frame));
        }
        out.clear();
        return all;
    }
};
} // namespace

TEST_CASE("session server: a session ends with a commit at its cut", "[core][machine]") {
    serving s;
    REQUIRE(s.pull(1));
    const auto all = s.states();
    REQUIRE_FALSE(all.empty());
    const auto& last = all.back();
    CHECK((last.flags & wire::state::commit) != 0);
    CHECK(last.at.seen.of(replica(1)) == 3);
    CHECK(s.server.counted().served == 1);
    CHECK(s.server.least_pin(replica(1), 3) == 0); // the walk began at nothing
    const auto done = s.server.on_credit(replica(2), {1, last.chunk + 1, true, last.walk}, start + 1s, s.out);
    CHECK(done.why);
    REQUIRE(done.holds);
    CHECK(done.holds->of(replica(1)) == 3);
    CHECK(s.server.size() == 0);
    CHECK(s.server.least_pin(replica(1), 3) == 3);
}

TEST_CASE("session server: a number is served once", "[core][machine]") {
    serving s;
    REQUIRE(s.pull(4));
    const auto walk = s.states().back().walk;
    s.server.drop(replica(2));
    REQUIRE(s.pull(4)); // a repeated PULL of a session that is forgotten here
    const auto told = s.states();
    REQUIRE(told.size() == 1);
    CHECK((told[0].flags & wire::state::busy) != 0);
    REQUIRE(s.pull(3)); // an older one: late
    CHECK(s.out.actions.empty());
    REQUIRE(s.pull(5));
    CHECK(s.states().back().walk != walk);
}

TEST_CASE("session server: what seems to be lost is sent again, not more often than it passes",
          "[core][machine]") {
    serving s;
    REQUIRE(s.pull(1));
    const auto first = s.states();
    REQUIRE(s.pull(1, start + 1s));
    CHECK(s.states().size() == first.size());
    REQUIRE(s.pull(1, start + 1s));
    CHECK(s.out.actions.empty());
}

TEST_CASE("session server: credit for what is not served is answered, or refused", "[core][machine]") {
    serving s;
    CHECK_FALSE(s.server.on_credit(replica(2), {9, 0, false, 0}, start, s.out).why);
    REQUIRE(s.pull(1));
    wire::fingerprint question; // for a session that does not compare
    question.session = 1;
    CHECK_FALSE(s.server.on_question(replica(2), question, start, s.out));
}

TEST_CASE("session server: a silent receiver is forgotten", "[core][machine]") {
    serving s;
    REQUIRE(s.pull(1));
    const auto when = s.server.deadline();
    CHECK(when > start);
    s.server.expire(when - 1ns, s.out);
    CHECK(s.server.size() == 1);
    s.server.expire(when, s.out);
    CHECK(s.server.size() == 0);
    CHECK(s.server.deadline() == instant::max());
}

TEST_CASE("session server: a file gets what a newcomer would get", "[core][machine]") {
    serving s;
    const auto file = s.server.begin_file(start);
    std::vector<std::string> frames;
    for (bool more = true; more;) {
        std::string frame;
        more = s.server.write_file(*file, {start, wall}, frame);
        if (!frame.empty()) frames.push_back(std::move(frame));
    }
    REQUIRE_FALSE(frames.empty());
    const auto last = wire::decode(frames.back());
    CHECK((std::get<wire::state>(*last).flags & wire::state::commit) != 0);
    CHECK(s.out.actions.empty());
    CHECK(s.server.size() == 0);
}
