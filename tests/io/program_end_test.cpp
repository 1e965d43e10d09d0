// Proves that `baton run` hears its signals and leaves although nobody reads what it prints, that its node
// works on although nobody reads its log, and that a leave which waits says for whom, and need not wait.
#include "nodes.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

using namespace io;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Fills the pipe, and the queue before it, with replies.
void flood(process& program) {
    program("load 20000 1");
    for (int i = 0; i < 8; ++i) program.write("keys");
}

/// A datagram that is no beacon, from this address of the loopback interface: one line of the log each.
void noise_from(const mesh& net, const std::string& address) {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    auto from = socket_holder::loopback(0);
    inet_pton(AF_INET, address.c_str(), &from.sin_addr);
    REQUIRE(bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0);
    auto to = socket_holder::loopback(net.beacon_port);
    inet_pton(AF_INET, "239.255.86.71", &to.sin_addr);
    in_addr by{};
    by.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof by);
    sendto(fd, "noise", 5, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    close(fd);
}

} // namespace

TEST_CASE("program: a signal is heard although nobody reads the replies, and the leave is a leave",
          "[io][program]") {
    const mesh net;
    auto other = started(net.options("other"));
    auto one = net.run("one", {"--leave-within", "10s"});
    REQUIRE(next_event(other, baton::event_kind::joined));
    flood(one);
    REQUIRE(eventually(20s, [&] { return other.keys()->size() == 20000; }));
    SECTION("once") {
        one.signal(SIGTERM);
        CHECK(next_event(other, baton::event_kind::left));
        CHECK(one.exit_status(20s) == 0);
        CHECK_THAT(one.log(), ContainsSubstring("standard output has no reader"));
        CHECK(other.keys()->size() == 20000);
    }
    SECTION("twice, which ends it at once") {
        const stopwatch start;
        one.signal(SIGTERM);
        one.signal(SIGINT);
        one.exit_status(20s);
        CHECK(start.unhindered() < at_most(5s));
    }
}

