// Proves that nodes find each other by IPv6 as by IPv4: real nodes on loopback, by beacon and by seeds.
#include "nodes.hpp"

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
    CHECK(other.members().at(0).endpoint == one.endpoint());
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
        CHECK(other.members().at(0).endpoint == "tcp://" + seed + port);
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
    CHECK_FALSE(baton::node::start(settings)); // no address of this machine
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
