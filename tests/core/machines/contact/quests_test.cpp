// Proves in which order the addresses of a node are tried, when a quest is over, and how many there are.
#include "machines/reaching.hpp"

using namespace baton;
using namespace baton::core;

namespace {
std::vector<discovery::address> ways(std::initializer_list<const char*> hosts) {
    std::vector<discovery::address> all;
    for (const auto* each : hosts) all.push_back({each, 5002, 6002});
    return all;
}
} // namespace

TEST_CASE("quests: addresses are dialled one after another until one answers", "[core][machine]") {
    reaching_node a;
    a.all.searches.seek(replica(2), ways({"10.1.0.2", "10.2.0.2", "10.3.0.2"}), 0ms);
    a.all.searches.tend(a.out);
    CHECK(a.taken<dial>().size() == 1);
    a.all.searches.tend(a.out);
    CHECK(a.taken<dial>().empty()); // 100 ms apart
    CHECK(a.all.searches.is_trying(replica(2)));
    a.pass(100ms);
    a.all.searches.tend(a.out);
    const auto second = a.taken<dial>();
    REQUIRE(second.size() == 1);
    auto& p = a.members.add(replica(2));
    (void)a.all.links.bind(second[0].link, replica(2), a.out);
    auto& l = a.all.links[second[0].link];
    l.open = l.answered = p.greeted = true;
    a.members.transition(p, member_state::up, event_kind::joined, a.time.now());
    a.pass(100ms);
    a.all.searches.tend(a.out);
    CHECK(a.taken<hang_up>().size() == 1); // the other one
    CHECK(a.all.searches.under_way().empty());
    CHECK(a.counters.ways_dialled == 2);
}

TEST_CASE("quests: rounds get rarer, and end", "[core][machine]") {
    reaching_node a;
    a.all.searches.seek_reported(replica(2), ways({"10.1.0.2"}), replica(3));
    CHECK(a.all.searches.under_way().at(replica(2)).told_by == replica(3));
    CHECK(a.counters.peers_heard == 1);
    std::size_t dials = 0;
    for (int i = 0; i < 600 && !a.all.searches.under_way().empty(); ++i) {
        a.all.searches.tend(a.out);
        dials += a.taken<dial>().size();
        a.pass(100ms);
    }
    CHECK(a.all.searches.under_way().empty());
    CHECK(dials == 5);
    CHECK(a.all.links.all().empty());
}

TEST_CASE("quests: there are so many at a time, and so many dials", "[core][machine]") {
    reaching_node a;
    for (unsigned number = 2; number < 2 + quests::quests_max + 3; ++number)
        a.all.searches.seek(replica(static_cast<std::uint8_t>(number)),
                            {{"10.0.1." + std::to_string(number), 5000, 6000}}, 0ms);
    CHECK(a.all.searches.under_way().size() == quests::quests_max);
    CHECK(a.counters.peers_ignored == 3);
    a.all.searches.tend(a.out);
    CHECK(a.taken<dial>().size() == quests::dialled_max);
}

TEST_CASE("quests: a node that says where it is is sought there when its link leads elsewhere",
          "[core][machine]") {
    reaching_node a;
    auto& p = a.up(2);
    learn_ways(p, ways({"10.1.0.2"}));
    a.all.searches.note_moved(replica(2), p, "10.0.0.2 10.1.0.2", "10.1.0.2");
    CHECK(a.all.searches.under_way().empty()); // the member is still where its link leads
    a.all.searches.note_moved(replica(2), p, "10.1.0.2", "10.9.0.2");
    CHECK(a.all.searches.under_way().empty()); // it is seen at an address that it does not list
    a.all.searches.note_moved(replica(2), p, "10.1.0.2", "10.1.0.2");
    CHECK(a.all.searches.under_way().size() == 1);
    CHECK(a.all.links[*p.via].stale);
}

TEST_CASE("quests: after the goodbye nobody is sought", "[core][machine]") {
    reaching_node a;
    a.all.searches.seek(replica(2), ways({"10.1.0.2"}), 0ms);
    a.all.searches.tend(a.out);
    a.out.clear();
    a.all.searches.stop();
    a.all.searches.seek(replica(3), ways({"10.1.0.3"}), 0ms);
    a.all.searches.tend(a.out);
    CHECK(a.all.searches.under_way().empty());
    CHECK(a.taken<hang_up>().size() == 1);
}
