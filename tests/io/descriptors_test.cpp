// Proves what happens at the limit of open files: a start says how many members it suffices for, or that it
// does not; connections of strangers that take all there are neither end a node nor part it from its members,
// nor keep its processor busy; and afterwards newcomers get in, and spills are written.
#include "besieged.hpp"

#include <sys/resource.h>

using namespace io;
using Catch::Matchers::ContainsSubstring;

namespace {

void limit(const process& program, rlim_t files) {
    const rlimit both{files, files};
    REQUIRE(prlimit(program.pid(), RLIMIT_NOFILE, &both, nullptr) == 0);
}
rlimit limit_of(const process& program) {
    rlimit now{};
    REQUIRE(prlimit(program.pid(), RLIMIT_NOFILE, nullptr, &now) == 0);
    return now;
}

/// The shell of the system sets the limits, then is the program.
process run_limited(const mesh& net, const std::string& limits) {
    auto words = net.belonging();
    std::string line = limits + " && exec '" BATON_PROGRAM "' run --name node";
    for (const auto& word : words) line += " '" + word + "'";
    return process{{"-c", line}, "/bin/sh"};
}

} // namespace

TEST_CASE("descriptors: the soft limit is raised as far as members need, and not above",
          "[io][descriptors]") {
    const mesh net;
    auto low = run_limited(net, "ulimit -Sn 256 && ulimit -Hn 4000");
    low.event("started");
    const auto now = limit_of(low);
    CHECK(now.rlim_cur > 150 * 7);
    CHECK(now.rlim_cur < 1500);
    CHECK(now.rlim_max == 4000);
    CHECK_THAT(low.log(), !ContainsSubstring("few_descriptors"));

    auto enough = run_limited(net, "ulimit -Sn 1800 && ulimit -Hn 4000");
    enough.event("started");
    CHECK(limit_of(enough).rlim_cur == 1800);
}

TEST_CASE("descriptors: a start at a low limit says for how many members it suffices", "[io][descriptors]") {
    const mesh net;
    auto few = run_limited(net, "ulimit -n 128");
    few.event("started");
    CHECK(eventually(10s, [&] { return few.log().find("event=few_descriptors") != std::string::npos; }));
    CHECK_THAT(few.log(), ContainsSubstring("open files suffices for 9 members"));

    for (const auto* limits : {"ulimit -n 10", "ulimit -n 20", "ulimit -n 40"}) {
        auto none = run_limited(net, limits);
        CHECK_THAT(none.event("failed").at("detail").get<std::string>(), ContainsSubstring("ulimit -n"));
        CHECK(none.exit_status() == 1);
    }
}

TEST_CASE("descriptors: strangers that take all there are do no harm that lasts", "[io][descriptors]") {
    const bool with_key = GENERATE(false, true);
    CAPTURE(with_key);
    besieged at(with_key);
    limit(at.victim, usage::of(at.victim.pid()).descriptors + 60);
    std::vector<int> strangers;
    // More than there are descriptors, and some that wait: those are not waited for.
    for (int number = 0; number < 400; ++number) {
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        const auto address = socket_holder::loopback(number % 2 == 0 ? at.port : at.publish_port);
        static_cast<void>(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address));
        strangers.push_back(fd);
        if (number % 50 == 49) poll(nullptr, 0, 5);
    }
    CHECK(eventually(10s, [&] { return at.victim.log().find("event=gates_shut") != std::string::npos; }));
    at.check_unharmed(); // while the connections are open
    for (const int fd : strangers) close(fd);
    CHECK(eventually(10s, [&] { return at.victim.log().find("event=gates_open") != std::string::npos; }));
    at.check_unharmed();
    auto newcomer = at.net.run("newcomer", at.words({}));
    at.victim.event("joined", "newcomer", 20s);
    newcomer("wait-synced 10s");
    CHECK(newcomer("pickup last within=30s").at("value") == "value");
}
