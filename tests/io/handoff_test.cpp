// Proves that nothing written is lost when processes write fast and leave at once: what a leave calls safe is
// at the survivors, by key count and by digest. Real processes on loopback.
#include "mesh.hpp"
#include "support/catch.hpp"

using namespace io;

TEST_CASE("handoff: 20,000 stashes in a tight loop reach an attached peer", "[io][handoff]") {
    const mesh net;
    auto writer = net.run("writer"), reader = net.run("reader");
    meet(writer, "writer", reader, "reader");
    CHECK(writer("load 20000 100", 60s).at("count") == 20000);
    agree({&writer, &reader}, 30s);
    CHECK(reader("digest").at("keys") == 20000);
    CHECK(reader("stats").at("diverged") == 0);
}

TEST_CASE("handoff: both sides write in a tight loop at once", "[io][handoff]") {
    const mesh net;
    auto one = net.run("one"), other = net.run("other");
    meet(one, "one", other, "other");
    one.write("#w load 5000 100 one-");
    other.write("#w load 5000 100 other-");
    one("load 5000 100 both-", 60s);
    other("load 5000 100 both-", 60s);
    agree({&one, &other}, 30s);
    CHECK(one("digest").at("keys") == 15000);
}

TEST_CASE("handoff: 100 stashes and an immediate leave, 20 times over", "[io][handoff]") {
    const mesh net;
    auto survivor = net.run("survivor");
    for (int round = 0; round < 20; ++round) {
        const auto name = std::to_string(round);
        CAPTURE(name);
        auto leaver = net.run(name);
        meet(leaver, name, survivor, "survivor");
        leaver("load 100 100 round-" + name + "-");
        switch (round % 3) { // the three ways out
        case 0:
            leaver.write("leave");
            break;
        case 1:
            leaver.signal(SIGTERM);
            break;
        case 2:
            leaver.end_input();
            break;
        }
        const auto report = leaver.farewell();
        REQUIRE(survivor("keys round-" + name + "-").at("keys").size() == 100);
        CHECK(report.at("outcome") == "safe");
        CHECK(report.at("copies") == 1);
        CHECK(report.at("unsafe").empty());
        CHECK(leaver.exit_status() == 0);
        survivor.event("left", name);
    }
    CHECK(survivor("digest").at("keys") == 2000);
    CHECK_FALSE(survivor.saw("crashed"));
}

TEST_CASE("handoff: two of three leave at once and the third has it all", "[io][handoff]") {
    const mesh net;
    auto a = net.run("a"), b = net.run("b"), c = net.run("c");
    meet(a, "a", b, "b");
    meet(b, "b", c, "c");
    meet(a, "a", c, "c");
    c("load 200 100 c-");
    a("load 200 100 a-");
    b("load 200 100 b-");
    a.signal(SIGTERM);
    b.signal(SIGTERM);
    const auto from_a = a.farewell(), from_b = b.farewell();
    CHECK(c("digest").at("keys") == 600);
    CHECK(from_a.at("outcome") == "safe");
    CHECK(from_b.at("outcome") == "safe");
    CHECK(from_a.at("copies") >= 1); // the other process counts too, as long as it had not been told to leave
    CHECK(from_b.at("copies") >= 1);
    CHECK(a.exit_status() == 0);
    CHECK(b.exit_status() == 0);
    c.event("left", "a");
    c.event("left", "b");
}

TEST_CASE("handoff: of two that leave at once nobody is told safe by the other", "[io][handoff]") {
    const mesh net;
    auto a = net.run("a", {"--leave-within", "1s"}), b = net.run("b", {"--leave-within", "1s"});
    meet(a, "a", b, "b");
    a("load 100 100 a-");
    b("load 100 100 b-");
    a.signal(SIGTERM);
    b.signal(SIGTERM);
    const auto from_a = a.farewell(), from_b = b.farewell();
    // One may have gone before the other announced its leave; both cannot be safe.
    CHECK((from_a.at("outcome") == "unsafe" || from_b.at("outcome") == "unsafe"));
    CHECK(a.exit_status() == (from_a.at("outcome") == "unsafe" ? 4 : 0));
    CHECK(b.exit_status() == (from_b.at("outcome") == "unsafe" ? 4 : 0));
}

TEST_CASE("handoff: the last one that holds something is unsafe and names the keys", "[io][handoff]") {
    const mesh net;
    auto last = net.run("last", {"--leave-within", "2s"});
    last("stash only here");
    last("stash \"another one\" there");
    last.write("leave");
    const auto report = last.farewell();
    CHECK(report.at("outcome") == "unsafe");
    CHECK(report.at("copies") == 0);
    CHECK(report.at("unsafe") == json{"another one", "only"});
    CHECK(report.at("spilled").is_null());
    CHECK(last.exit_status() == 4);
}

TEST_CASE("handoff: a node that holds nothing leaves safely", "[io][handoff]") {
    const mesh net;
    auto empty = net.run("empty");
    empty.event("started");
    empty.end_input();
    CHECK(empty.farewell().at("outcome") == "safe");
    CHECK(empty.exit_status() == 0);
}
