// Proves whose a link is, when it is dialled, and what becomes of the one before.
#include "machines/reaching.hpp"

using namespace baton;
using namespace baton::core;

TEST_CASE("links: an address has one link, dialled at once in an open mesh", "[core][machine]") {
    reaching_node a;
    const auto number = a.all.links.connect(endpoint_of(2), a.out);
    CHECK(a.all.links.connect(endpoint_of(2), a.out) == number);
    CHECK(a.taken<dial>().size() == 1);
    CHECK(a.all.links.is_dialled(endpoint_of(2)));
    CHECK_FALSE(a.all.links.is_dialled(endpoint_of(3)));
    CHECK(a.all.links.note_own(endpoint_of(3)));
    CHECK(a.all.links.is_dialled(endpoint_of(3))); // that address leads to this node
}

TEST_CASE("links: with a key a link is asked about before it is dialled", "[core][machine]") {
    reaching_node a(reachable(1, std::string(32, 'k')));
    const auto number = a.all.links.connect(endpoint_of(2), a.out);
    CHECK(a.taken<send_datagram>().size() == 1);
    a.pass(1s);
    a.all.links.tend(a.out);
    CHECK_FALSE(a.all.links[number].dialled);
    CHECK(a.taken<send_datagram>().size() == 1);
    discovery::link_key key;
    key.bytes.fill(2);
    CHECK(a.all.links.connect(endpoint_of(2), a.out, key) == number);
    const auto dialled = a.taken<dial>();
    REQUIRE(dialled.size() == 1);
    CHECK(dialled[0].key == key);
}

TEST_CASE("links: an address that nobody has proved is dialled again ever more seldom", "[core][machine]") {
    reaching_node a;
    a.all.links.connect(endpoint_of(2), a.out, {}, true);
    const auto first = a.taken<dial>();
    REQUIRE(first.size() == 1);
    CHECK(first[0].once);
    a.pass(1s);
    a.all.links.tend(a.out);
    CHECK(a.taken<dial>().empty());
    a.pass(1s);
    a.all.links.tend(a.out);
    CHECK(a.taken<dial>().size() == 1);
    a.pass(2s);
    a.all.links.tend(a.out);
    CHECK(a.taken<dial>().empty()); // four seconds now
}

TEST_CASE("links: a member is replaced by another that answers at its address", "[core][machine]") {
    reaching_node a;
    auto& former = a.up(2);
    const auto number = *former.via;
    CHECK(a.all.links.bind(number, replica(3), a.out) == replica(2));
    CHECK_FALSE(former.via);
    CHECK(a.members.find(replica(3))->via == number);
    CHECK_FALSE(a.all.links.bind(number, replica(3), a.out));
}

TEST_CASE("links: of two ways to one peer the later one stays", "[core][machine]") {
    reaching_node a;
    auto& p = a.up(2);
    const auto former = *p.via;
    a.out.clear();
    const auto number = a.all.links.connect("tcp://10.1.0.2:5002", a.out);
    CHECK_FALSE(a.all.links.bind(number, replica(2), a.out));
    CHECK(p.via == number);
    CHECK(a.all.links.find(former) == nullptr);
    const auto ended = a.taken<hang_up>();
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].link == former);
    CHECK(a.all.links[number].check_at); // it is greeted again: the routing id may belong to the other link
}

TEST_CASE("links: a living member's address is its own, and its link is doubted", "[core][machine]") {
    reaching_node a;
    auto& p = a.up(2);
    CHECK(a.all.links.held_by_another(endpoint_of(2), replica(3)));
    CHECK(a.all.links[*p.via].doubted);
    CHECK(a.time.wake_at() == a.time.now());
    CHECK_FALSE(a.all.links.held_by_another(endpoint_of(2), replica(2)));
    a.members.transition(p, member_state::crashed, event_kind::crashed, a.time.now());
    CHECK_FALSE(a.all.links.held_by_another(endpoint_of(2), replica(3)));
}

TEST_CASE("links: a subscription follows the peer's address, once", "[core][machine]") {
    reaching_node a;
    auto& p = a.met(2);
    REQUIRE(a.taken<subscribe>().size() == 1);
    a.all.links.follow(p, a.out);
    CHECK(a.taken<subscribe>().empty());
    p.publish_endpoint = "tcp://10.0.0.2:7000";
    p.sees_me = true;
    a.all.links[*p.via].open = true;
    a.all.links.follow(p, a.out);
    CHECK(a.taken<subscribe>().size() == 1);
    CHECK_FALSE(p.sees_me); // the new PUB has not seen this node yet
}

TEST_CASE("links: a peer needs a way while its link is not known to work", "[core][machine]") {
    reaching_node a;
    auto& p = a.up(2);
    CHECK_FALSE(a.all.links.needs_way(p));
    a.all.links[*p.via].stale = true;
    CHECK(a.all.links.needs_way(p));
    a.all.links.redial(replica(2), p, a.out);
    CHECK_FALSE(a.all.links[*p.via].stale);
    CHECK(a.all.links.needs_way(p)); // the link has not answered yet
}
