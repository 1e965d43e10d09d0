// Proves that seeds are dialled, named and knocked at, and when a node may say that nobody is there.
#include "machines/reaching.hpp"

using namespace baton;
using namespace baton::core;

namespace {
mesh_options with_seeds(std::vector<std::string> seeds) {
    auto settings = reachable(1);
    settings.seeds = std::move(seeds);
    return settings;
}
discovery::name_answer found(std::uint32_t number, std::vector<discovery::address> all) {
    discovery::name_answer said;
    said.number = number;
    said.how = discovery::name_state::known;
    said.found = std::move(all);
    return said;
}
} // namespace

TEST_CASE("seeding: a seed is dialled, and knocked at until a member answers", "[core][machine]") {
    reaching_node a(with_seeds({"10.0.0.2:5002"}));
    a.all.seeds.tend(a.out);
    REQUIRE(a.taken<dial>().size() == 1);
    a.pass(1s);
    a.all.seeds.tend(a.out);
    const auto knocks = a.taken<knock>();
    REQUIRE(knocks.size() == 1);
    CHECK(knocks[0].endpoint == endpoint_of(2));
    CHECK(a.all.seeds.knocks() == 1);
    a.up(2);
    a.all.seeds.note_answered(endpoint_of(2), replica(2));
    a.pass(1min);
    a.all.seeds.tend(a.out);
    CHECK(a.taken<knock>().empty());
}

TEST_CASE("seeding: a node is alone when its seeds have refused and nobody is heard of", "[core][machine]") {
    reaching_node a(with_seeds({"10.0.0.2:5002"}));
    a.all.seeds.tend(a.out);
    a.pass(a.settings.alone_after);
    a.all.seeds.tend(a.out);
    CHECK_FALSE(a.all.seeds.is_alone()); // silence proves nothing
    CHECK(a.all.seeds.standing() == std::vector<std::string>{"10.0.0.2:5002"});
    a.all.seeds.knocked({{}, endpoint_of(2), knock_outcome::refused}, a.out);
    CHECK(a.out.acknowledged);
    CHECK(a.all.seeds.is_alone());
    a.settings.attached = false;
    CHECK_FALSE(a.all.seeds.is_alone());
    a.settings.attached = true;
    a.members.add(replica(3));
    a.pass(1s);
    a.all.seeds.tend(a.out);
    CHECK_FALSE(a.all.seeds.is_alone());
    std::vector<replica_id> unmet;
    a.all.seeds.name_unmet(unmet);
    CHECK(unmet == std::vector{replica(3)});
}

TEST_CASE("seeding: a name is followed to its addresses, and away from those it had", "[core][machine]") {
    reaching_node a(with_seeds({"mesh.example:5002"}));
    a.all.seeds.tend(a.out);
    const auto asked = a.taken<core::resolve>();
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].name == "mesh.example");
    CHECK(a.all.seeds.resolved({found(asked[0].number, {{"10.0.0.2", 0, 0}})}, a.out));
    a.all.seeds.tend(a.out);
    CHECK(a.taken<dial>().size() == 1);
    a.pass(1min);
    a.all.seeds.tend(a.out);
    a.out.clear();
    CHECK(a.all.seeds.resolved({found(asked[0].number, {{"10.0.0.3", 0, 0}})}, a.out));
    CHECK(a.taken<hang_up>().size() == 1);
    CHECK_FALSE(a.all.links.is_dialled(endpoint_of(2)));
}

TEST_CASE("seeding: a node advertises what its names stand for", "[core][machine]") {
    auto settings = reachable(1);
    settings.advertise = {"10.0.0.1:5001/6001", "own.example:5001/6001"};
    reaching_node a(settings);
    CHECK(a.settings.hosts == "10.0.0.1:5001/6001");
    a.all.seeds.tend(a.out);
    const auto asked = a.taken<core::resolve>();
    REQUIRE(asked.size() == 1);
    a.up(2);
    a.out.clear();
    a.all.on_resolved({found(asked[0].number, {{"10.7.0.1", 0, 0}})}, a.out);
    CHECK(a.settings.hosts == "10.0.0.1:5001/6001 10.7.0.1:5001/6001");
    CHECK(a.taken<send_request>().size() == 1); // members get the new addresses
}

TEST_CASE("seeding: a handshake that does not end is logged once, with what is missing", "[core][machine]") {
    reaching_node a;
    a.met(2);
    for (int i = 0; i < 40; ++i) {
        a.all.seeds.tend(a.out);
        a.pass(250ms);
    }
    REQUIRE(a.out.remarks.size() == 1);
    CHECK(a.out.remarks[0].find("TCP from here to 10.0.0.2:5002") != std::string::npos);
}
