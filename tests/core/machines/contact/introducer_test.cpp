// Proves whose beacons are believed, and that two nodes with one key learn where the other is, and under
// which link key, before either dials.
#include "machines/reaching.hpp"

using namespace baton;
using namespace baton::core;

namespace {
const std::string key(32, 'k'), other_key(32, 'o');
} // namespace

TEST_CASE("introducer: without a key every beacon of the cluster is heard", "[core][machine]") {
    reaching_node a(reachable(1)), b(reachable(2));
    const auto bytes = b.beacon();
    const auto heard = a.all.introductions.on_beacon({"10.0.0.2", bytes}, a.out);
    REQUIRE(heard.said);
    CHECK(heard.said->id == replica(2));
    CHECK(a.all.introductions.ways_of(*heard.said, "10.0.0.2").front().port == 5002);
    const auto own = a.beacon();
    CHECK_FALSE(a.all.introductions.on_beacon({"10.0.0.1", own}, a.out).said);
    b.settings.cluster = "another";
    const auto foreign = b.beacon();
    CHECK_FALSE(a.all.introductions.on_beacon({"10.0.0.2", foreign}, a.out).why);
    CHECK(a.counters.foreign_cluster == 1);
    CHECK(a.counters.refused_beacons == 0);
}

TEST_CASE("introducer: a beacon under another key is refused, and reported once", "[core][machine]") {
    reaching_node a(reachable(1, key)), b(reachable(2, other_key));
    for (int i = 0; i < 2; ++i) {
        const auto bytes = b.beacon();
        CHECK_FALSE(a.all.introductions.on_beacon({"10.0.0.2", bytes}, a.out).said);
    }
    CHECK(a.counters.refused_beacons == 2);
    REQUIRE(a.out.events.size() == 1);
    CHECK(a.out.events[0].kind == event_kind::refused);
}

TEST_CASE("introducer: a beacon vouches for a link key, and a recording of it for nothing",
          "[core][machine]") {
    reaching_node a(reachable(1, key)), b(reachable(2, key));
    const auto first = b.beacon(), second = b.beacon();
    CHECK(a.all.introductions.on_beacon({"10.0.0.2", second}, a.out).said);
    const auto let_in = a.taken<admit>();
    REQUIRE(let_in.size() == 1);
    CHECK(let_in[0].key == b.settings.link_key);
    CHECK(a.all.introductions.known().owner_of(b.settings.link_key) == replica(2));
    CHECK_FALSE(a.all.introductions.on_beacon({"10.0.0.9", first}, a.out).why);  // older than the last beacon
    CHECK_FALSE(a.all.introductions.on_beacon({"10.0.0.9", second}, a.out).why); // again, and it is no peer
}

TEST_CASE("introducer: a question is answered, and the answer names its sender", "[core][machine]") {
    reaching_node a(reachable(1, key)), b(reachable(2, key));
    a.all.introductions.ask(endpoint_of(2), false, a.out);
    const auto questions = a.taken<send_datagram>();
    REQUIRE(questions.size() == 1);
    CHECK(questions[0].endpoint == endpoint_of(2));
    const auto asked =
        b.all.introductions.on_introduction({"10.0.0.1", endpoint_of(1), questions[0].bytes}, b.out);
    CHECK(asked.why);
    CHECK(asked.endpoint.empty()); // the datagram answered no question
    const auto answers = b.taken<send_datagram>();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].bytes.size() <= questions[0].bytes.size());
    const datagram_arrived answer{"10.0.0.2", endpoint_of(2), answers[0].bytes};
    const auto got = a.all.introductions.on_introduction(answer, a.out);
    CHECK(got.endpoint == endpoint_of(2));
    CHECK(got.said.key == b.settings.link_key);
    CHECK(a.all.introductions.on_introduction(answer, a.out).endpoint.empty()); // once
    const auto mine =
        a.all.introductions.on_introduction({"10.0.0.1", endpoint_of(1), questions[0].bytes}, a.out);
    CHECK_FALSE(mine.own); // another datagram has answered that question
}

TEST_CASE("introducer: a node that asks itself learns it", "[core][machine]") {
    reaching_node a(reachable(1, key));
    a.all.introductions.ask("tcp://10.0.0.7:5001", false, a.out);
    const auto questions = a.taken<send_datagram>();
    const auto got =
        a.all.introductions.on_introduction({"10.0.0.1", endpoint_of(1), questions.at(0).bytes}, a.out);
    CHECK(got.own);
    CHECK(got.endpoint == "tcp://10.0.0.7:5001");
}

TEST_CASE("introducer: a newcomer whose clock is off has to echo", "[core][machine]") {
    reaching_node a(reachable(1, key)), b(reachable(2, key));
    b.time.begin({b.time.now(), wall + 3'600'000});
    const auto bytes = b.beacon();
    CHECK_FALSE(a.all.introductions.on_beacon({"10.0.0.2", bytes}, a.out).said);
    const auto questions = a.taken<send_datagram>();
    REQUIRE(questions.size() == 1);
    (void)b.all.introductions.on_introduction({"10.0.0.1", endpoint_of(1), questions[0].bytes}, b.out);
    const auto answers = b.taken<send_datagram>();
    const auto got =
        a.all.introductions.on_introduction({"10.0.0.2", endpoint_of(2), answers.at(0).bytes}, a.out);
    CHECK(got.endpoint == endpoint_of(2));
}

TEST_CASE("introducer: questions are bounded in a second", "[core][machine]") {
    auto settings = reachable(1, key);
    settings.limits.introductions_max = 4;
    reaching_node a(settings);
    for (int i = 0; i < 9; ++i) a.all.introductions.ask(endpoint_of(2), false, a.out);
    CHECK(a.taken<send_datagram>().size() == 4);
    a.pass(1s);
    for (int i = 0; i < 9; ++i) a.all.introductions.ask(endpoint_of(2), true, a.out);
    CHECK(a.taken<send_datagram>().size() == 2);
}
