// Proves that seeds are found by name: several addresses of both families, one's own among them, answers that
// change, services; that a name service that is silent, or knows no such name, holds nothing up and makes
// nobody alone; and that a node says so. Real nodes on loopback, and a name service there (name_server.hpp).
#include "insider.hpp"
#include "name_server.hpp"
#include "nodes.hpp"

#include <algorithm>

using namespace io;
using baton::pickup_outcome;
using Catch::Matchers::ContainsSubstring;

namespace {

struct named_seeds : mesh {
    name_server names;
    std::uint16_t port = free_port(SOCK_STREAM);

    [[nodiscard]] std::string seed(const std::string& name = "mesh.test") const {
        return name + ':' + std::to_string(port);
    }
    /// A node that has no beacon and asks this name service.
    [[nodiscard]] baton::options with(const std::string& name, const std::string& host,
                                      std::vector<std::string> seeds) const {
        auto settings = options(name);
        settings.host = host;
        settings.beacon.enabled = false;
        settings.dns_servers = {names.address()};
        settings.seeds = std::move(seeds);
        settings.alone_after = 300ms;
        return settings;
    }
    /// The same at the port of seeds.
    [[nodiscard]] baton::options pod(const std::string& name, const std::string& host) const {
        auto settings = with(name, host, {seed()});
        settings.port = port;
        return settings;
    }
};

bool sees(const baton::node& by, std::size_t others) { return by.stats()->members_up == others; }
pickup_outcome asked(const baton::node& of) { return of.pickup("key")->outcome; }

/// A port of a stranger: it accepts connections and answers nothing.
struct silent_port {
    std::uint16_t port = free_port(SOCK_STREAM);
    socket_holder listens{SOCK_STREAM, port};
};

} // namespace

TEST_CASE("names: one name with the addresses of all nodes, one's own among them", "[io][names]") {
    named_seeds net;
    const bool keyed = GENERATE(false, true);
    net.names.set("mesh.test", {{"127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.9"}, {}});
    std::vector<baton::node> pods;
    for (const std::string last : {"2", "3", "4"}) {
        auto settings = net.pod("pod-" + last, "127.0.0." + last);
        if (keyed) settings.security.keys = {key(1)};
        pods.push_back(started(settings));
    }
    for (const auto& each : pods) CHECK(eventually(10s, [&] { return sees(each, 2); }));
    REQUIRE(pods[0].stash("key", "value", {.ack = baton::ack_level::copies(3)})->met);
    for (const auto& each : pods) {
        for (const auto& m : *each.members()) CHECK(m.endpoint.starts_with("tcp://127.0.0."));
    }
}

TEST_CASE("names: an answer that changes is followed, as nodes come and go", "[io][names]") {
    named_seeds net;
    auto settings = net.pod("first", "127.0.0.2");
    settings.exchange_peers = false; // the name is the only way to find others
    net.names.set("mesh.test", {{"127.0.0.2"}, {}});
    auto first = started(settings);
    CHECK(eventually(5s, [&] { return asked(first) == pickup_outcome::absent_confirmed; })); // its own alone
    net.names.set("mesh.test", {{"127.0.0.2", "127.0.0.3"}, {}});
    auto other_settings = net.options("second"); // which knows nobody
    other_settings.beacon.enabled = false;
    other_settings.host = "127.0.0.3";
    other_settings.port = net.port;
    auto second = started(other_settings);
    REQUIRE(eventually(10s, [&] { return sees(first, 1) && sees(second, 1); }));
    REQUIRE(first.stash("key", "value", {.ack = baton::ack_level::copies(2)})->met);
    net.names.set("mesh.test", {{"127.0.0.3", "127.0.0.4"}, {}});
    settings = net.pod("third", "127.0.0.4");
    auto third = started(settings);
    REQUIRE(meet(third, first));
    CHECK(first.leave()->outcome == baton::leave_outcome::safe);
    CHECK(value_at(third, "key") == "value");
}

