// Proves what waits for whom: a removal record goes once every member has told of it, an origin is archived
// once it has said goodbye and everybody has it, and a member that stays too far behind holds back neither.
#include "core/stability.hpp"
#include "machines/writing.hpp"

using namespace baton;
using namespace baton::core;

namespace {
struct settling : writing_node {
    std::mt19937_64 random{1};
    session_server server{settings, here, members, mail, random};
    stability rest{settings, here, members, server, write, out};

    dot put(std::string_view key) { return write.put(register_of(key), "value", write.tick(wall)); }
    void remove(std::string_view key) { REQUIRE(write.remove(register_of(key), write.tick(wall))); }
    void tend(mesh_clock::duration since = 0ms, bool takes_writes = true) {
        rest.judge_lag(false, start + since, box);
        rest.tend(takes_writes, {start + since, wall}, box);
        while (rest.work()) {
        }
    }
    void told(peer& p) { p.holds.seen = here.seen(); }
};
} // namespace

TEST_CASE("stability: a removal record goes once every member has told of it", "[core][machine]") {
    settling s;
    auto &a = s.up(2), &b = s.up(3);
    s.put("key"), s.remove("key");
    s.told(a);
    s.tend();
    CHECK(s.here.removals() == 1);
    s.told(b);
    s.tend();
    CHECK(s.here.removals() == 0);
}

TEST_CASE("stability: one that is full or gone holds nothing back", "[core][machine]") {
    settling s;
    auto &a = s.up(2), &b = s.up(3);
    s.put("key"), s.remove("key");
    a.holds.full = true;
    s.members.transition(b, member_state::crashed, event_kind::crashed, start);
    s.tend();
    CHECK(s.here.removals() == 0);
}

TEST_CASE("stability: a session under way holds back what it has yet to carry", "[core][machine]") {
    settling s;
    auto& p = s.up(2);
    s.put("key"), s.remove("key");
    s.told(p);
    wire::pull f;
    f.session = 1;
    f.id = replica(2);
    REQUIRE(s.server.on_pull(replica(2), f, start, s.box));
    s.tend();
    CHECK(s.here.removals() == 1);
    s.server.drop(replica(2));
    s.tend();
    CHECK(s.here.removals() == 0);
}

TEST_CASE("stability: an origin that has said goodbye is archived by the member that acts for all",
          "[core][machine]") {
    settling s;
    store other(replica(9), 3);
    write_buffers buffers;
    const auto theirs = other.put(register_of("x"), "1", timestamp::at(wall), buffers);
    REQUIRE(s.here.apply(theirs.id, theirs.event) == store::applied::yes);
    auto& p = s.up(9);
    p.final = 1;
    s.members.transition(p, member_state::left, event_kind::left, start);
    s.tend(0ms, false); // full, or leaving
    CHECK(s.here.archived().of(replica(9)) == 0);
    s.tend();
    CHECK(s.here.archived().of(replica(9)) == 1);
    CHECK(s.here.read("x"));
}

// A newcomer that was frozen during a walk would otherwise keep a removed record: its COMMIT claims the
// removal, but the removal record is gone before the walk reaches it.
TEST_CASE("stability: the session of a member that is left behind ends", "[core][machine]") {
    settling s;
    s.settings.limits.lag_max = 0;
    auto& p = s.up(2);
    s.put("key");
    wire::pull f;
    f.session = 1;
    f.id = replica(2);
    REQUIRE(s.server.on_pull(replica(2), f, start, s.box));
    s.remove("key");
    s.tend();
    s.tend(1900ms);
    CHECK(s.server.size() == 1);
    CHECK(s.here.removals() == 1);
    s.box.clear();
    s.tend(2100ms);
    REQUIRE(p.lag.evicted);
    CHECK(s.server.size() == 0);
    CHECK(s.here.removals() == 0);
    const auto* const told =
        s.box.actions.empty() ? nullptr : std::get_if<send_reply>(&s.box.actions.front());
    REQUIRE(told);
    CHECK((std::get<wire::state>(*wire::decode(told->bytes)).flags & wire::state::busy) != 0);
}

TEST_CASE("stability: a member that stays too far behind is left behind", "[core][machine]") {
    settling s;
    s.settings.limits.lag_max = 3;
    auto& p = s.up(2);
    s.tend();
    for (int i = 0; i < 5; ++i) s.put("key");
    CHECK(p.lag.kept_up);
    s.tend(1s);
    CHECK_FALSE(p.lag.evicted); // the member may still catch up
    s.tend(1s + 2s);
    CHECK(p.lag.evicted);
    CHECK(s.rest.evictions() == 1);
    CHECK(s.rest.stable_cut().of(replica(1)) == 5);
    s.told(p);
    s.tend(4s);
    CHECK_FALSE(p.lag.evicted);
}
