// Discovery: how nodes find each other, and their way to each other, under virtual time: by one seed, at one
// of several addresses, after an address has changed, and with how many beacons. The network of the simulator
// knows addresses 10.0.0.<slot + 1>; at others nobody answers.
#include "discovery/address.hpp"
#include "scene.hpp"

using namespace baton;
using namespace baton::sim;

namespace {

const discovery::address nobody{"10.0.0.200", router_port, publish_port};

world::settings without_beacon() {
    world::settings how;
    how.node.beacon = false;
    return how;
}
/// Options of one who knows the first node alone.
core::mesh_options with_seed(const world::settings& how) {
    auto own = how.node;
    own.seeds = {endpoint_of(0)};
    return own;
}
std::string beacon_of(const replica_id& id, const std::string& hosts, std::uint64_t sequence = 1,
                      const std::string& reach = {}) {
    return discovery::encode({"default", wire::version_min, wire::version_max, id, sequence, router_port,
                              publish_port, hosts, reach});
}
std::string told(const replica_id& by, std::vector<wire::peers::one> all) {
    return wire::encode(wire::peers{by, std::move(all)});
}

} // namespace

TEST_CASE("discovery: one seed joins the whole mesh", "[core][scenario]") {
    // Every node is told only the address of the first; there are no beacons. Then one more joins, which
    // knows only the last.
    const auto how = without_beacon();
    scene s(how);
    s.start(0);
    for (slot_number slot = 1; slot < 5; ++slot) s.start(slot, with_seed(how));
    s.settle(3s);
    auto own = how.node;
    own.seeds = {endpoint_of(4)};
    s.start(5, own);
    s.settle(1s);
    for (const auto who : s.alive()) CHECK(s.mesh(who).members().size() == 5);
    CHECK(s.mesh(5).stats().peers_heard == 4);
}

TEST_CASE("discovery: of a large mesh a newcomer learns everybody by one seed", "[core][scenario]") {
    // There are more members than one PEERS frame holds, and the seed dies as soon as it has sent them.
    auto how = without_beacon();
    how.check = false;
    scene s(how);
    s.start(0);
    for (slot_number slot = 1; slot < 40; ++slot) s.start(slot, with_seed(how));
    s.settle(20s);
    const auto last = s.start(40, with_seed(how));
    REQUIRE(s.run_until([&] { return s.mesh(last).stats().peers_heard == 39; }, 1s));
    s.crash(0);
    CHECK(s.run_until([&] { return s.mesh(last).stats().members_up == 39; }, 3s));
    std::uint64_t most = 0;
    for (const auto who : s.alive()) most = std::max(most, s.mesh(who).stats().ways_dialled);
    CHECK(most <= 2 * 40); // usually each once
}

TEST_CASE("discovery: members do not tell of one another where that is off", "[core][scenario]") {
    // The two that know the first one alone never meet.
    auto how = without_beacon();
    how.node.exchanges_peers = false;
    scene s(how);
    s.start(0), s.start(1, with_seed(how)), s.start(2, with_seed(how));
    s.run_for(10s);
    CHECK(s.mesh(0).stats().members_up == 2);
    CHECK(s.mesh(1).stats().members_up == 1);
    CHECK(s.mesh(0).stats().peers_told == 0);
    s.set_filter([](process_number, process_number, channel, std::string_view bytes) {
        return !is<wire::peers>(bytes);
    });
    const auto bytes = told(s.at(0).id, {{s.at(2).id, "10.0.0.3:5001/5002"}});
    CHECK_FALSE(s.give(1, core::request_arrived{s.at(0).id, host_of(0), bytes}).refused);
    s.run_for(2s);
    CHECK(s.mesh(1).stats().members_up == 1);
}

TEST_CASE("discovery: what is told of nodes is bounded, and believed of nobody", "[core][scenario]") {
    // A member reports hundreds of nodes that do not exist, this node itself, malformed addresses, and
    // loopback addresses.
    const auto how = without_beacon();
    scene s(how);
    s.start(0), s.start(1, with_seed(how));
    s.settle();
    std::size_t dials = 0;
    for (std::uint8_t i = 0; i < 255; ++i) {
        replica_id id;
        id.bytes.fill(static_cast<std::uint8_t>(i + 1));
        const auto host = "10.0.1." + std::to_string(i) + ":1/2";
        const auto bytes = told(s.at(1).id, {{id, host}, {s.at(0).id, host}, {id, "nonsense 10.0.0.9"}});
        CHECK_FALSE(s.give(0, core::request_arrived{s.at(1).id, host_of(1), bytes}).refused);
        dials = std::max(dials, static_cast<std::size_t>(s.mesh(0).stats().ways_dialled));
    }
    s.run_for(30s);
    const auto stats = s.mesh(0).stats();
    CHECK(stats.peers_ignored >= 255 - 64);
    CHECK(stats.ways_dialled <= 64 * 5); // each a few times, less and less often
    CHECK(dials <= 24);
    CHECK(stats.members_up == 1);
    CHECK(s.mesh(0).members().size() == 1);
    replica_id id;
    id.bytes.fill(7);
    const auto here = told(s.at(1).id, {{id, "127.0.0.1:1/2 fe80::1:1/2"}});
    s.give(0, core::request_arrived{s.at(1).id, host_of(1), here});
    CHECK(s.mesh(0).stats().peers_ignored == stats.peers_ignored + 1); // loopback of another machine
    const auto stolen = told(id, {});
    CHECK(std::string(s.give(0, core::request_arrived{s.at(1).id, host_of(1), stolen}).refused) ==
          "stolen identity");
}

