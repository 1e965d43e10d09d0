// Proves that nodes find each other by IPv6 as by IPv4, by one seed, and at one of several addresses: real
// nodes on loopback.
#include "nodes.hpp"

#include <algorithm>

using namespace io;
using baton::event_kind;

namespace {

/// Whether this machine has the IPv6 loopback.
bool has_ipv6() {
    const int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in6 here{};
    here.sin6_family = AF_INET6;
    here.sin6_addr = in6addr_loopback;
    const bool bound = fd >= 0 && bind(fd, reinterpret_cast<const sockaddr*>(&here), sizeof here) == 0;
    if (fd >= 0) close(fd);
    if (!bound) WARN("no IPv6 here: left out");
    return bound;
}

baton::options by_seed(const mesh& net, const std::string& name, const std::string& host) {
    auto settings = net.options(name);
    settings.host = host;
    settings.beacon.enabled = false;
    return settings;
}

} // namespace

TEST_CASE("discovery: on the IPv6 loopback by beacon", "[io][discovery]") {
    if (!has_ipv6()) return;
    const mesh net;
    auto settings = net.options("one");
    settings.host = "::1";
    auto one = started(settings), other = started(settings);
    CHECK(one.endpoint().starts_with("tcp://[::1]:"));
    REQUIRE(meet(one, other));
    REQUIRE(one.stash("key", "value"));
    CHECK(value_at(other, "key") == "value");
    CHECK(other.members()->at(0).endpoint == one.endpoint());
}

TEST_CASE("discovery: by a seed in brackets, and of both families at one port", "[io][discovery]") {
    // The one without a host listens by both families; one comes by IPv6, one by IPv4.
    if (!has_ipv6()) return;
    const mesh net;
    auto one = started(by_seed(net, "one", "::"));
    const auto port = one.endpoint().substr(one.endpoint().rfind(':'));
    for (const std::string seed : {"[::1]", "127.0.0.1"}) {
        CAPTURE(seed);
        auto settings = by_seed(net, "by " + seed, seed == "[::1]" ? "::1" : seed);
        settings.seeds = {seed + port};
        auto other = started(settings);
        REQUIRE(meet(one, other));
        REQUIRE(one.stash("for " + seed, "value"));
        CHECK(value_at(other, "for " + seed) == "value");
        CHECK(other.members()->at(0).endpoint == "tcp://" + seed + port);
        REQUIRE(other.leave());
        REQUIRE(next_event(one, event_kind::left));
    }
}

TEST_CASE("discovery: what is no address of IPv6 is refused at the start", "[io][discovery]") {
    baton::options settings;
    for (const std::string good :
         {"[::1]:5000", "tcp://[fd00::5]:5000", "[fe80::5%eth0]:5000", "name:5000"}) {
        CAPTURE(good);
        settings.seeds = {good};
        CHECK(settings.validate());
    }
    for (const std::string bad : {"::1:5000", "fd00::5:5000", "[name]:5000", "[10.0.0.1]:5000", "[::1]",
                                  "[::1]:0", "[::1:5000", "fd00::5%eth0"}) {
        CAPTURE(bad);
        settings.seeds = {bad};
        const auto checked = settings.validate();
        REQUIRE_FALSE(checked);
        CHECK(checked.error().code == baton::errc::bad_seed);
    }
    settings.seeds.clear();
    for (const std::string good : {"::1", "::", "fe80::5%eth0", "0.0.0.0"}) {
        settings.host = good;
        CHECK(settings.validate());
    }
    settings.host = "fd00::5";
    CHECK_FALSE(baton::node::start(settings)); // not an address of this machine
}

