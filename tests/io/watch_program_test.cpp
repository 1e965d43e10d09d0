// Proves that `watch` and `unwatch` of `baton run`, and `baton watch PREFIX`, keep the contract of scripts:
// the reply first, then a line for each change, until the watch or the program ends.
#include "mesh.hpp"
#include "support/catch.hpp"

#include <fstream>
#include <string>

using namespace io;

namespace {

/// The main thread of that process keeps the signal for itself to read.
bool blocks(pid_t process, int signal) {
    std::ifstream status("/proc/" + std::to_string(process) + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("SigBlk:"))
            return (std::stoull(line.substr(7), nullptr, 16) >> (signal - 1) & 1) != 0;
    return false;
}

} // namespace

TEST_CASE("program: watch writes a line for what is there and for each change", "[io][program]") {
    const mesh net;
    auto one = net.run("one"), other = net.run("other");
    meet(one, "one", other, "other");
    one("stash k/1 first");
    other("wait-synced 10s");
    agree({&one, &other});
    auto reply = other("watch k/");
    reply.erase("id"); // agree() has asked once or more
    CHECK(reply == json{{"reply", "watch"}, {"prefix", "k/"}});
    CHECK(other.change("put") == json{{"change", "put"},
                                      {"watch", "k/"},
                                      {"key", "k/1"},
                                      {"type", "register"},
                                      {"value", "first"},
                                      {"siblings", 0}});
    CHECK(other.change("initial_done") == json{{"change", "initial_done"}, {"watch", "k/"}});
    one("add k/sum 41");
    CHECK(other.change("put") ==
          json{{"change", "put"}, {"watch", "k/"}, {"key", "k/sum"}, {"type", "counter"}, {"value", 41}});
    one("insert k/set element");
    CHECK(other.change("put") == json{{"change", "put"}, {"watch", "k/"}, {"key", "k/set"}, {"type", "set"}});
    one("drop k/1");
    CHECK(other.change("removed") == json{{"change", "removed"}, {"watch", "k/"}, {"key", "k/1"}});

    other("watch \"\"");
    CHECK(other.change("initial_done").at("watch") == "");
    CHECK(other.ask("watch k/").at("error") == "usage"); // already
    CHECK(other.ask("watch").at("error") == "usage");
    CHECK(other.ask("watch " + std::string(513, 'k')).at("error") == "key_too_long");
    CHECK(other("unwatch k/").at("watched") == true);
    CHECK(other("unwatch k/").at("watched") == false);
    other.change("put", "k/sum"); // of the snapshot of ""
    one("stash k/2 later");
    CHECK(other.change("put", "k/2").at("watch") == "");
    CHECK_THROWS(other.change("put", "k/2", 100ms)); // once
    CHECK(other("leave").at("outcome") == "safe");
    CHECK(other.exit_status() == 0);
}

TEST_CASE("program: the one-shot watch prints changes until it is interrupted, and leaves", "[io][program]") {
    const mesh net;
    const bool by_client = GENERATE(true, false); // without a door it joins the mesh
    CAPTURE(by_client);
    auto member = net.run("member", {by_client ? "--clients" : "--no-clients"});
    member("stash k/1 616263");
    auto watching = net.invoke({"watch", "k/", "--hex", "--name", "watching"});
    CHECK(watching.change("put").at("value") == "363136323633");
    watching.change("initial_done");
    member("stash k/2 x");
    CHECK(watching.change("put", "k/2").at("value") == "78");
    watching.signal(SIGINT);
    CHECK(watching.exit_status() == 0);
    if (!by_client) member.event("left", "watching");
    const auto nobody = mesh().invoke({"watch", "k/", "--within", "200ms"}).exit_status();
    CHECK(nobody == 1);
    auto early = mesh().invoke({"watch", "k/", "--within", "60s"});
    REQUIRE(eventually(10s, [&] { return blocks(early.pid(), SIGTERM); }));
    early.signal(SIGTERM);
    CHECK(early.exit_status() == 1); // the node was never synced
}
