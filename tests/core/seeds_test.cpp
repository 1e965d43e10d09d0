// Proves seeds in virtual time: silence never makes a node alone, a refusal does; a name may stand for
// several nodes, this one included, and later for others; and what a node reports about obstacles.
#include "asking.hpp"
#include "discovery/seal.hpp"

using namespace baton;
using namespace baton::sim;
using discovery::address;

namespace {

world::settings by(std::vector<std::string> seeds) {
    world::settings how;
    how.node.beacon = false;
    how.node.seeds = std::move(seeds);
    return how;
}
address at(slot_number slot) { return {host_of(slot), 0, 0}; }
address service_at(slot_number slot) { return {host_of(slot), router_port, 0}; }

const auto mesh_svc = "mesh.svc:" + std::to_string(router_port);

struct planted : asking {
    explicit planted(settings how)
        : asking(std::move(how)) {}
    using strings = std::vector<std::string>;
    [[nodiscard]] bool alone(process_number who) { return mesh(who).judge_absence(0).confirmed; }
    [[nodiscard]] strings standing(process_number who) { return mesh(who).judge_absence(0).seeds; }
    [[nodiscard]] std::size_t remarks(process_number who, std::string_view part) {
        return static_cast<std::size_t>(std::ranges::count_if(
            at(who).remarks, [&](const std::string& line) { return line.find(part) != line.npos; }));
    }
};

} // namespace

TEST_CASE("seeds: one that is silent stands against being alone for ever; one that refuses does not",
          "[core][scenario]") {
    planted s(by({endpoint_of(1)}));
    s.sever(0, 1, true);
    s.start(0);
    s.run_for(10min);
    CHECK_FALSE(s.alone(0));
    CHECK(s.standing(0) == planted::strings{endpoint_of(1).substr(6)});
    s.sever(0, 1, false); // its machine runs, its process does not
    REQUIRE(s.run_until([&] { return s.alone(0); }, 40s));
    CHECK(s.standing(0).empty());
    s.start(1);
    s.settle(2s);
}

TEST_CASE("seeds: the node's own address is no seed that stands against it", "[core][scenario]") {
    planted s(by({endpoint_of(0), endpoint_of(1)}));
    s.start(0);
    s.run_for(4s);
    CHECK_FALSE(s.alone(0)); // options::alone_after
    REQUIRE(s.run_until([&] { return s.alone(0); }, 2s));
}

TEST_CASE("seeds: a name with no address, or no answer, stands against being alone", "[core][scenario]") {
    planted s(by({mesh_svc}));
    SECTION("nobody has it") { s.names().set_name("mesh.svc", {}); }
    SECTION("the name service is silent") {}
    s.start(0);
    s.run_for(10min);
    CHECK_FALSE(s.alone(0));
    CHECK(s.standing(0) == planted::strings{mesh_svc});
    CHECK(s.remarks(0, "event=seed_unresolved seed=" + mesh_svc) == 1);
    CHECK(s.names().questions_of(0) <= 40); // seconds apart, half a minute in the end
    s.names().set_name("mesh.svc", {at(0)});
    REQUIRE(s.run_until([&] { return s.alone(0); }, 40s)); // it is the only one
    s.run_for(1h);
    CHECK(s.remarks(0, "event=seed_unresolved") == 1);
}

TEST_CASE("seeds: what does not answer is told of once, and hourly", "[core][scenario]") {
    planted s(by({endpoint_of(1)}));
    s.start(0);
    s.run_for(2s);
    CHECK(s.remarks(0, "event=seed_unreachable") == 0);
    s.run_for(2s);
    CHECK(s.remarks(0, "refuses the connection") == 1);
    s.run_for(50min);
    CHECK(s.remarks(0, "event=seed_unreachable") == 1);
    s.run_for(70min);
    CHECK(s.remarks(0, "event=seed_unreachable") == 3);
}

TEST_CASE("seeds: a name of all nodes, each of which is among them, joins all", "[core][scenario]") {
    auto how = by({mesh_svc});
    if (GENERATE(false, true)) how.node.keys = {*mesh_key::from_bytes(std::string(mesh_key::size, 'k'))};
    planted s(how);
    std::vector<address> all{at(0), at(1), at(2)};
    SECTION("one's own comes first, or last") {}
    SECTION("nobody is at one of them") { all.insert(all.begin(), at(7)); }
    s.names().set_name("mesh.svc", all);
    s.gather(3);
    for (const auto who : s.alive()) CHECK(s.mesh(who).stats().members_up == 2);
}

TEST_CASE("seeds: nodes come and go behind a name", "[core][scenario]") {
    auto how = by({mesh_svc});
    how.node.exchanges_peers = false; // by the name alone
    const bool keyed = GENERATE(false, true);
    if (keyed) how.node.keys = {*mesh_key::from_bytes(std::string(mesh_key::size, 'k'))};
    planted s(how);
    s.names().set_name("mesh.svc", {at(0)});
    s.start(0);
    s.run_for(10s);
    CHECK(s.alone(0));
    s.names().set_name("mesh.svc", {at(0), at(1)});
    s.join(1);
    s.stash(0, 1, "value");
    s.settle();
    s.names().set_name("mesh.svc", {at(1), at(2)}); // the first one goes
    s.start(2);
    s.settle(3s);
    s.leave(0);
    REQUIRE(s.run_until([&] { return s.at(0).left; }, 5s));
    s.run_for(10min);
    CHECK(s.connections_of(1) == 2); // no address without a member is dialled
    CHECK(s.pickup(2, 1) == "value");
    s.names().forget_name("mesh.svc"); // an outage
    s.run_for(10min);
    CHECK(s.sees(1, 2, member_state::up));
    s.names().set_name("mesh.svc", {at(1), at(2), at(3)});
    s.start(3);
    s.settle(3s);
}