TEST_CASE("names: IPv6 alone, and a server that never answers for it", "[io][names]") {
    named_seeds net;
    SECTION("the name has an address of IPv6 alone") {
        const int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in6 here{};
        here.sin6_family = AF_INET6;
        here.sin6_addr = in6addr_loopback;
        const bool there =
            probe >= 0 && bind(probe, reinterpret_cast<const sockaddr*>(&here), sizeof here) == 0;
        if (probe >= 0) close(probe);
        if (!there) {
            WARN("no IPv6 here: left out");
            return;
        }
        net.names.set("mesh.test", {{}, {"::1"}});
        auto one = started(net.pod("one", "::1"));
        auto other = started(net.with("other", "::1", {net.seed()}));
        REQUIRE(meet(one, other));
        CHECK(other.members()->at(0).endpoint == "tcp://[::1]:" + std::to_string(net.port));
    }
    SECTION("the A is used at once") {
        net.names.set("mesh.test", {{"127.0.0.2"}, {}, {}, true});
        auto one = started(net.pod("one", "127.0.0.2"));
        const stopwatch since;
        auto other = started(net.with("other", "127.0.0.3", {net.seed()}));
        REQUIRE(meet(one, other));
        CHECK(since.unhindered() < at_most(5s)); // the other is given up after 7 s
    }
}

TEST_CASE("names: the records of a service have hosts and ports", "[io][names]") {
    named_seeds net;
    const bool keyed = GENERATE(false, true);
    const auto other_port = free_port(SOCK_STREAM);
    net.names.set("a.test", {{"127.0.0.2"}, {}});
    net.names.set("b.test", {{"127.0.0.3"}, {}});
    net.names.set("_baton._tcp.mesh.test",
                  {{}, {}, {{"a.test", net.port}, {"b.test", other_port}, {"gone.test", 9}}});
    auto settings = net.with("a", "127.0.0.2", {"_baton._tcp.mesh.test"});
    settings.port = net.port;
    if (keyed) settings.security.keys = {key(1)};
    auto a = started(settings);
    settings = net.with("b", "127.0.0.3", {"_baton._tcp.mesh.test"});
    settings.port = other_port;
    if (keyed) settings.security.keys = {key(1)};
    auto b = started(settings);
    REQUIRE(meet(a, b));
}

TEST_CASE("names: a name service that is silent holds nothing up", "[io][names]") {
    // Two members, of which one has names to ask for; and the whole process has one thread for its sockets.
    named_seeds net;
    net.names.be_silent(true);
    auto one = started(net.with("one", "127.0.0.1", {}));
    auto other = started(
        net.with("other", "127.0.0.1", {one.endpoint(), net.seed(), "more.test:1", "_baton._tcp.mesh.test"}));
    REQUIRE(meet(one, other));
    REQUIRE(eventually(10s, [&] { return net.names.questions() >= 6; }));
    std::vector<milliseconds> took;
    for (int i = 0; i < 20; ++i) {
        const stopwatch since;
        CHECK(other
                  .stash("k" + std::to_string(i), "value",
                         {.ack = baton::ack_level::copies(2), .within = patience(1s)})
                  ->met);
        took.push_back(since.unhindered());
        std::this_thread::sleep_for(50ms); // the outage lasts
    }
    std::ranges::sort(took);
    CHECK(took[took.size() / 2] < at_most(500ms)); // a question is given up after 7 s
    const stopwatch since;
    CHECK(other.leave()->outcome == baton::leave_outcome::safe);
    CHECK(since.unhindered() < at_most(5s));
}

TEST_CASE("names: a seed that has no answer is no evidence that nobody is there, and is named",
          "[io][names]") {
    named_seeds net;
    const kept_log log;
    const silent_port stranger;
    std::string seed = net.seed(), warning = "event=seed_unresolved seed=" + seed;
    SECTION("its name is not known") {}
    SECTION("its name has no address") { net.names.set("mesh.test", {}); }
    SECTION("the name service is silent") { net.names.be_silent(true); }
    SECTION("it takes connections, and does not answer") {
        seed = "127.0.0.1:" + std::to_string(stranger.port);
        warning = "event=seed_unreachable seed=" + seed;
    }
    auto settings = net.with("one", "127.0.0.1", {seed});
    settings.log = log;
    auto one = started(settings);
    const auto got = one.pickup("key", {.within = 3s, .until = baton::pickup_until::known});
    CHECK(got->outcome == pickup_outcome::absent_unsynced);
    CHECK(got->seeds == std::vector{seed});
    CHECK(eventually(10s, [&] { return log.lines_with(warning).size() == 1; }));
    CHECK(asked(one) == pickup_outcome::absent_unsynced);
}

