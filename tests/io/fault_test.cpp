// Proves that the mesh goes on when processes die, freeze or come back: SIGKILL, SIGSTOP and SIGCONT on real
// `baton run` processes on loopback.
#include "mesh.hpp"
#include "support/catch.hpp"

using namespace io;

namespace {
std::string port_of(const std::string& endpoint) { return endpoint.substr(endpoint.rfind(':') + 1); }
} // namespace

TEST_CASE("fault: kill -9 of one of three is reported, and the others go on", "[io][fault]") {
    const mesh net;
    auto a = net.run("a"), b = net.run("b"), c = net.run("c");
    meet(a, "a", b, "b");
    meet(b, "b", c, "c");
    meet(a, "a", c, "c");
    c("stash last-words of-c");
    CHECK(a("pickup last-words within=30s").at("result") == "found");
    c.signal(SIGKILL);
    CHECK_FALSE(a.event("crashed", "c").at("reason").get<std::string>().empty());
    b.event("crashed", "c");

    a("stash after crash");
    CHECK(b("pickup after within=30s").at("value") == "crash");
    b("load 100 100");
    agree({&a, &b});
    CHECK(a("pickup last-words").at("value") == "of-c");
    CHECK_FALSE(a.saw("crashed", "b"));
    CHECK_FALSE(a.saw("left", "c"));
    a.write("leave");
    CHECK(a.farewell().at("outcome") == "safe"); // one member stays, and acknowledged
}

TEST_CASE("fault: a killed node that starts again on the same port joins and is synced", "[io][fault]") {
    const mesh net;
    auto a = net.run("a");
    auto former = net.run("b");
    meet(a, "a", former, "b");
    former("load 500 100");
    agree({&a, &former});
    const auto was = former.event("started");
    former.signal(SIGKILL);
    former.exit_status();

    auto b = net.run("b", {"--port", port_of(was.at("endpoint"))});
    const auto now = b.event("started");
    CHECK(now.at("endpoint") == was.at("endpoint"));
    CHECK(now.at("id") != was.at("id"));
    CHECK(a.event("joined", "b").at("id") == now.at("id"));
    CHECK(b("wait-synced 10s").at("synced") == true);
    agree({&a, &b});
    CHECK(b("digest").at("keys") == 500);
    // The former incarnation is gone for good: one b is up.
    CHECK(eventually(10s, [&] { return a("stats").at("members_up") == 1; }));
}

TEST_CASE("fault: the address of a crashed member is dialled again, without beacon or seed", "[io][fault]") {
    const mesh net;
    auto a = net.run("a", {"--no-beacon"});
    auto former = net.run("b", {"--no-beacon", "--seed", started_at(a)});
    meet(a, "a", former, "b");
    const auto port = port_of(started_at(former));
    a("stash key value");
    former.signal(SIGKILL);
    a.event("crashed", "b");
    auto b = net.run("b", {"--no-beacon", "--port", port});
    b.event("joined", "a", 20s);
    CHECK(b("pickup key within=30s").at("value") == "value");
}

TEST_CASE("fault: keys removed while a peer is cut off are removed there when it is back", "[io][fault]") {
    const mesh net;
    auto a = net.run("a"), b = net.run("b");
    meet(a, "a", b, "b");
    a("load 50 100 shared-");
    agree({&a, &b});
    b.signal(SIGSTOP);
    a.event("suspect", "b", 10s);
    a.event("crashed", "b", 20s);
    for (int number = 0; number < 10; ++number)
        CHECK(a(std::string("drop shared-000000000000000").append(std::to_string(number))).at("dropped") ==
              true);
    a("load 5 100 meanwhile-");
    a("stash shared-0000000000000049 changed");
    b.signal(SIGCONT);

    a.event("joined", "b", 20s);
    agree({&a, &b}, 20s);
    CHECK(b("digest").at("keys") == 45);
    CHECK(b("pickup shared-0000000000000003").at("result") == "absent_unsynced");
    CHECK(a("pickup shared-0000000000000003").at("result") == "absent_unsynced");
    CHECK(b("pickup shared-0000000000000049").at("value") == "changed");
}

TEST_CASE("fault: a newcomer whose server is killed gets the state from another", "[io][fault]") {
    const mesh net;
    auto a = net.run("a"), b = net.run("b");
    meet(a, "a", b, "b");
    a("load 20000 100");
    agree({&a, &b});
    auto newcomer = net.run("newcomer", {"--chunk-bytes", "4096"}); // some hundred chunks
    newcomer.event("joined");                                       // and asks for the state at once
    a.signal(SIGKILL);
    CHECK(newcomer("wait-synced 20s", 30s).at("synced") == true);
    agree({&b, &newcomer}, 20s);
    CHECK(newcomer("digest").at("keys") == 20000);
}

TEST_CASE("fault: a newcomer that is killed halfway leaves its server well", "[io][fault]") {
    const mesh net;
    auto a = net.run("a");
    a("load 20000 100");
    for (int round = 0; round < 5; ++round) {
        auto killed = net.run("killed", {"--chunk-bytes", "4096"});
        killed.event("joined", "a");
    } // killed here
    auto whole = net.run("whole");
    CHECK(whole("wait-synced 10s").at("synced") == true);
    agree({&a, &whole});
}

TEST_CASE("fault: a short freeze makes a member suspect, not crashed", "[io][fault]") {
    const mesh net;
    auto a = net.run("a"), b = net.run("b");
    meet(a, "a", b, "b");
    b.signal(SIGSTOP);
    a.event("suspect", "b", 10s);
    a("load 100 100");
    b.signal(SIGCONT);
    agree({&a, &b});
    CHECK_FALSE(a.saw("crashed"));
    CHECK_FALSE(b.saw("crashed"));
}

TEST_CASE("fault: a second signal ends a leave that nobody answers", "[io][fault]") {
    const mesh net;
    auto a = net.run("a"), b = net.run("b");
    meet(a, "a", b, "b");
    b.signal(SIGSTOP);
    a("stash key value");
    const stopwatch start;
    a.signal(SIGTERM);
    a.event("suspect", "b"); // while it waits it still reports events
    a.signal(SIGTERM);
    CHECK(a.farewell(10s).at("outcome") == "unsafe");
    CHECK(a.exit_status() == 4);
    CHECK(start.unhindered() < at_most(10s));
}