TEST_CASE("discovery: an interface that is excluded is not used", "[io][discovery]") {
    // The beacon has none left, which is a warning; a seed still works.
    const mesh net;
    const kept_log log;
    auto settings = net.options("one");
    settings.host.clear();
    settings.beacon.interfaces = {"lo"};
    settings.beacon.interfaces_excluded = {"lo", "not-there"};
    settings.log = log;
    auto one = started(settings);
    CHECK(eventually(5s, [&] { return log.lines_with("event=beacon_unsent").size() == 1; }));
    auto with_seed = by_seed(net, "other", "127.0.0.1");
    with_seed.seeds = {"127.0.0.1" + one.endpoint().substr(one.endpoint().rfind(':'))};
    auto other = started(with_seed);
    CHECK(meet(one, other));
}

TEST_CASE("discovery: one seed joins the whole mesh, unless members do not tell", "[io][discovery]") {
    const mesh net;
    const bool tells = GENERATE(true, false);
    auto first = started(by_seed(net, "first", "127.0.0.1"));
    std::vector<baton::node> others;
    for (const std::string name : {"b", "c", "d"}) {
        auto settings = by_seed(net, name, "127.0.0.1");
        settings.seeds = {first.endpoint()};
        settings.exchange_peers = tells;
        others.push_back(started(settings));
    }
    CHECK(eventually(10s, [&] { return first.stats()->members_up == 3; }));
    const auto known = [&](std::size_t count) {
        return std::all_of(others.begin(), others.end(),
                           [&](const baton::node& each) { return each.stats()->members_up == count; });
    };
    if (tells) {
        CHECK(eventually(10s, [&] { return known(3); }));
    } else {
        CHECK(eventually(10s, [&] { return known(1); }));
        std::this_thread::sleep_for(300ms);
        CHECK(known(1));
    }
}

TEST_CASE("discovery: of the addresses that a node advertises one that answers is dialled",
          "[io][discovery]") {
    // As behind a port forward: no node listens at the first address, and at the second only at the given
    // port.
    const mesh net;
    auto settings = net.options("inside");
    settings.host.clear();
    settings.beacon.interfaces = {"lo"};
    settings.publish_port = free_port(SOCK_STREAM);
    settings.port = free_port(SOCK_STREAM);
    const auto port = std::to_string(settings.port);
    settings.advertise = {"127.0.0.1:1/1", "127.0.0.2:" + port + '/' + std::to_string(settings.publish_port)};
    auto inside = started(settings);
    CHECK(inside.endpoint() == "tcp://127.0.0.1:1");
    auto outside = started(net.options("outside"));
    REQUIRE(meet(inside, outside));
    CHECK(outside.members()->at(0).endpoint == "tcp://127.0.0.2:" + port);
    REQUIRE(inside.stash("key", "value"));
    CHECK(value_at(outside, "key") == "value");

    for (const std::string bad :
         {"na me", "127.0.0.256", "name:0", "127.0.0.1:0", "::1:x", "fe80::1", "0.0.0.0", "[::]:1"}) {
        CAPTURE(bad);
        settings.advertise = {bad};
        CHECK_FALSE(settings.validate());
    }
    settings.advertise.assign(9, "10.0.0.1");
    CHECK_FALSE(settings.validate());
}

TEST_CASE("discovery: joined on both sides within 50 ms of the start, on loopback by beacon",
          "[io][discovery]") {
    // The quickest of eleven starts, with a node whose own beacons have become rare: a start that has to wait
    // for a beacon waits every time. The benchmark `join` measures the usual start.
    const mesh net;
    auto one = started(net.options("one"));
    REQUIRE(eventually(10s, [&] { return one.stats()->beacons_sent >= 6; })); // ever more seldom
    std::vector<milliseconds> took;
    for (int i = 0; i < 11; ++i) {
        const stopwatch start;
        auto other = started(net.options("other"));
        REQUIRE(meet(one, other));
        took.push_back(start.unhindered());
        REQUIRE(other.leave());
        REQUIRE(next_event(one, event_kind::left));
    }
    CHECK(std::ranges::min(took) <= at_most(50ms));
}
