// Proves what is an address and what is not, by examples of every form; and that a text is written back as it
// was read.
#include "discovery/address.hpp"
#include "support/catch.hpp"

using namespace baton::discovery;

TEST_CASE("address: numeric hosts are told from names and from nonsense", "[discovery]") {
    for (const auto* good : {"10.0.0.5", "0.0.0.0", "255.255.255.255"}) {
        CAPTURE(good);
        CHECK(is_ipv4(good));
        CHECK_FALSE(is_ipv6(good));
    }
    for (const auto* good : {"::", "::1", "1::", "fd00::5", "fe80::5%eth0", "1:2:3:4:5:6:7:8",
                             "::ffff:10.0.0.5", "1:2:3:4:5:6:10.0.0.5", "FE80::A%lo", "1::3:4:5:6:7:8"}) {
        CAPTURE(good);
        CHECK(is_ipv6(good));
        CHECK_FALSE(is_ipv4(good));
    }
    // 1.2.3.4.5 and 256.1.1.1 would be looked up as names.
    for (const auto* bad : {"",
                            "host",
                            "1.2.3",
                            "1.2.3.4.5",
                            "256.1.1.1",
                            "01.2.3.4",
                            "1.2.3.4 ",
                            ":",
                            ":::",
                            "1::2::3",
                            "12345::",
                            "1:2:3:4:5:6:7",
                            "1:2:3:4:5:6:7:8:9",
                            "1:2:3:4:5:6:7::8",
                            "g::",
                            "fd00::5%eth0",
                            "fe80::5%",
                            "::1]",
                            "fe80::5%a%b",
                            "::10.0.0.5:1",
                            "fe80::5%much-too-long-a-name",
                            "1:",
                            ":1",
                            "::1:"}) {
        CAPTURE(bad);
        CHECK_FALSE(is_numeric(bad));
    }
    CHECK(is_link_local("fe80::1"));
    CHECK(is_link_local("febf::1%eth0"));
    CHECK_FALSE(is_link_local("fec0::1"));
    CHECK_FALSE(is_link_local("fe8::1"));
    CHECK(plain("::ffff:10.0.0.5") == "10.0.0.5");
    CHECK(plain("::ffff:1:2") == "::ffff:1:2");
}

TEST_CASE("address: with ports and without, there and back", "[discovery]") {
    const address others{{}, 7, 8};
    CHECK(parse_address("10.0.0.5", others) == address{"10.0.0.5", 7, 8});
    CHECK(parse_address("10.0.0.5:1", others) == address{"10.0.0.5", 1, 8});
    CHECK(parse_address("10.0.0.5:1/2", others) == address{"10.0.0.5", 1, 2});
    CHECK(parse_address("fd00::5", others) == address{"fd00::5", 7, 8});
    CHECK(parse_address("[fd00::5]:1/2", others) == address{"fd00::5", 1, 2});
    for (const auto* text : {"10.0.0.5", "10.0.0.5:1", "10.0.0.5:1/65535", "fd00::5", "[fd00::5]:1/2"})
        CHECK(to_text(*parse_address(text)) == text);
    for (const auto* bad : {"host:1", "10.0.0.5:", "10.0.0.5:0", "10.0.0.5:65536", "10.0.0.5:1/",
                            "10.0.0.5:1/x", "[10.0.0.5]:1", "[fd00::5]", "[]:1", "fd00::5/2", "[fd00::5:1"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_address(bad));
    }
    CHECK(endpoint_of("10.0.0.5", 1) == "tcp://10.0.0.5:1");
    CHECK(endpoint_of("fe80::5%eth0", 1) == "tcp://[fe80::5%eth0]:1");
    for (const auto* host : {"10.0.0.5", "fd00::5", "name"}) CHECK(host_in(endpoint_of(host, 9)) == host);
}

TEST_CASE("address: a list keeps what can be dialled from here", "[discovery]") {
    // A link-local address gets the zone of where its node was seen; a name, nonsense and repetitions go; the
    // rest is bounded.
    const address ports{{}, 1, 2};
    const auto seen_here =
        parse_hosts("10.0.0.5 name fe80::5%there  10.0.0.5 [fd00::5]:9", ports, "fe80::7%here");
    CHECK(seen_here == std::vector<address>{{"10.0.0.5", 1, 2}, {"fe80::5%here", 1, 2}, {"fd00::5", 9, 2}});
    CHECK(parse_hosts("fe80::5%there", ports, "10.0.0.7").empty());
    CHECK(parse_hosts("", ports, "10.0.0.7").empty());
    std::string many;
    for (int i = 0; i < 100; ++i) many += "10.0.0." + std::to_string(i) + ' ';
    CHECK(parse_hosts(many, ports, "").size() == addresses_max);
}