TEST_CASE("discovery: of several addresses the first that answers is kept", "[core][scenario]") {
    // The other is heard by a beacon that names three addresses, of which the last is right: it is up before
    // the first dial would have been given up, and the others are not dialled for ever.
    const auto how = without_beacon();
    scene s(how);
    s.start(0), s.start(1);
    s.run_for(1s);
    const auto bytes = beacon_of(s.at(1).id, nobody.host + " 10.0.0.201 " + host_of(1));
    s.give(0, core::beacon_arrived{host_of(1), bytes});
    CHECK(
        s.run_until([&] { return s.sees(0, 1, member_state::up) && s.sees(1, 0, member_state::up); }, 400ms));
    s.settle();
    CHECK(s.mesh(0).members().at(0).endpoint == endpoint_of(1));
    const auto dialled = s.mesh(0).stats().ways_dialled;
    CHECK(dialled == 2);
    s.run_for(10s);
    CHECK(s.mesh(0).stats().ways_dialled == dialled);
    CHECK(s.heard(0, event_kind::suspect, 1) == 0);
    CHECK(s.heard(1, event_kind::suspect, 0) == 0);
}

TEST_CASE("discovery: an answer of somebody else at an address is no answer", "[core][scenario]") {
    // Two of the three addresses lead to another member. No node is mistaken for another, and none is
    // reported as gone.
    const auto how = without_beacon();
    scene s(how);
    s.start(0), s.start(1), s.start(2, with_seed(how));
    REQUIRE(s.run_until([&] { return s.sees(0, 2, member_state::up); }, 1s));
    const bool first = GENERATE(false, true); // that address is the first or the second one
    const auto others = first ? host_of(2) + ' ' + nobody.host : nobody.host + ' ' + host_of(2);
    const auto bytes = beacon_of(s.at(1).id, others + ' ' + host_of(1));
    s.give(0, core::beacon_arrived{host_of(1), bytes});
    s.settle(2s);
    s.run_for(2s);
    for (const process_number who : {0, 1, 2}) {
        for (const process_number about : {0, 1, 2}) {
            for (const auto kind : {event_kind::suspect, event_kind::crashed, event_kind::restarted})
                CHECK(s.heard(who, kind, about) == 0);
        }
    }
}

TEST_CASE("discovery: a member whose link fails is reached at its other address", "[core][scenario]") {
    // Two machines with two addresses each; what goes between the first two is cut, silently. Silence makes
    // suspect, and by the other addresses both are back before they would be called crashed.
    scene s(slow_to_close(without_beacon()));
    s.start(0), s.start(1);
    s.answer_at(10, 0), s.answer_at(11, 1);
    s.give(0, core::beacon_arrived{host_of(1), beacon_of(s.at(1).id, host_of(1) + ' ' + host_of(11))});
    s.give(1, core::beacon_arrived{host_of(0), beacon_of(s.at(0).id, host_of(0) + ' ' + host_of(10))});
    s.settle();
    s.run_for(100ms); // each link has been answered on
    s.sever(0, 1, true);
    s.run_for(10s);
    CHECK(s.heard(0, event_kind::suspect, 1) == 1);
    for (const process_number who : {0, 1}) {
        CHECK(s.heard(who, event_kind::crashed, 1 - who) == 0);
        CHECK(s.sees(who, 1 - who, member_state::up));
        CHECK(s.mesh(who).members().at(0).endpoint == endpoint_of(11 - who));
    }
    s.stash(0, 0, "by the other way");
    s.settle();
    CHECK(s.pickup(1, 0) == "by the other way");
}

