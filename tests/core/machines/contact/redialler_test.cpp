// Proves how long a crashed member keeps its link, how the dead take turns, and that a sign of one is
// followed.
#include "machines/reaching.hpp"

using namespace baton;
using namespace baton::core;

namespace {
peer& crashed(reaching_node& a, std::uint8_t number) {
    auto& p = a.up(number);
    a.all.links[*p.via].open = false;
    a.members.transition(p, member_state::crashed, event_kind::crashed, a.time.now());
    p.redial.link_until = a.time.now() + redialling::link_kept_for;
    return p;
}
} // namespace

TEST_CASE("redialler: the link of a dead member stays for a minute, then it is probed in turn",
          "[core][machine]") {
    reaching_node a;
    auto& p = crashed(a, 2);
    a.out.clear();
    CHECK(a.all.tend_dead(a.out) == nullptr);
    CHECK(p.via);
    a.pass(redialling::link_kept_for);
    CHECK(a.all.tend_dead(a.out) == &p);
    CHECK_FALSE(p.via);
    CHECK(a.taken<hang_up>().size() == 1);
    CHECK(a.all.tend_dead(a.out) == nullptr); // a second later
    a.pass(10s);
    CHECK(a.all.tend_dead(a.out) == &p);
    CHECK(a.taken<knock>().size() == 1); // within ten seconds of the end of the link
    CHECK(a.all.dead.knocks() == 1);
}

TEST_CASE("redialler: a dead member whose link answers keeps it", "[core][machine]") {
    reaching_node a;
    auto& p = crashed(a, 2);
    a.all.links[*p.via].open = true;
    a.pass(2 * redialling::link_kept_for);
    CHECK(a.all.tend_dead(a.out) == nullptr);
    CHECK(p.via);
}

TEST_CASE("redialler: an open port revives, once in ten seconds", "[core][machine]") {
    reaching_node a;
    auto& p = crashed(a, 2);
    a.pass(redialling::link_kept_for);
    (void)a.all.tend_dead(a.out);
    a.out.clear();
    a.all.on_knocked({replica(2), endpoint_of(2), knock_outcome::refused}, a.out);
    CHECK(p.redial.refused);
    CHECK_FALSE(p.via);
    a.all.on_knocked({replica(2), endpoint_of(2), knock_outcome::open}, a.out);
    CHECK(p.via);
    CHECK(a.taken<dial>().size() == 1);
    a.all.links.release(p, a.out);
    a.out.clear();
    a.all.dead.revive(replica(2), p, endpoint_of(2), a.out);
    CHECK_FALSE(p.via); // the report may be a lie
    a.pass(redialling::tries_apart);
    a.all.dead.revive(replica(2), p, endpoint_of(2), a.out);
    CHECK(p.via);
}

TEST_CASE("redialler: an address that another node has is left alone", "[core][machine]") {
    reaching_node a;
    auto& p = crashed(a, 2);
    p.address_taken = true;
    a.pass(redialling::link_kept_for);
    CHECK(a.all.tend_dead(a.out) == nullptr);
    a.pass(1h);
    CHECK(a.all.tend_dead(a.out) == nullptr);
    CHECK(a.taken<knock>().empty());
}
