// Proves how a beacon and a HELLO lead to a peer with a link, who is turned away, and what members report.
#include "machines/reaching.hpp"

using namespace baton;
using namespace baton::core;

namespace {
arrival request_from(std::uint8_t number, std::string_view host) {
    return {std::nullopt, replica(number), host};
}
} // namespace

TEST_CASE("contact: a beacon leads to a peer, a dial and an own beacon", "[core][machine]") {
    reaching_node a, b(reachable(2));
    const auto bytes = b.beacon();
    const auto seen = a.all.on_beacon({"10.0.0.2", bytes}, a.out);
    CHECK(seen.met);
    CHECK_FALSE(seen.replaced);
    const auto* const p = a.members.find(replica(2));
    REQUIRE(p != nullptr);
    CHECK(p->endpoint == endpoint_of(2));
    CHECK(p->state == member_state::contacting);
    CHECK(a.taken<dial>().size() == 1);
    const auto again = b.beacon();
    CHECK_FALSE(a.all.on_beacon({"10.0.0.2", again}, a.out).met);
    CHECK(a.taken<dial>().empty());
    a.pass(1s);
    a.all.look_for_others(a.out);
    CHECK(a.taken<send_beacon>().size() == 1);
}

TEST_CASE("contact: a HELLO makes a peer, which is dialled where it says that it is", "[core][machine]") {
    reaching_node a, b(reachable(2));
    b.settings.hosts = "10.0.0.2";
    const auto met = a.all.on_hello(b.hello(), request_from(2, "10.9.9.9"), a.out);
    REQUIRE(met.who != nullptr);
    CHECK(met.first);
    CHECK(met.who->name == "node2");
    CHECK(met.who->routable);
    const auto dialled = a.taken<dial>();
    REQUIRE(dialled.size() == 1);
    CHECK(dialled[0].endpoint == endpoint_of(2));
    CHECK_FALSE(a.all.on_hello(b.hello(), request_from(2, "10.9.9.9"), a.out).first);
}

TEST_CASE("contact: another cluster and another version are turned away, and reported once",
          "[core][machine]") {
    reaching_node a, b(reachable(2)), c(reachable(3));
    b.settings.cluster = "another";
    c.settings.versions = {wire::version_max + 1, wire::version_max + 1};
    for (int i = 0; i < 2; ++i) {
        CHECK_FALSE(a.all.on_hello(b.hello(), request_from(2, "10.0.0.2"), a.out).why);
        CHECK_FALSE(a.all.on_hello(c.hello(), request_from(3, "10.0.0.3"), a.out).why);
    }
    CHECK(a.out.events.size() == 2);
    CHECK(a.members.empty());
    CHECK(a.taken<send_reply>().size() == 2); // one of them reports the versions of this node
}

TEST_CASE("contact: a node that dials itself learns it, and lets the link go", "[core][machine]") {
    reaching_node a;
    const auto number = a.all.links.connect("tcp://10.0.0.7:5001", a.out);
    a.out.clear();
    CHECK(a.all.on_hello(a.hello(), {number, std::nullopt, "10.0.0.7"}, a.out).who == nullptr);
    CHECK(a.all.links.is_own("tcp://10.0.0.7:5001"));
    CHECK(a.taken<hang_up>().size() == 1);
}

TEST_CASE("contact: another node at a member's address replaces it", "[core][machine]") {
    reaching_node a, b(reachable(3));
    auto& former = a.up(2);
    const auto number = *former.via;
    const auto met = a.all.on_hello(b.hello(), {number, std::nullopt, "10.0.0.2"}, a.out);
    CHECK(met.replaced == replica(2));
    CHECK(met.who->via == number);
    a.members.transition(former, member_state::crashed, event_kind::restarted, a.time.now());
    auto said = b.hello();
    said.hosts = "10.0.0.8";
    a.all.note_address_taken(replica(3), met.who->endpoint, said);
    CHECK_FALSE(former.address_taken); // the address is not among its own
    said.hosts = "10.0.0.2:5002";
    a.all.note_address_taken(replica(3), met.who->endpoint, said);
    CHECK(former.address_taken);
}

TEST_CASE("contact: a full table makes room of the dead, oldest first", "[core][machine]") {
    auto settings = reachable(1);
    settings.limits.peers_max = 2;
    reaching_node a(settings), b(reachable(4));
    auto &older = a.up(2), &newer = a.up(3);
    CHECK_FALSE(a.all.on_hello(b.hello(), request_from(4, "10.0.0.4"), a.out).why); // all live
    a.members.transition(older, member_state::crashed, event_kind::crashed, a.time.now());
    a.pass(1s);
    a.members.transition(newer, member_state::crashed, event_kind::crashed, a.time.now());
    CHECK(a.all.on_hello(b.hello(), request_from(4, "10.0.0.4"), a.out).why);
    CHECK(a.members.find(replica(2)) == nullptr);
    CHECK(a.members.find(replica(3)) != nullptr);
}

TEST_CASE("contact: a link that closes is no death while another way is tried", "[core][machine]") {
    reaching_node a;
    auto& p = a.up(2);
    const auto number = *p.via;
    learn_ways(p, {{"10.1.0.2", 5002, 6002}});
    a.all.links[number].stale = true;
    a.all.searches.tend(a.out); // tries the other address
    REQUIRE(a.all.searches.is_trying(replica(2)));
    a.all.on_link({number, false}, a.out);
    CHECK_FALSE(p.health.life.is_closed());
    CHECK_FALSE(p.routable);
    a.all.searches.stop();
    a.all.searches.tend(a.out);
    a.all.on_link({number, true}, a.out);
    a.all.on_link({number, false}, a.out);
    CHECK(p.health.life.is_closed());
}

TEST_CASE("gossip: members that are up are reported, each node's loopback to its own machine only",
          "[core][machine]") {
    reaching_node a;
    auto& p = a.up(2);
    a.up(3);
    auto& local = a.up(4);
    local.endpoint = "tcp://127.0.0.1:5004", local.publish_endpoint = "tcp://127.0.0.1:6004";
    a.out.clear();
    a.all.rumours.tell(replica(2), p, a.out);
    const auto sent = a.taken<send_request>();
    REQUIRE(sent.size() == 1);
    const auto said = std::get<wire::peers>(*wire::decode(sent[0].bytes));
    REQUIRE(said.all.size() == 1);
    CHECK(said.all[0].id == replica(3));
    CHECK(a.all.rumours.told() == 1);
    a.all.rumours.exchange(a.out); // a round
    CHECK(a.taken<send_request>().size() == 1);
    a.all.rumours.exchange(a.out);
    CHECK(a.taken<send_request>().empty());

    reaching_node b(reachable(2));
    b.up(1);
    CHECK(b.all.on_peers(said, *b.members.find(replica(1)), b.out));
    CHECK(b.all.searches.under_way().contains(replica(3)));
}