TEST_CASE("discovery: a link on which its peer hears nothing any more is dialled anew", "[core][scenario]") {
    // Another way, given up by 0, reaches 1 late and takes the name there; what 0 asks by the link it has is
    // not heard.
    scene s(without_beacon());
    s.start(0), s.start(1);
    s.give(0, core::beacon_arrived{host_of(1), beacon_of(s.at(1).id, host_of(1))});
    const bool has_joined = GENERATE(false, true);
    if (has_joined) {
        s.settle();
        s.run_for(1s);
    } else {
        s.run_for(2ms);
    }
    s.usurp(0, 1);
    s.run_for(8s);
    for (const process_number who : {0, 1}) {
        CHECK(s.sees(who, 1 - who, member_state::up));
        CHECK(s.heard(who, event_kind::joined, 1 - who) == 1);
        CHECK(s.heard(who, event_kind::suspect, 1 - who) == 0);
    }
    s.set_filter([](process_number from, process_number, channel kind, std::string_view) {
        return !(from == 1 && kind == channel::broadcast); // so that node 0 has to ask for it
    });
    s.stash(1, 0, "asked for");
    s.run_for(100ms);
    s.set_filter({});
    s.run_for(2s);
    CHECK(s.pickup(0, 0) == "asked for");
}

TEST_CASE("discovery: a node that has moved is dialled where it is, and nothing is told",
          "[core][scenario]") {
    // Its beacon lists its addresses and arrives from one of them; the address in use is not among them.
    const auto how = without_beacon();
    scene s(how);
    s.start(0), s.start(1, with_seed(how));
    s.settle();
    const auto& id = s.at(1).id;
    const auto before = s.mesh(0).stats().ways_dialled;
    s.give(0, core::beacon_arrived{host_of(1), beacon_of(id, "", 1, host_of(1) + " 10.0.0.9")});
    s.run_for(300ms);
    CHECK(s.mesh(0).stats().ways_dialled == before); // a second address is no move
    s.give(0, core::beacon_arrived{"10.0.0.9", beacon_of(id, "", 2, "10.0.0.9")});
    s.run_for(300ms);
    CHECK(s.mesh(0).stats().ways_dialled > before);
    s.run_for(5s); // no node answers there, so the link stays where its node answers
    CHECK(s.sees(0, 1, member_state::up));
    CHECK(s.heard(0, event_kind::suspect, 1) == 0);
    CHECK(s.mesh(0).members().at(0).endpoint == endpoint_of(1));
}

TEST_CASE("discovery: new addresses are announced at once and told on every link", "[core][scenario]") {
    scene s;
    s.gather(2);
    s.run_for(30s);
    const auto before = s.mesh(0).stats().beacons_sent;
    std::size_t told = 0;
    s.set_filter([&](process_number from, process_number, channel on, std::string_view bytes) {
        const auto frame = wire::decode(bytes);
        const auto* const hello = frame ? std::get_if<wire::hello>(&*frame) : nullptr;
        told += from == 0 && on != channel::beacon && hello != nullptr && hello->reach == "10.0.0.1 10.0.0.9";
        return true;
    });
    s.give(0, core::addresses_changed{"10.0.0.1 10.0.0.9"});
    s.run_for(5ms);
    CHECK(s.mesh(0).stats().beacons_sent == before + 1);
    CHECK(told >= 1);
    s.settle();
    CHECK(s.heard(1, event_kind::suspect, 0) == 0);
}

TEST_CASE("discovery: a quiet mesh of many sends few beacons, and a newcomer does not wait for one",
          "[core][scenario]") {
    // Twelve nodes for a minute; then one more.
    world::settings how;
    how.check = false;
    scene s(how);
    s.gather(12);
    s.run_for(30s);
    const auto sent = [&] {
        std::uint64_t all = 0;
        for (const auto who : s.alive()) all += s.mesh(who).stats().beacons_sent;
        return all;
    };
    const auto before = sent();
    s.run_for(60s);
    CHECK(sent() - before <= 12 * 60 / 4); // a quarter of one a second each, and some left out
    const auto begun = s.now();
    const auto newcomer = s.start(12);
    REQUIRE(s.run_until([&] { return s.mesh(newcomer).stats().members_up == 12; }, 1s));
    CHECK(s.now() - begun <= 50ms);
}

TEST_CASE("discovery: who is heard but cannot be dialled is answered", "[core][scenario]") {
    // The beacon of the newcomer names an address where it is not, so no node reaches it: the newcomer has to
    // hear of the others.
    scene s;
    s.gather(1);
    s.run_for(30s); // its own beacon comes every second
    auto own = core::mesh_options{};
    own.hosts = nobody.host;
    const auto begun = s.now();
    const auto newcomer = s.start(1, own);
    REQUIRE(s.run_until([&] { return s.sees(newcomer, 0).has_value(); }, 1s));
    CHECK(s.now() - begun <= 150ms);
}
