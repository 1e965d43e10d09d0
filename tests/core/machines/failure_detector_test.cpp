// Proves what is asked about one that is silent, and when; what counts as a sign of life; and what two
// members of one name lead to.
#include "core/failure_detector.hpp"
#include "machines/alone.hpp"

using namespace baton;
using namespace baton::core;

namespace {
struct detecting {
    mesh_options settings = options_of(replica(1));
    membership members{replica(1)};
    std::map<link_id, core::link> links;
    node_stats counters;
    discovery::keyring keys; // none: the mesh is open
    std::mt19937_64 random{1};
    courier mail{settings, members, links, counters};
    failure_detector detector{settings, members, mail, keys, random};
    outbox out;

    peer& up(std::uint8_t number) {
        auto& p = members.add(replica(number));
        members.transition(p, member_state::up, event_kind::joined, start);
        p.endpoint = "tcp://10.0.0." + std::to_string(number) + ":1";
        p.routable = true;
        p.version = wire::version_max;
        p.health.life.heard(start, true);
        return p;
    }
    std::vector<discovery::probe> probes() {
        std::vector<discovery::probe> all;
        for (const auto& each : out.actions) {
            if (const auto* const sent = std::get_if<send_datagram>(&each))
                all.push_back(*discovery::decode_probe(sent->bytes));
        }
        out.clear();
        return all;
    }
    failure_detector::probed arrives(const discovery::probe& what, instant now) {
        const auto bytes = discovery::encode(what);
        return detector.on_probe({"10.0.0.2", "tcp://10.0.0.2:1", bytes}, now, out);
    }
};
} // namespace

TEST_CASE("failure detector: one that is late is probed, and its answer is a sign of life",
          "[core][machine]") {
    detecting s;
    auto& p = s.up(2);
    const auto first = s.detector.probe(p, start, s.out);
    CHECK(s.probes().empty()); // heard just now
    CHECK(first > start);
    const auto next = s.detector.probe(p, first, s.out);
    const auto asked = s.probes();
    REQUIRE(asked.size() == 1);
    CHECK(next > first);
    CHECK_FALSE(s.arrives({true, replica(2), asked[0].number + 1}, next).alive); // nobody asked that
    CHECK(s.arrives({true, replica(2), asked[0].number}, next).alive == replica(2));
    CHECK(s.detector.counted().probes_answered == 1);
}

TEST_CASE("failure detector: a probe is answered to members, and to those called crashed",
          "[core][machine]") {
    detecting s;
    auto& p = s.up(2);
    CHECK(s.arrives({false, replica(2), 7}, start).alive == replica(2));
    REQUIRE(s.probes().size() == 1);
    s.members.transition(p, member_state::crashed, event_kind::crashed, start);
    CHECK(s.arrives({false, replica(2), 7}, start).alive == replica(2));
    CHECK(s.probes().size() == 1);
    CHECK_FALSE(s.arrives({false, replica(9), 7}, start).alive); // nobody known
    CHECK(s.probes().empty());
    CHECK_FALSE(s.detector.on_probe({"10.0.0.2", "tcp://10.0.0.2:1", "noise"}, start, s.out).why);
}

TEST_CASE("failure detector: others are asked about one that is silent, a few at a time", "[core][machine]") {
    detecting s;
    auto& silent = s.up(2);
    for (std::uint8_t number = 3; number < 9; ++number) s.up(number);
    const auto again = s.detector.inquire(replica(2), silent, start + 10ms, s.out);
    CHECK(again > start + 10ms);
    const auto asked = s.probes();
    CHECK(asked.size() == 3);
    for (const auto& each : asked) CHECK(each.about == replica(2));
    CHECK(s.detector.inquire(replica(2), silent, again - 1ns, s.out) == again);
    CHECK(s.probes().empty());
    CHECK_FALSE(silent.health.life.is_vouched(start + 10s, s.detector.patience()));
    s.arrives({true, replica(3), asked[0].number, replica(2), 5}, start + 10s);
    CHECK(silent.health.life.is_vouched(start + 10s, s.detector.patience()));
}

TEST_CASE("failure detector: who asks about a member is told when it is heard", "[core][machine]") {
    detecting s;
    auto& p = s.up(2);
    s.up(3);
    CHECK_FALSE(s.detector.note_inquirer(replica(2), replica(3), {true}, start)); // it was heard just now
    s.detector.answer_inquirers(replica(2), p, start, s.out);
    CHECK(s.out.actions.size() == 1);
    s.out.clear();
    CHECK(s.detector.note_inquirer(replica(2), replica(3), {true}, start + 1s)); // to be asked for a sign
    CHECK_FALSE(s.detector.note_inquirer(replica(2), replica(3), {true}, start + 1s));
    s.detector.answer_inquirers(replica(2), p, start + 1s, s.out);
    CHECK(s.out.actions.empty());
    p.health.life.heard(start + 2s, true);
    s.detector.answer_inquirers(replica(2), p, start + 2s, s.out);
    CHECK(s.out.actions.size() == 1);
}

TEST_CASE("failure detector: what is missing of both ways is named, since when it is", "[core][machine]") {
    detecting s;
    auto& p = s.up(2);
    core::link via;
    via.open = true;
    p.sees_me = true;
    CHECK(s.detector.look_both_ways(p, &via, true, start) == nullptr);
    CHECK(s.detector.look_both_ways(p, &via, false, start + 1s) != nullptr);
    CHECK(s.detector.look_both_ways(p, nullptr, true, start + 2s) != nullptr);
    CHECK(p.health.one_way_since == start + 1s);
    s.detector.report_one_way(replica(2), p, "missing", s.out);
    s.detector.report_one_way(replica(2), p, "missing", s.out);
    CHECK(s.out.events.size() == 1);
    CHECK(s.detector.look_both_ways(p, &via, true, start + 3s) == nullptr);
    CHECK_FALSE(p.health.one_way_since);
}

TEST_CASE("failure detector: of two members of one name the older one is replaced, unless it answers",
          "[core][machine]") {
    detecting s;
    s.settings.name = "own";
    auto &older = s.up(2), &newer = s.up(3);
    older.name = newer.name = "same";
    CHECK(s.detector.meet_namesakes(replica(3), newer, start + 1s, s.out) == replica(2));
    const auto waits = s.detector.judge_namesake(replica(3), newer, start + 1s, s.out);
    REQUIRE(waits.again_at);
    CHECK_FALSE(waits.replaced);
    SECTION("it is silent") {
        CHECK(s.detector.judge_namesake(replica(3), newer, *waits.again_at, s.out).replaced == replica(2));
        CHECK(s.out.events.empty());
    }
    SECTION("it lives") {
        older.health.life.heard(start + 1500ms, true);
        CHECK_FALSE(s.detector.judge_namesake(replica(3), newer, start + 1500ms, s.out).replaced);
        REQUIRE(s.out.events.size() == 1);
        CHECK(s.out.events[0].kind == event_kind::name_conflict);
    }
}