TEST_CASE("seeds: names are asked for again when the mesh changes, or the addresses here",
          "[core][scenario]") {
    planted s(by({mesh_svc}));
    s.names().set_name("mesh.svc", {at(0), at(1), at(2), at(3)});
    s.gather(3);
    s.run_for(3min);
    auto asked = s.names().questions_of(0);
    const auto asked_again = [&](duration within) {
        return s.run_until([&] { return s.names().questions_of(0) > asked; }, within);
    };
    REQUIRE(asked_again(40s)); // the interval is half a minute by now, and this one has just been asked
    s.run_for(1s);
    asked = s.names().questions_of(0);
    SECTION("a member comes") { s.start(3); }
    SECTION("a member is gone") { s.crash(2); }
    SECTION("an address comes") {
        s.give(0, core::addresses_changed{host_of(0) + " 10.0.0.77", host_of(0) + " 10.0.0.77", true});
    }
    CHECK(asked_again(5s));
}

TEST_CASE("seeds: by the records of a service, which have the ports", "[core][scenario]") {
    planted s(by({"_baton._tcp.mesh.svc"}));
    s.names().set_name("_baton._tcp.mesh.svc", {service_at(0), service_at(1)});
    s.gather(2);
}

TEST_CASE("seeds: an address that leads to this node and is not its own is tried again", "[core][scenario]") {
    // One address for all nodes, as of a service that balances connections.
    auto how = by({endpoint_of(9)});
    planted s(how);
    s.start(0);
    s.names().answer_at(9, 0);
    s.run_for(30s);
    CHECK_FALSE(s.alone(0)); // another one may answer there
    CHECK(s.standing(0).size() == 1);
    s.start(1);
    s.names().answer_at(9, 1);
    REQUIRE(s.run_until([&] { return s.mesh(0).stats().members_up == 1; }, 15s));
}

TEST_CASE("seeds: without a network nobody is alone", "[core][scenario]") {
    world::settings how;
    how.node.attached = false;
    planted s(how);
    s.start(0);
    s.run_for(1min);
    CHECK_FALSE(s.alone(0));
    s.give(0, core::addresses_changed{host_of(0), host_of(0), true});
    CHECK(s.alone(0));
    s.give(0, core::addresses_changed{{}, {}, false});
    CHECK_FALSE(s.alone(0));
}

TEST_CASE("seeds: who hears a beacon and is let in nowhere is not alone, and says what is missing",
          "[core][scenario]") {
    const bool keyed = GENERATE(false, true);
    const auto key = *mesh_key::from_bytes(std::string(mesh_key::size, 'k'));
    world::settings how;
    if (keyed) how.node.keys = {key};
    planted s(how);
    s.start(0);
    const replica_id other{{7}};
    const auto beacon = [&](std::uint64_t sequence) {
        discovery::beacon said{"default", wire::version_min, wire::version_max, other,
                               sequence,  router_port,       publish_port,      {},
                               {}};
        if (keyed) said.key.bytes.fill(1), said.time_ms = s.moment_at(0).wall_ms;
        auto bytes = discovery::encode(said);
        if (keyed) discovery::seal(bytes, discovery::purpose::beacon, key);
        s.give(0, core::beacon_arrived{host_of(6), bytes});
    };
    std::uint64_t sequence = 0;
    const auto hear_for = [&](duration span) {
        for (duration passed{}; passed < span; passed += 2s) {
            beacon(++sequence);
            s.run_for(2s);
        }
    };
    hear_for(4s);
    CHECK(s.remarks(0, "event=no_handshake") == 0);
    hear_for(20s);
    CHECK_FALSE(s.alone(0));
    CHECK(s.mesh(0).judge_absence(0).who == std::vector<replica_id>{other});
    CHECK(s.remarks(0, "event=no_handshake") == 1);
    const std::string protocols = keyed ? "TCP and UDP" : "TCP"; // introductions
    const auto port = std::to_string(router_port), other_port = std::to_string(publish_port);
    CHECK(s.remarks(0, protocols + " from here to " + host_of(6) + ':' + port) == 1);
    CHECK(s.remarks(0, "; TCP from here to " + host_of(6) + ':' + other_port) == 1);
    CHECK(s.remarks(0, "; " + protocols + " from " + host_of(6) + " to this node's port " + port) == 1);
    CHECK(s.remarks(0, "; TCP from " + host_of(6) + " to this node's port " + other_port) == 1);
    hear_for(61min);
    CHECK(s.remarks(0, "event=no_handshake") == 2);
    s.run_for(20s); // it is silent, and no node is heard any more
    CHECK(s.alone(0));
}

TEST_CASE("seeds: what a node advertises by name is what the name stands for", "[core][scenario]") {
    auto how = by({});
    planted s(how);
    s.start(0);
    auto own = how.node;
    // Its own address is a seed in addition to the name, so it is met wherever the name leads.
    const auto here = host_of(1) + ':' + std::to_string(router_port) + '/' + std::to_string(publish_port);
    own.advertise = {"outside.example", here};
    own.seeds = {endpoint_of(0)};
    const auto who = s.start(1, own);
    s.settle();
    CHECK(s.mesh(who).settings().hosts == here);
    s.names().set_name("outside.example", {{"10.0.0.77", 0, 0}, {"fd00::7", 0, 0}});
    const auto told = [&](const std::string& hosts) { return s.mesh(who).settings().hosts == hosts; };
    REQUIRE(s.run_until([&] { return told("10.0.0.77 fd00::7 " + here); }, 40s));
    s.names().set_name("outside.example", {{"10.0.0.78", 0, 0}});
    REQUIRE(s.run_until([&] { return told("10.0.0.78 " + here); }, 40s));
    s.settle();
}