TEST_CASE("program: a log that nobody reads stops neither the node nor its leave", "[io][program]") {
    // Standard error is a pipe of 4 KiB that stays full. What stands in the log of such a node is lost and
    // counted.
    const mesh net;
    const auto fifo = (std::filesystem::temp_directory_path() / (net.cluster + ".fifo")).string();
    REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
    const int held = open(fifo.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    REQUIRE(fcntl(held, F_SETPIPE_SZ, 4096) == 4096);
    std::string line = "exec '" BATON_PROGRAM "' run -v --name victim";
    for (const auto& word : net.belonging()) line += " '" + word + "'";
    process victim{{"-c", line + " 2<>'" + fifo + "'"}, "/bin/sh"};
    auto other = started(net.options("other"));
    REQUIRE(next_event(other, baton::event_kind::joined));
    for (int i = 1; i <= 200; ++i) noise_from(net, "127.0.9." + std::to_string(i));
    const auto refused = [&] { return victim("stats").at("refused_beacons").get<int>(); };
    REQUIRE(eventually(20s, [&] { return refused() >= 100; })); // each a line of 70 bytes
    victim("stash key value copies=2 within=30s");
    CHECK(value_at(other, "key") == "value");
    while (const auto happened = other.next_event()) {
        CHECK(happened->kind != baton::event_kind::suspect);
        CHECK(happened->kind != baton::event_kind::crashed);
    }
    victim.signal(SIGTERM);
    CHECK(victim.farewell().at("outcome") == "safe");
    CHECK(victim.exit_status() == 0);
    close(held);
    std::filesystem::remove(fifo);
}

TEST_CASE("program: a leave that waits says for whom, and how to end it", "[io][program]") {
    const mesh net;
    auto last = net.run("last", {"--leave-within", "300s"});
    last("stash key value");
    last.signal(SIGINT);
    REQUIRE(eventually(
        10s, [&] { return last.log().find("no member is here to take over 1 key:") != std::string::npos; }));
    CHECK_THAT(last.log(), ContainsSubstring("up to 300 s") && ContainsSubstring("One more ^C") &&
                               ContainsSubstring("leave now"));
    last.signal(SIGINT);
    CHECK(last.farewell().at("outcome") == "unsafe");
    CHECK(last.exit_status() == 4);
}

TEST_CASE("program: leave now hands over to those who stay, and waits for nobody else", "[io][program]") {
    const mesh net;
    auto one = net.run("one", {"--leave-within", "300s"}), two = net.run("two", {"--leave-within", "300s"});
    auto three = net.run("three", {"--leave-within", "300s", "--leave-now"});
    for (auto* each : {&one, &two, &three}) {
        each->event("joined");
        each->event("joined");
    }
    one("stash key value");
    const auto first = one("leave now");
    CHECK(first.at("outcome") == "safe");
    CHECK(first.at("copies") == 2);
    CHECK(one.exit_status() == 0);
    CHECK(two("pickup key within=30s").at("value") == "value");
    CHECK(two("leave 300s now").at("outcome") == "safe");
    CHECK(two.exit_status() == 0);
    three.signal(SIGTERM); // the last node: it reports that its keys are lost
    CHECK(three.farewell(20s).at("outcome") == "unsafe");
    CHECK(three.exit_status() == 4);
}

TEST_CASE("program: a whole mesh that is stopped at once ends at once with leave now, and can come back",
          "[io][program]") {
    const mesh net;
    const auto folder = std::filesystem::temp_directory_path() / (net.cluster + "-spill");
    std::filesystem::create_directory(folder);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
    const std::vector<std::string> words{"--leave-within", "300s", "--leave-now", "--spill-dir",
                                         folder.string()};
    {
        auto one = net.run("one", words), two = net.run("two", words);
        meet(one, "one", two, "two");
        one("stash key value copies=2 within=30s");
        for (auto* each : {&one, &two}) each->signal(SIGTERM);
        std::vector<std::string> outcomes;
        for (auto* each : {&one, &two}) outcomes.push_back(each->farewell(20s).at("outcome"));
        CHECK(std::ranges::count(outcomes, "spilled") >= 1);
        CHECK(std::ranges::count(outcomes, "unsafe") == 0);
    }
    auto later = net.run("later", {"--spill-dir", folder.string(), "--alone-after", "100ms"});
    CHECK(later("pickup key within=20s").at("value") == "value");
    later.signal(SIGKILL);
    std::filesystem::remove_all(folder);
}

TEST_CASE("program: the reply to a stash says what was taken for its options", "[io][program]") {
    const mesh net;
    auto one = net.run("one");
    CHECK(one("stash note remember ttl=1h").at("options") == json{"ttl=1h"});
    CHECK(one("pickup note").at("value") == "remember");
    CHECK(one("stash note -- remember ttl=1s").count("options") == 0);
    CHECK(one("pickup note").at("value") == "remember ttl=1s");
    CHECK(one("stash note no options").count("options") == 0);
    CHECK(one("stash note -- -- ").at("met") == true);
    CHECK(one("pickup note").at("value") == "-- ");
    CHECK(one("stash note --x").at("met") == true);
    CHECK(one("pickup note").at("value") == "--x");
    CHECK(one.ask("stash note --").at("error") == "usage");
}

TEST_CASE("program: help at the prompt, and of an action alone", "[io][program]") {
    const mesh net;
    auto one = net.run("one");
    const auto all = one("help").at("commands");
    CHECK(all.size() > 30);
    CHECK(one("help stash")
              .at("commands")
              .at(0)
              .at("command")
              .get<std::string>()
              .starts_with("stash KEY VALUE"));
    CHECK(one.ask("help nonsense").at("error") == "unknown_command");
    CHECK_THAT(one.ask("nonsense").at("detail").get<std::string>(), ContainsSubstring("`help` lists them"));

    const auto page = [](std::vector<std::string> words) {
        words.emplace_back("--help");
        process program{words};
        auto text = program.output();
        CHECK(program.exit_status() == 0);
        return text;
    };
    const auto run = page({"run"}), get = page({"get"}), keygen = page({"keygen"});
    CHECK_THAT(run, ContainsSubstring("Usage: baton run") && ContainsSubstring("--port") &&
                        ContainsSubstring("set-field KEY FIELD VALUE") && !ContainsSubstring("keygen"));
    CHECK_THAT(get, ContainsSubstring("Usage: baton get KEY") && ContainsSubstring("--within") &&
                        !ContainsSubstring("set-field"));
    CHECK_THAT(keygen, ContainsSubstring("Usage: baton keygen [FILE]") && !ContainsSubstring("--port"));
}

TEST_CASE("program: an action that is none is named, and options may be repeated", "[io][program]") {
    const mesh net;
    auto wrong = net.invoke({"stahs", "key"});
    CHECK(wrong.exit_status() == 2);
    CHECK_THAT(wrong.log(), ContainsSubstring("'stahs' is not an action") && ContainsSubstring("keygen"));
    auto one =
        net.run("one", {"--name", "two", "--no-beacon", "--no-beacon", "--mesh-size", "2", "--mesh-size", "3",
                        "--founding", "--founding", "--seed", "127.0.0.1:1", "--seed", "127.0.0.1:2"});
    CHECK(one.event("started").at("name") == "two");
    CHECK(one("stats").at("beacons_sent") == 0);
    CHECK(one("stash key value copies=majority within=10ms").at("met") == false); // of three
    CHECK(one("wait-synced 10s").at("synced") == true);                           // the node founds the mesh
}

TEST_CASE("program: a node that is there for a moment says nothing of an open mesh", "[io][program]") {
    const mesh net;
    auto member = net.run("member");
    member("stash key value");
    auto quiet = net.invoke({"get", "key"});
    CHECK(quiet.output() == "value\n");
    CHECK(quiet.exit_status() == 0);
    CHECK(quiet.log().empty());
    auto loud = net.invoke({"get", "key", "-v"});
    CHECK(loud.exit_status() == 0);
    CHECK_THAT(loud.log(), ContainsSubstring("event=open_mesh"));
    CHECK_THAT(member.log(), ContainsSubstring("event=open_mesh"));
}
