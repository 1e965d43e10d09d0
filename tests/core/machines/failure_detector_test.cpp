// Proves what is asked about one that is silent, and when; what counts as a sign of life; and what two
// members of one name lead to.
#include "core/failure_detector.hpp"
#include "machines/reaching.hpp"

using namespace baton;
using namespace baton::core;

namespace {
struct detecting {
    reaching_node node;
    mesh_options& settings = node.settings;
    membership& members = node.members;
    outbox& out = node.out;
    failure_detector detector{
        settings,    members,  node.mail, node.all.greetings, node.all.introductions.keys(),
        node.random, node.time};
    const instant begun = node.time.now();

    peer& up(std::uint8_t number) {
        auto& p = node.up(number);
        p.name = "node" + std::to_string(number);
        out.clear();
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
    /// How many frames of a kind have been sent by a link.
    template <class Frame>
    [[nodiscard]] std::size_t sent() const {
        std::size_t count = 0;
        for (const auto& each : out.actions) {
            const auto* const one = std::get_if<send_request>(&each);
            if (one != nullptr && std::holds_alternative<Frame>(*wire::decode(one->bytes))) ++count;
        }
        return count;
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
    const auto first = s.detector.probe(p, s.begun, s.out);
    CHECK(s.probes().empty()); // heard just now
    CHECK(first > s.begun);
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
    CHECK(s.arrives({false, replica(2), 7}, s.begun).alive == replica(2));
    REQUIRE(s.probes().size() == 1);
    s.members.transition(p, member_state::crashed, event_kind::crashed, s.begun);
    CHECK(s.arrives({false, replica(2), 7}, s.begun).alive == replica(2));
    CHECK(s.probes().size() == 1);
    CHECK_FALSE(s.arrives({false, replica(9), 7}, s.begun).alive); // nobody known
    CHECK(s.probes().empty());
    CHECK_FALSE(s.detector.on_probe({"10.0.0.2", "tcp://10.0.0.2:1", "noise"}, s.begun, s.out).why);
}

TEST_CASE("failure detector: others are asked about one that is silent, a few at a time", "[core][machine]") {
    detecting s;
    auto& silent = s.up(2);
    for (std::uint8_t number = 3; number < 9; ++number) s.up(number);
    const auto again = s.detector.inquire(replica(2), silent, s.begun + 10ms, s.out);
    CHECK(again > s.begun + 10ms);
    const auto asked = s.probes();
    CHECK(asked.size() == 3);
    for (const auto& each : asked) CHECK(each.about == replica(2));
    CHECK(s.detector.inquire(replica(2), silent, again - 1ns, s.out) == again);
    CHECK(s.probes().empty());
    CHECK_FALSE(silent.health.life.is_vouched(s.begun + 10s, s.detector.patience()));
    s.arrives({true, replica(3), asked[0].number, replica(2), 5}, s.begun + 10s);
    CHECK(silent.health.life.is_vouched(s.begun + 10s, s.detector.patience()));
}

TEST_CASE("failure detector: who asks about a member gets a report when it is heard", "[core][machine]") {
    detecting s;
    auto& p = s.up(2);
    s.up(3);
    s.detector.on_inquiry(replica(2), replica(3), {true}, s.begun, s.out);
    CHECK(s.sent<wire::word>() == 1); // it was heard just now
    CHECK(s.sent<wire::hello>() == 0);
    CHECK(s.probes().empty());
    const auto late = s.begun + 1s;
    s.node.time.clear();
    s.detector.on_inquiry(replica(2), replica(3), {true}, late, s.out);
    CHECK(s.sent<wire::word>() == 1);  // how long ago that was
    CHECK(s.sent<wire::hello>() == 1); // it is asked for a sign of life
    CHECK(s.probes().size() == 1);
    CHECK(s.node.time.wake_at() > late); // for the next probe
    CHECK(s.node.time.wake_at() < late + 1s);
    s.detector.on_inquiry(replica(2), replica(3), {true}, late, s.out);
    CHECK(s.out.actions.empty()); // it has been asked just now
    p.health.life.heard(late + 1s, true);
    s.detector.answer_inquirers(replica(2), p, late + 1s, s.out);
    CHECK(s.sent<wire::word>() == 1);
    s.out.clear();
    s.detector.answer_inquirers(replica(2), p, late + 1s, s.out);
    CHECK(s.out.actions.empty());
    s.detector.on_inquiry(replica(9), replica(3), {true}, late, s.out); // nobody known
    s.detector.on_inquiry(replica(3), replica(3), {true}, late, s.out); // of itself
    CHECK(s.out.actions.empty());
}

TEST_CASE("failure detector: what is missing of both ways is named, since when it is", "[core][machine]") {
    detecting s;
    auto& p = s.up(2);
    core::link via;
    via.open = true;
    p.sees_me = true;
    CHECK(s.detector.look_both_ways(p, &via, true, s.begun) == nullptr);
    CHECK(s.detector.look_both_ways(p, &via, false, s.begun + 1s) != nullptr);
    CHECK(s.detector.look_both_ways(p, nullptr, true, s.begun + 2s) != nullptr);
    CHECK(p.health.one_way_since == s.begun + 1s);
    s.detector.report_one_way(replica(2), p, "missing", s.out);
    s.detector.report_one_way(replica(2), p, "missing", s.out);
    CHECK(s.out.events.size() == 1);
    CHECK(s.detector.look_both_ways(p, &via, true, s.begun + 3s) == nullptr);
    CHECK_FALSE(p.health.one_way_since);
}

TEST_CASE("namesakes: the older of two members of one name is replaced, unless it answers",
          "[core][machine]") {
    detecting s;
    s.settings.name = "own";
    auto& names = s.detector.names;
    auto &older = s.up(2), &newer = s.up(3);
    older.name = newer.name = "same";
    s.node.pass(1ms);
    names.meet(replica(3), newer, s.out);
    CHECK(s.sent<wire::hello>() == 1); // the older one is asked for a sign of life
    CHECK(s.node.time.wake_at() == s.node.time.now() + namesakes::patience);
    CHECK(s.out.events.empty());
    CHECK_FALSE(names.judge(replica(2), older, s.out)); // only the new one waits
    CHECK_FALSE(names.judge(replica(3), newer, s.out));
    SECTION("it is silent") {
        s.node.pass(namesakes::patience - 1ms);
        CHECK_FALSE(names.judge(replica(3), newer, s.out));
        CHECK(s.node.time.wake_at() == s.node.time.now() + 1ms);
        s.node.pass(1ms);
        CHECK(names.judge(replica(3), newer, s.out) == replica(2));
        CHECK_FALSE(names.judge(replica(3), newer, s.out)); // decided
        CHECK(s.out.events.empty());
    }
    SECTION("its connection closes") {
        older.health.life.closed(s.node.time.now());
        CHECK(names.judge(replica(3), newer, s.out) == replica(2));
    }
    SECTION("it lives") {
        s.node.pass(500ms);
        older.health.life.heard(s.node.time.now(), true);
        CHECK_FALSE(names.judge(replica(3), newer, s.out));
        REQUIRE(s.out.events.size() == 1);
        CHECK(s.out.events[0].kind == event_kind::name_conflict);
        s.node.pass(namesakes::patience);
        CHECK_FALSE(names.judge(replica(3), newer, s.out)); // reported once
        CHECK(s.out.events.size() == 1);
    }
    SECTION("it has left by then") {
        s.members.transition(older, member_state::left, event_kind::left, s.node.time.now());
        s.node.pass(namesakes::patience);
        CHECK_FALSE(names.judge(replica(3), newer, s.out));
    }
}

TEST_CASE("namesakes: a node with this node's own name is a conflict at once", "[core][machine]") {
    detecting s;
    s.settings.name = "own";
    auto& newer = s.up(3);
    newer.name = "own";
    s.detector.names.meet(replica(3), newer, s.out);
    REQUIRE(s.out.events.size() == 1);
    CHECK(s.out.events[0].kind == event_kind::name_conflict);
    CHECK(s.sent<wire::hello>() == 0);
}
