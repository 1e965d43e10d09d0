// Proves that processes find each other and that a newcomer gets everything: real `baton run` processes on
// loopback, by beacon and by seeds, with states from 1,000 to 100,000 keys and with chunks of a few hundred
// bytes.
#include "mesh.hpp"
#include "support/catch.hpp"
#include "support/sanitizers.hpp"

using namespace io;

namespace {

/// Checks that a newcomer with these options ends with what was loaded, and that the old node still has it.
void check_newcomer(const std::string& count, const std::vector<std::string>& options) {
    const mesh net;
    auto old = net.run("old");
    old("load " + count + " 100", 60s);
    old("load 3 5000 large-");
    auto newcomer = net.run("newcomer", options);
    REQUIRE(newcomer("wait-synced 60s", 90s).at("synced") == true);
    agree({&old, &newcomer});
    CHECK(old("digest").at("keys") == std::stoull(count) + 3);
    CHECK(newcomer("stats").at("sessions_pulled") >= 1);
    CHECK(old("stats").at("sends_refused") < 100); // no more chunks under way than the link takes
    for (const std::string key : {"key-0000000000000000", "key-0000000000000999", "large-0000000000000002"})
        CHECK(newcomer("pickup " + key).at("value") == old("pickup " + key).at("value"));
}

} // namespace

TEST_CASE("join: two processes find each other by beacon alone", "[io][join]") {
    const mesh net;
    auto one = net.run("one"), other = net.run("other");
    const auto started = one.event("started");
    CHECK(started.at("endpoint").get<std::string>().starts_with("tcp://127.0.0.1:"));
    const auto joined = other.event("joined", "one");
    CHECK(joined.at("id") == started.at("id"));
    CHECK_FALSE(joined.at("reason").get<std::string>().empty());
    one.event("joined", "other");

    one("stash greeting hello");
    CHECK(other("pickup greeting within=30s").at("value") == "hello");
    const auto seen = member_named(other, "one");
    CHECK(seen.at("state") == "up");
    CHECK(seen.at("endpoint") == started.at("endpoint"));
    CHECK(other("wait-synced 5s").at("synced") == true);
    CHECK(eventually(5s, [&] { return member_named(one, "other").at("lag") == 0; }));
}

TEST_CASE("join: two processes find each other by a seed alone", "[io][join]") {
    const mesh net;
    auto one = net.run("one", {"--no-beacon"});
    const auto endpoint = started_at(one);
    SECTION("as HOST:PORT") {
        auto other = net.run("other", {"--no-beacon", "--seed", endpoint.substr(6)});
        meet(one, "one", other, "other");
        CHECK(other("stats").at("beacons_sent") == 0);
    }
    SECTION("as the endpoint that was printed") {
        auto other = net.run("other", {"--no-beacon", "--seed", endpoint});
        meet(one, "one", other, "other");
        other("stash from other");
        CHECK(one("pickup from within=30s").at("value") == "other");
    }
    SECTION("before the seed is there") {
        const auto port = endpoint.substr(endpoint.rfind(':') + 1);
        one.signal(SIGKILL);
        one.exit_status();
        auto early = net.run("early", {"--no-beacon", "--seed", "127.0.0.1:" + port});
        early.event("started");
        auto late = net.run("late", {"--no-beacon", "--port", port});
        meet(early, "early", late, "late");
    }
}

TEST_CASE("join: three processes by beacon all know each other", "[io][join]") {
    const mesh net;
    auto a = net.run("a"), b = net.run("b"), c = net.run("c");
    meet(a, "a", b, "b");
    meet(b, "b", c, "c");
    meet(a, "a", c, "c");
    a("stash from-a 1");
    b("stash from-b 2");
    c("stash from-c 3");
    for (auto* reader : {&a, &b, &c})
        for (const std::string key : {"from-a", "from-b", "from-c"})
            CHECK((*reader)("pickup " + key + " within=30s").at("result") == "found");
    agree({&a, &b, &c});
}

TEST_CASE("join: in a chain of seeds everything reaches everybody", "[io][join]") {
    const mesh net;
    auto a = net.run("a", {"--no-beacon"});
    auto b = net.run("b", {"--no-beacon", "--seed", started_at(a)});
    meet(a, "a", b, "b");
    auto c = net.run("c", {"--no-beacon", "--seed", started_at(b)});
    meet(b, "b", c, "c");
    a("stash from-a 1");
    c("stash from-c 3");
    CHECK(c("pickup from-a within=30s").at("value") == "1");
    CHECK(a("pickup from-c within=30s").at("value") == "3");
    agree({&a, &b, &c});
}

TEST_CASE("join: a newcomer gets 1,000 keys", "[io][join]") { check_newcomer("1000", {}); }
TEST_CASE("join: a newcomer gets 10,000 keys", "[io][join]") { check_newcomer("10000", {}); }
TEST_CASE("join: a newcomer gets 100,000 keys", "[io][join]") { check_newcomer("100000", {}); }
TEST_CASE("join: a newcomer gets 1,000 keys in chunks of 300 bytes", "[io][join]") {
    check_newcomer("1000", {"--chunk-bytes", "300"});
}
TEST_CASE("join: a newcomer gets 10,000 keys in chunks of 300 bytes", "[io][join]") {
    check_newcomer("10000", {"--chunk-bytes", "300"});
}

TEST_CASE("join: nodes of another cluster are counted and ignored", "[io][join]") {
    const mesh net;
    auto ours = net.run("ours");
    auto theirs =
        process{{"run", "--name", "theirs", "--host", "127.0.0.1", "--cluster", "theirs-" + net.cluster,
                 "--beacon-port", std::to_string(net.beacon_port), "--seed", started_at(ours)}};
    CHECK(eventually(5s, [&] { return ours("stats").at("foreign_cluster") > 0; }));
    theirs("stash secret 1");
    auto third = net.run("third");
    meet(ours, "ours", third, "third");
    CHECK_FALSE(ours.saw("joined", "theirs"));
    CHECK(ours("pickup secret").at("result") == "absent_unsynced");
    CHECK_FALSE(theirs.saw("joined"));
}

TEST_CASE("join: many that start at once all meet, and all end well when they are told to at once",
          "[io][join]") {
    // As the others close, each has more to read than it gets done at once. A sanitizer slows each of the
    // n (n - 1) / 2 meetings about tenfold: fifty would keep two cores busy for minutes.
#ifdef BATON_SANITIZED
    constexpr int count = 20;
#else
    constexpr int count = 50;
#endif
    const mesh net;
    std::vector<std::unique_ptr<process>> owned;
    for (int i = 0; i < count; ++i)
        owned.emplace_back(new process(net.run("n" + std::to_string(i)))); // NOLINT: made in place
    std::vector<process*> all;
    for (const auto& each : owned) all.push_back(each.get());
    const auto is_up = [](const json& who) { return who.at("state") == "up"; };
    for (auto* each : all) {
        REQUIRE(eventually(30s, [&] {
            const auto members = (*each)("members").at("members");
            return members.size() == all.size() - 1 && std::ranges::all_of(members, is_up);
        }));
    }
    agree(all, 30s);
    for (auto* each : all) each->end_input();
    for (auto* each : all) {
        CHECK(each->exit_status() == 0); // by its leave, as there is nothing to hand over; none by an abort
    }
}