TEST_CASE("names: a seed that refuses says that nobody is there, and is told of", "[io][names]") {
    named_seeds net;
    const kept_log log;
    net.names.set("mesh.test", {{"127.0.0.2", "127.0.0.3"}, {}});
    auto settings = net.pod("one", "127.0.0.2"); // one of the two addresses is its own
    settings.seeds.push_back("127.0.0.1:" + std::to_string(free_port(SOCK_STREAM)));
    settings.log = log;
    auto one = started(settings);
    CHECK(one.pickup("key", {.within = 10s, .until = baton::pickup_until::known})->outcome ==
          pickup_outcome::absent_confirmed);
    CHECK(eventually(10s, [&] { return log.lines_with("event=seed_unreachable").size() == 1; }));
    CHECK_THAT(log.lines_with("event=seed_unreachable").at(0), ContainsSubstring("refuses the connection"));
}

TEST_CASE("names: members that joined by localhost are introduced to one another", "[io][names]") {
    named_seeds net;
    auto a = started(net.with("a", "127.0.0.1", {}));
    const auto seed = "localhost" + a.endpoint().substr(a.endpoint().rfind(':'));
    auto b = started(net.with("b", "127.0.0.1", {seed})), c = started(net.with("c", "127.0.0.1", {seed}));
    for (const auto* each : {&a, &b, &c}) CHECK(eventually(10s, [&] { return sees(*each, 2); }));
    CHECK(net.names.questions() == 0);
    REQUIRE(b.stash("key", "value"));
    CHECK(a.leave()->outcome == baton::leave_outcome::safe); // both hold it, and continue without the seed
    CHECK(b.leave()->outcome == baton::leave_outcome::safe);
    CHECK(c.pickup("key")->value == "value");
}

TEST_CASE("names: what a node advertises by name others dial by number", "[io][names]") {
    named_seeds net;
    net.names.set("outside.test", {{"127.0.0.2"}, {}});
    auto settings = net.options("inside");
    settings.host.clear();
    settings.beacon.interfaces = {"lo"};
    settings.dns_servers = {net.names.address()};
    settings.advertise = {"outside.test"};
    settings.port = net.port;
    auto inside = started(settings);
    CHECK(inside.endpoint() == "tcp://" + net.seed("outside.test"));
    REQUIRE(eventually(5s, [&] { return net.names.questions() >= 2; }));
    auto other = started(net.options("other"));
    REQUIRE(meet(inside, other));
    CHECK(eventually(10s, [&] {
        return other.members()->at(0).endpoint == "tcp://127.0.0.2:" + std::to_string(net.port);
    }));
}

TEST_CASE("names: `baton run` warns of a seed that nobody answers at, without being asked for more",
          "[io][names]") {
    named_seeds net;
    auto words = std::vector<std::string>{"--no-beacon",
                                          "--seed",
                                          net.seed("nobody.test"),
                                          "--seed",
                                          "127.0.0.1:" + std::to_string(free_port(SOCK_STREAM)),
                                          "--dns-server",
                                          net.names.address(),
                                          "--leave-within",
                                          "100ms"};
    auto one = net.run("one", words);
    CHECK(eventually(10s, [&] {
        return one.log().find("seed_unresolved") != std::string::npos &&
               one.log().find("seed_unreachable") != std::string::npos;
    }));
    const auto reply = one("pickup key");
    CHECK(reply.at("result") == "absent_unsynced");
    CHECK(reply.at("seeds").at(0) == net.seed("nobody.test"));
}

TEST_CASE("names: what is no name or no server of names is refused at the start", "[io][names]") {
    baton::options settings;
    for (const std::string good : {"mesh.svc:1", "_baton._tcp.mesh.svc", "localhost:1"}) {
        settings.seeds = {good};
        CHECK(settings.validate());
    }
    for (const std::string bad : {"10.0.0.256:1", "a b:1", "mesh.svc", "_baton._udp.mesh.svc"}) {
        settings.seeds = {bad};
        REQUIRE_FALSE(settings.validate());
        CHECK(settings.validate().error().code == baton::errc::bad_seed);
    }
    settings.seeds.clear();
    for (const std::string good : {"127.0.0.1", "127.0.0.1:53", "::1", "[::1]:53"}) {
        settings.dns_servers = {good};
        CHECK(settings.validate());
    }
    for (const std::string bad : {"dns.test", "127.0.0.1:0", "127.0.0.1:53/54", "[::1]", ""}) {
        settings.dns_servers = {bad};
        CHECK_THAT(settings.validate().error().what, ContainsSubstring("dns_servers"));
    }
}
